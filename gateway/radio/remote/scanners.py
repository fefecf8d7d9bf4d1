"""The remote scanners: messages by MQTT in, advertisements out, with each scanner's health. Pure: time comes in with the messages.

Only scanners of the store plan are heard; another name is counted and dropped, so that no sender can fill the memory. A batch
that is redelivered or late is dropped: a reception of half a minute ago would move a shopper back.
"""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from gateway.messages import Event, SightingsBatch
from gateway.model import Advertisement
from gateway.radio.frames import BEACON_ID_BYTES, IBEACON_PREFIX
from gateway.radio.health import ScannerHealth, Tally
from gateway.radio.quality import ClockOffset, QualityMeter
from gateway.radio.remote.formats import BAD, FORMATS, RSSI_DBM
from gateway.radio.watchdog import ScannerState

LATE_S = 30.0
"""The contract's expiry of sightings."""
SILENT_S = 15.0
"""Batches come every second, ESPresense repeats a device every 5 s: three times that is a scanner that fails."""
MESSAGE_MAX_BYTES = 256 * 1024
ETALAGE, APP = "etalage", "app"
"""The kind of another Etalage box; the name in the topic under which phones' sightings come."""
PHONE_BATCHES_KEPT = 1024
"""Source and id of the last ones, to know one that comes again: the expiry of 30 s at 30 a second."""


class PhoneReading(NamedTuple):
    """A fixed beacon of the shop that a shopper's phone heard, as the store app reported it."""

    at_s: float
    shopper: str
    beacon: bytes
    """Beacon id of the fixed beacon, 20 bytes."""
    rssi_dbm: int


class Readings(NamedTuple):
    """What was in one message."""

    advertisements: list[Advertisement]
    phones: list[PhoneReading]


class _RemoteScanner:
    """One scanner elsewhere."""

    def __init__(self, kind: str, uuids: frozenset[bytes]) -> None:
        self.kind = kind
        self.tally = Tally()
        self.clock = ClockOffset()
        self.meter = QualityMeter(uuids)
        self.last_s: float | None = None
        self.sequence = -1
        self.silences = 0
        self.silent = False
        self.per_s = 0.0
        self._life_before = 0

    def tick(self, now_s: float, elapsed_s: float) -> None:
        silent = self.last_s is not None and now_s - self.last_s > SILENT_S
        self.silences += silent and not self.silent
        self.silent = silent
        self.meter.tick(now_s, self.clock.offset_s)
        if elapsed_s > 0:
            rate = (self.tally.life - self._life_before) / elapsed_s
            self.per_s += min(elapsed_s / SILENT_S, 1.0) * (rate - self.per_s)
        self._life_before = self.tally.life


class RemoteScanners:
    """All remote scanners.

    `prefix`: what every topic of this shop begins with; `others`: format → topic filter; `names`: a scanner's own name → its id in
    the store plan; `uuids`: the shop's own, for the scanners' quality.
    """

    def __init__(
        self,
        prefix: str,
        scanners: Iterable[str],
        *,
        others: Mapping[str, str] | None = None,
        names: Mapping[str, str] | None = None,
        uuids: frozenset[bytes] = frozenset(),
    ) -> None:
        self._sightings = f"{prefix.rstrip('/')}/sightings/"
        self._scanners = frozenset(scanners)
        self._names = {name.lower(): scanner for name, scanner in (names or {}).items()}
        self._others = dict(others or {})
        self._uuids = uuids
        self._remote: dict[str, _RemoteScanner] = {}
        self._phone_batches: deque[tuple[str, str]] = deque(maxlen=PHONE_BATCHES_KEPT)
        self._ticked_s: float | None = None
        self.malformed = 0
        """Messages and receptions that couldn't be read."""
        self.unknown = 0
        """Receptions by scanners that the store plan doesn't know."""
        self.late = 0
        """Receptions that came too late, or once more."""

    @property
    def filters(self) -> list[str]:
        """The topic filters to subscribe to."""
        return [self._sightings + "+", *self._others.values()]

    def parse(self, topic: str, payload: bytes, received_at_s: float) -> Readings:
        """What a message says; empty when it says nothing that can be used. Never raises."""
        readings = Readings([], [])
        if len(payload) > MESSAGE_MAX_BYTES:
            self.malformed += 1
        elif topic.startswith(self._sightings):
            self._batch(topic.removeprefix(self._sightings), payload, received_at_s, readings)
        else:
            kind = next((kind for kind, pattern in self._others.items() if matches(pattern, topic)), None)
            if kind is not None:
                self._foreign(kind, topic, payload, received_at_s, readings)
        return readings

    def tick(self, now_s: float) -> None:
        """Lets time pass: silences are noticed, quality is judged. `now_s` in epoch seconds, as in `parse`."""
        elapsed_s = now_s - self._ticked_s if self._ticked_s is not None else 0.0
        self._ticked_s = now_s
        for remote in self._remote.values():
            remote.tick(now_s, elapsed_s)

    def health(self) -> list[ScannerHealth]:
        """Each scanner that was ever heard, as of the last tick."""
        return [self._health_of(scanner, remote) for scanner, remote in sorted(self._remote.items())]

    def _known(self, name: str, kind: str) -> tuple[str, _RemoteScanner] | None:
        scanner = self._names.get(name.lower(), name)
        if scanner not in self._scanners:
            self.unknown += 1
            return None
        remote = self._remote.get(scanner)
        if remote is None:
            remote = self._remote[scanner] = _RemoteScanner(kind, self._uuids)
        return scanner, remote

    def _batch(self, name: str, payload: bytes, received_at_s: float, readings: Readings) -> None:
        try:
            event = Event[SightingsBatch].model_validate_json(payload)
        except ValidationError:
            self.malformed += 1
            return
        if event.data.scanner != name or (event.data.shopper is not None) != (name == APP):
            self.malformed += 1
        elif event.data.shopper is not None:
            self._phone(event, event.data.shopper, received_at_s, readings)
        else:
            self._scanned(event.data, received_at_s, readings)

    def _scanned(self, batch: SightingsBatch, received_at_s: float, readings: Readings) -> None:
        """A batch from another Etalage box."""
        known = self._known(batch.scanner, ETALAGE)
        if known is None:
            return
        scanner, remote = known
        remote.last_s = received_at_s
        if batch.sequence <= remote.sequence:
            self.late += len(batch.readings)
            return
        remote.sequence = batch.sequence
        for claimed_s, beacon, rssi_dbm in self._readable(batch):
            at_s = remote.clock.correct(claimed_s, received_at_s)
            self._take(scanner, remote, at_s, received_at_s, rssi_dbm, IBEACON_PREFIX + beacon + b"\0", readings)

    def _phone(self, event: Event[SightingsBatch], shopper: str, received_at_s: float, readings: Readings) -> None:
        """What a shopper's phone heard. Its clock comes from the network, and is taken as it is."""
        key = (event.source, event.id)
        if key in self._phone_batches:
            self.late += len(event.data.readings)
            return
        self._phone_batches.append(key)
        for claimed_s, beacon, rssi_dbm in self._readable(event.data):
            if received_at_s - claimed_s <= LATE_S:
                readings.phones.append(PhoneReading(min(claimed_s, received_at_s), shopper, beacon, rssi_dbm))
            else:
                self.late += 1

    def _readable(self, batch: SightingsBatch) -> Iterator[tuple[float, bytes, int]]:
        for claimed_s, beacon_hex, rssi_dbm in batch.readings:
            beacon = _beacon(beacon_hex)
            if beacon is None or rssi_dbm not in RSSI_DBM or not math.isfinite(claimed_s):
                self.malformed += 1
            else:
                yield claimed_s, beacon, rssi_dbm

    def _foreign(self, kind: str, topic: str, payload: bytes, received_at_s: float, readings: Readings) -> None:
        levels = topic.split("/")
        for item in self._items(kind, levels, payload):
            try:
                heard = FORMATS[kind].heard(levels, item)
            except BAD:
                self.malformed += 1
                continue
            known = self._known(heard.name, kind) if heard is not None else None
            if heard is None or known is None:
                continue
            scanner, remote = known
            remote.last_s = received_at_s
            at_s = received_at_s if heard.at_s is None else remote.clock.correct(heard.at_s, received_at_s)
            self._take(scanner, remote, at_s, received_at_s, heard.rssi_dbm, heard.payload, readings)

    def _items(self, kind: str, levels: list[str], payload: bytes) -> Iterator[Any]:
        try:
            yield from FORMATS[kind].items(levels, json.loads(payload))
        except (*BAD, StopIteration, RecursionError):
            self.malformed += 1

    def _take(
        self,
        scanner: str,
        remote: _RemoteScanner,
        at_s: float,
        received_at_s: float,
        rssi_dbm: int,
        payload: bytes,
        readings: Readings,
    ) -> None:
        if received_at_s - at_s > LATE_S:
            self.late += 1
            return
        remote.tally.heard += 1
        remote.meter.hear(at_s, payload, rssi_dbm)
        readings.advertisements.append(Advertisement(at_s, scanner, "", rssi_dbm, payload))

    def _health_of(self, scanner: str, remote: _RemoteScanner) -> ScannerHealth:
        now_s = self._ticked_s or 0.0
        silent_s = None if remote.last_s is None else max(now_s - remote.last_s, 0.0)
        return ScannerHealth(
            scanner=scanner,
            kind=remote.kind,
            state=ScannerState.DEAF if remote.silent else ScannerState.HEARING,
            adverts_per_s=round(remote.per_s, 1),
            heard=remote.tally.heard,
            other=0,
            malformed=0,
            restarts=0,
            power_cycles=0,
            resets=0,
            failures=remote.silences,
            recoveries=max(remote.silences - remote.silent, 0),
            reason="no messages" if remote.silences else "",
            silent_s=silent_s,
            next_step_in_s=None,
            quality=remote.meter.quality,
        )


def matches(pattern: str, topic: str) -> bool:
    """Whether an MQTT topic filter takes a topic: `+` one level, `#` all the rest."""
    wanted, given = pattern.split("/"), topic.split("/")
    if wanted[-1] == "#":
        wanted = wanted[:-1]
        given = given[: len(wanted)]
    return len(wanted) == len(given) and all(one in ("+", level) for one, level in zip(wanted, given, strict=True))


def _beacon(text: str) -> bytes | None:
    try:
        beacon = bytes.fromhex(text)
    except ValueError:
        return None
    return beacon if len(beacon) == BEACON_ID_BYTES else None
