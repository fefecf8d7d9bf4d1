"""How well a scanner hears, measured from what it hears. Pure: time comes in with each advertisement.

Only beacons of the shop's own uuids are looked at, at most WATCHED_MAX at a time, forgotten at the end of each window:
enough to judge a scanner, too little to follow a person.

- *heard share*: advertising interval / mean gap between receptions of one beacon. If the interval isn't given, it is the
  10th percentile of the gaps (Bluetooth adds 0 to 10 ms at random to each interval, so the smallest gap is too small).
- *large steps*: the share of RSSI changes of 8 dB or more. BlueZ reports a device anew only at such a change
  (RSSI_THRESHOLD in its adapter.c) unless it is asked for duplicates; a free scanner, at 3 to 5 dB of scatter, has 5 to 25 %
  of them, a filtered one all.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean, median

WINDOW_S = 60.0
WATCHED_MAX = 16
GAPS_MAX = 600
"""A beacon at 10 Hz for a window."""
GAPS_MIN = 20
"""Fewer say nothing."""
LARGE_STEP_DB = 8
FILTERED_SHARE = 0.9
POOR_SHARE = 0.5
"""Below this a zone decision takes twice the time it should."""


@dataclass(frozen=True, slots=True)
class Quality:
    """A scanner's quality over the last whole window; None where too little was heard to say."""

    beacons: int
    """How many of the shop's beacons it is judged by."""
    repeats_per_s: float | None
    """Receptions per second of one beacon, in the median."""
    heard_share: float | None
    large_steps: float | None
    clock_offset_s: float = 0.0
    """What is added to the scanner's times; 0 for this box's own."""

    @property
    def fault(self) -> str | None:
        """Return the worst thing to say of it: "filtered", "misses", "clock", or None."""
        if self.large_steps is not None and self.large_steps >= FILTERED_SHARE:
            return "filtered"
        if self.heard_share is not None and self.heard_share < POOR_SHARE:
            return "misses"
        return "clock" if self.clock_offset_s else None


class _Watched:
    """One beacon in the current window."""

    __slots__ = ("changes", "gaps_s", "large", "last_rssi_dbm", "last_s")

    def __init__(self, at_s: float, rssi_dbm: int) -> None:
        self.last_s, self.last_rssi_dbm = at_s, rssi_dbm
        self.gaps_s: list[float] = []
        self.changes = self.large = 0

    def hear(self, at_s: float, rssi_dbm: int) -> None:
        if len(self.gaps_s) < GAPS_MAX:
            self.gaps_s.append(at_s - self.last_s)
        if step := abs(rssi_dbm - self.last_rssi_dbm):
            self.changes += 1
            self.large += step >= LARGE_STEP_DB
        self.last_s, self.last_rssi_dbm = at_s, rssi_dbm


class QualityMeter:
    """Measures one scanner. `interval_s`: the beacons' advertising interval where it is known."""

    def __init__(self, uuids: frozenset[bytes], interval_s: float | None = None) -> None:
        self._uuids = uuids
        self._interval_s = interval_s
        self._watched: dict[bytes, _Watched] = {}
        self._window_ends_s = 0.0
        self.quality: Quality | None = None

    def hear(self, at_s: float, payload: bytes, rssi_dbm: int) -> None:
        """Take one advertisement; anything but the shop's own beacons is passed over."""
        if payload[2:18] not in self._uuids:
            return
        beacon = payload[2:22]
        watched = self._watched.get(beacon)
        if watched is not None:
            watched.hear(at_s, rssi_dbm)
        elif len(self._watched) < WATCHED_MAX:
            self._watched[beacon] = _Watched(at_s, rssi_dbm)

    def tick(self, now_s: float, clock_offset_s: float = 0.0) -> None:
        """Close the window when it is over, by any clock that never jumps."""
        if now_s < self._window_ends_s:
            return
        if self._window_ends_s > 0:
            self.quality = _judged(list(self._watched.values()), self._interval_s, clock_offset_s)
        self._window_ends_s = now_s + WINDOW_S
        self._watched = {}


def _judged(watched: list[_Watched], interval_s: float | None, clock_offset_s: float) -> Quality:
    enough = [one for one in watched if len(one.gaps_s) >= GAPS_MIN and fmean(one.gaps_s) > 0]
    changes = sum(one.changes for one in watched)
    return Quality(
        beacons=len(watched),
        repeats_per_s=median(1 / fmean(one.gaps_s) for one in enough) if enough else None,
        heard_share=median(_heard_share(one.gaps_s, interval_s) for one in enough) if enough else None,
        large_steps=sum(one.large for one in watched) / changes if changes >= GAPS_MIN else None,
        clock_offset_s=clock_offset_s,
    )


def _heard_share(gaps_s: list[float], interval_s: float | None) -> float:
    shortest_s = sorted(gaps_s)[len(gaps_s) // 10]
    return min((interval_s or shortest_s) / fmean(gaps_s), 1.0)
