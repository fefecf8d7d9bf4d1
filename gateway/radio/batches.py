"""What a box in the scanner role sends on: its shop's beacons in compact batches, and nothing of anybody else. Pure.

The filter is the store's uuid, applied before anything is kept: a stranger's beacon never leaves the radio.
"""

from __future__ import annotations

from collections import deque

from gateway.messages import SightingsBatch
from gateway.model import USABLE_S, Advertisement
from gateway.radio.frames import beacon_id

READINGS_MAX = 1000
"""Most receptions in one batch, as the contract has it."""
EXPIRY_S = 30.0
"""How long a broker may hold a batch back, as the contract has it; what is too old then the receiver drops."""
LIFE_S = 5.0
"""A scanner that hears, but none of the shop's beacons, says so this often: silence would mean that it is dead."""
WAITING_MAX = 20_000
"""750 advertisements a second for half a minute: while the link is down, and nobody takes, no more than that is kept."""


class Batches:
    """Collects one scanner's receptions and hands them out in batches.

    `boot` tells this start from all others; a receiver that doesn't know it yet goes by `first_sequence`, which should be higher
    than any this scanner ever used: the moment of the start in milliseconds serves.
    """

    def __init__(self, scanner: str, uuids: frozenset[bytes], first_sequence: int, *, boot: str | None = None) -> None:
        self._scanner = scanner
        self._uuids = uuids
        self._sequence = first_sequence
        self._boot = boot
        self._spoke_s = float("-inf")
        self._waiting: deque[tuple[float, bytes, int]] = deque(maxlen=WAITING_MAX)
        self.left_out = 0
        """Advertisements that aren't the shop's: a number, nothing more."""

    def hear(self, advertisement: Advertisement) -> None:
        """Keep an advertisement of the shop's own beacons for the next batch."""
        beacon = beacon_id(advertisement.payload)
        if beacon is None or beacon[:16] not in self._uuids:
            self.left_out += 1
        else:
            self._waiting.append((advertisement.at_s, beacon, advertisement.rssi_dbm))

    def take(self, now_s: float) -> SightingsBatch | None:
        """Return the next batch, or None when nothing waits. Call until None; what is too old is dropped."""
        while self._waiting and now_s - self._waiting[0][0] > USABLE_S:
            self._waiting.popleft()
        if not self._waiting:
            return None
        count = min(len(self._waiting), READINGS_MAX)
        chosen = [self._waiting.popleft() for _ in range(count)]
        return self._batch([(round(at_s, 3), beacon.hex(), rssi_dbm) for at_s, beacon, rssi_dbm in chosen], now_s)

    def sign_of_life(self, now_s: float) -> SightingsBatch | None:
        """Return a batch without receptions if nothing was sent for long. Only for a scanner that hears."""
        return None if 0 <= now_s - self._spoke_s < LIFE_S else self._batch([], now_s)

    def _batch(self, readings: list[tuple[float, str, int]], now_s: float) -> SightingsBatch:
        self._sequence += 1
        self._spoke_s = now_s
        return SightingsBatch(scanner=self._scanner, sequence=self._sequence, boot=self._boot, readings=readings)
