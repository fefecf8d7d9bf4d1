"""The remote scanners: messages by MQTT in, receptions out, with each scanner's health. Pure: time comes in with the messages.

Only scanners of the store plan are heard; another name is counted, shown and dropped. Time is this box's own: a sender's times are
corrected by its offset (sender_clock.py), nothing is ever later than it was received, and what is older than USABLE_S is of no use
any more. So no sender's clock, backlog or kept message moves anybody. What isn't taken is counted by scanner and reason.
"""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from pydantic import ValidationError

from gateway.messages import Event, SightingsBatch
from gateway.model import Advertisement
from gateway.radio.frames import IBEACON_PREFIX, RSSI_RANGE_DBM
from gateway.radio.health import ScannerHealth
from gateway.radio.remote.formats import FORMATS, Item, matches
from gateway.radio.remote.readings import MessageReadings, PhoneReading, Reading, beacon_of, untimely
from gateway.radio.remote.refusals import RefusalReason, Refusals, UnknownScanner
from gateway.radio.remote.sender import RemoteScanner
from gateway.radio.remote.values import BAD, MILLISECONDS_FROM, payload_of, rssi_of

MESSAGE_MAX_BYTES = 256 * 1024
ETALAGE, APP = "etalage", "app"
"""The kind of another Etalage box; the name in the topic under which phones' sightings come."""
PHONE_BATCHES_KEPT = 1024
"""Source and id of the last ones, to know one that comes again: the contract's expiry of 30 s at 30 a second."""


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
        self._scanners = {scanner: RemoteScanner(scanner, uuids) for scanner in scanners}
        self._names = {name.lower(): scanner for name, scanner in (names or {}).items()}
        self._others = dict(others or {})
        self._phone_batches: deque[tuple[str, str]] = deque(maxlen=PHONE_BATCHES_KEPT)
        self._ticked_s: float | None = None
        self.refusals = Refusals(self._scanners, names or ())

    @property
    def filters(self) -> list[str]:
        """Return the topic filters to subscribe to."""
        return [self._sightings + "+", *self._others.values()]

    @property
    def malformed(self) -> int:
        """Return how many messages and receptions couldn't be read."""
        return self.refusals.sum_of(RefusalReason.MALFORMED)

    @property
    def unknown(self) -> int:
        """Return how many messages came from scanners that the store plan doesn't know."""
        return self.refusals.sum_of(RefusalReason.UNKNOWN)

    @property
    def late(self) -> int:
        """Return how many receptions came too late."""
        return self.refusals.sum_of(RefusalReason.LATE)

    def parse(self, topic: str, payload: bytes, received_at_s: float, *, retained: bool = False) -> MessageReadings:
        """Return what a message says; empty when it says nothing that can be used. Never raises.

        `retained`: the broker had kept it, so it is of no certain age, and no sign of life.
        """
        readings = MessageReadings([], [])
        name = topic.removeprefix(self._sightings) if topic.startswith(self._sightings) else None
        kind = ETALAGE if name is not None else next((kind for kind, one in self._others.items() if matches(one, topic)), None)
        source = name if name in self._scanners or name == APP else kind
        if kind is None or source is None:
            return readings
        if retained:
            self.refusals.count(source, RefusalReason.RETAINED)
        elif len(payload) > MESSAGE_MAX_BYTES:
            self.refusals.count(source, RefusalReason.MALFORMED)
        elif name is not None:
            self._batch(name, source, payload, received_at_s, readings)
        else:
            self._foreign(kind, topic, payload, received_at_s, readings)
        return readings

    def tick(self, now_s: float) -> None:
        """Let time pass: silences are noticed, quality is judged. `now_s` in epoch seconds, as in `parse`."""
        elapsed_s = now_s - self._ticked_s if self._ticked_s is not None else 0.0
        self._ticked_s = now_s
        self.refusals.tick(now_s)
        for scanner in self._scanners.values():
            scanner.tick(now_s, elapsed_s)

    def health(self) -> list[ScannerHealth]:
        """Return how each scanner is doing, heard or not, as of the last tick."""
        now_s, refusals = self._ticked_s or 0.0, self.refusals
        return [
            one.health(now_s, refusals.of(scanner), refusals.lately(scanner)) for scanner, one in sorted(self._scanners.items())
        ]

    def unknown_scanners(self) -> list[UnknownScanner]:
        """Return who lately reported by a name that isn't in the store plan."""
        return self.refusals.unknown_scanners()

    def _find(self, names: Iterable[str]) -> RemoteScanner | None:
        """Return the plan's scanner that has one of these names."""
        ids = (self._names.get(name.lower(), name) for name in names)
        return next((self._scanners[scanner] for scanner in ids if scanner in self._scanners), None)

    # -- Etalage's own format -----------------------------------------------------------------------------------------------

    def _batch(self, name: str, source: str, payload: bytes, received_at_s: float, readings: MessageReadings) -> None:
        try:
            event = Event[SightingsBatch].model_validate_json(payload)
        except ValidationError:
            self.refusals.count(source, RefusalReason.MALFORMED)
            return
        if event.data.scanner != name or (event.data.shopper is not None) != (name == APP):
            self.refusals.count(source, RefusalReason.MALFORMED)
        elif event.data.shopper is not None:
            self._phone(event, event.data.shopper, received_at_s, readings)
        else:
            self._scanned(event.data, received_at_s, readings)

    def _scanned(self, batch: SightingsBatch, received_at_s: float, readings: MessageReadings) -> None:
        """Take a batch from another Etalage box; without receptions it is a sign of life."""
        scanner = self._find((batch.scanner,))
        if scanner is None:
            self.refusals.from_unknown(batch.scanner, ETALAGE, received_at_s)
            return
        scanner.speaks(ETALAGE, received_at_s)
        if not scanner.runs.take(batch.boot, batch.sequence, received_at_s):
            self.refusals.count(scanner.id, RefusalReason.REPEATED, max(len(batch.readings), 1))
            return
        said = [
            Reading(scanner, claimed_s, rssi_dbm, IBEACON_PREFIX + beacon + b"\0")
            for claimed_s, beacon, rssi_dbm in self._readable(batch, scanner.id)
        ]
        self._take(said, received_at_s, readings)

    def _phone(self, event: Event[SightingsBatch], shopper: str, received_at_s: float, readings: MessageReadings) -> None:
        """Take what a shopper's phone heard. Its clock comes from the network, and is taken as it is."""
        key = (event.source, event.id)
        if key in self._phone_batches:
            self.refusals.count(APP, RefusalReason.REPEATED, max(len(event.data.readings), 1))
            return
        self._phone_batches.append(key)
        for claimed_s, beacon, rssi_dbm in self._readable(event.data, APP):
            refusal = untimely(received_at_s - claimed_s)
            if refusal is None:
                readings.phones.append(PhoneReading(min(claimed_s, received_at_s), shopper, beacon, rssi_dbm))
            else:
                self.refusals.count(APP, refusal)

    def _readable(self, batch: SightingsBatch, source: str) -> Iterator[tuple[float, bytes, int]]:
        for claimed_s, beacon_hex, rssi_dbm in batch.readings:
            beacon = beacon_of(beacon_hex)
            if beacon is None or rssi_dbm not in RSSI_RANGE_DBM:
                self.refusals.count(source, RefusalReason.MALFORMED)
            elif not 0 <= claimed_s < MILLISECONDS_FROM:
                self.refusals.count(source, RefusalReason.IMPOSSIBLE)
            else:
                yield claimed_s, beacon, rssi_dbm

    # -- other makers' formats ----------------------------------------------------------------------------------------------

    def _foreign(self, kind: str, topic: str, payload: bytes, received_at_s: float, readings: MessageReadings) -> None:
        said: list[Reading] = []
        unknown: set[str] = set()
        for item in self._items(kind, topic.split("/"), payload):
            scanner = self._find(item.names)
            if scanner is None:
                unknown |= set(item.names[:1]) if item.scans else set()
                continue
            scanner.speaks(kind, received_at_s)
            reading = self._reading(scanner, item, topic)
            if reading is not None:
                said.append(reading)
            elif item.scans:
                scanner.tally.other += 1
        for name in unknown:
            self.refusals.from_unknown(name, kind, received_at_s)
        self._take(said, received_at_s, readings)

    def _items(self, kind: str, levels: list[str], payload: bytes) -> Iterator[Item]:
        """Yield what the message consists of; what of it can't be read is counted."""
        try:
            for one in FORMATS[kind].items(levels, json.loads(payload)):
                try:
                    yield FORMATS[kind].read(levels, one)
                except BAD:
                    self.refusals.count(kind, RefusalReason.MALFORMED)
        except (*BAD, RecursionError):
            self.refusals.count(kind, RefusalReason.MALFORMED)

    def _reading(self, scanner: RemoteScanner, item: Item, topic: str) -> Reading | None:
        try:
            payload = payload_of(item.fields, item.raw, topic.split("/"))
            reading = None if payload is None else Reading(scanner, item.at_s, rssi_of(item.rssi), payload)
        except BAD:
            self.refusals.count(scanner.id, RefusalReason.MALFORMED)
            return None
        if reading is not None and item.at_s is not None and not 0 <= item.at_s < MILLISECONDS_FROM:
            self.refusals.count(scanner.id, RefusalReason.IMPOSSIBLE)
            return None
        return reading

    # -- time ---------------------------------------------------------------------------------------------------------------

    def _take(self, said: list[Reading], received_at_s: float, readings: MessageReadings) -> None:
        """Bring a message's receptions into this box's time, and take those that are of use now."""
        newest: dict[RemoteScanner, float] = {}
        for one in said:
            if one.claimed_s is not None:
                newest[one.scanner] = max(one.claimed_s, newest.get(one.scanner, -math.inf))
        for scanner, newest_s in newest.items():
            scanner.clock.note(newest_s, received_at_s)
        for scanner, claimed_s, rssi_dbm, payload in said:
            age_s = 0.0 if claimed_s is None else scanner.clock.age_s(claimed_s, received_at_s)
            refusal = untimely(age_s)
            if refusal is not None:
                self.refusals.count(scanner.id, refusal)
                continue
            at_s = received_at_s if claimed_s is None else min(claimed_s + scanner.clock.offset_s, received_at_s)
            scanner.tally.heard += 1
            scanner.meter.hear(at_s, payload, rssi_dbm)
            readings.advertisements.append(Advertisement(at_s, scanner.id, "", rssi_dbm, payload))
