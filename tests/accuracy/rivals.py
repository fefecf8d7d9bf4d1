"""The rivals, re-implemented from their formulas: what other systems do with the same readings.

strongest mean: the scanner with the highest mean RSSI of the last 5 s. Kalman and nearest (as room-assistant): a Kalman filter
per scanner, the log-distance formula, the nearest scanner, a change after it held for 2 s.
Strongest with hysteresis (as Bermuda): distances smoothed upward only slowly, a challenger must be nearer by a share of the
distance that shrinks the longer it stays ahead. Each says the zone of its winner and leaves after 15 s of silence.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from gateway.model import Move, MoveEvent, Sighting
from gateway.zones.plan import StorePlan

SILENT_S = 15.0
EVERY_S = 0.5


class Rival(Protocol):
    """One shopper's readings in, the winning scanner out."""

    def hear(self, at_s: float, scanner: str, rssi_dbm: int) -> None: ...
    def winner(self, now_s: float) -> str | None: ...


class StrongestMean:
    """The scanner with the strongest mean of 5 s."""

    def __init__(self, window_s: float = 5.0) -> None:
        self._window_s = window_s
        self._heard: deque[tuple[float, str, int]] = deque()

    def hear(self, at_s: float, scanner: str, rssi_dbm: int) -> None:
        self._heard.append((at_s, scanner, rssi_dbm))

    def winner(self, now_s: float) -> str | None:
        while self._heard and self._heard[0][0] < now_s - self._window_s:
            self._heard.popleft()
        sums: dict[str, tuple[float, int]] = {}
        for _, scanner, rssi_dbm in self._heard:
            total, count = sums.get(scanner, (0.0, 0))
            sums[scanner] = (total + rssi_dbm, count + 1)
        return max(sums, key=lambda name: sums[name][0] / sums[name][1], default=None)


def _distance_m(level_dbm: float, exponent: float = 2.5) -> float:
    return float(10 ** ((-59 - level_dbm) / (10 * exponent)))


class KalmanNearest:
    """A Kalman filter per scanner, then the nearest; a change counts after it held for `hold_s`."""

    def __init__(self, process: float = 1.4, noise: float = 16.0, hold_s: float = 2.0, stale_s: float = 5.0) -> None:
        self._process, self._noise, self._hold_s, self._stale_s = process, noise, hold_s, stale_s
        self._state: dict[str, tuple[float, float, float]] = {}
        self._winner: str | None = None
        self._rising: tuple[str, float] | None = None

    def hear(self, at_s: float, scanner: str, rssi_dbm: int) -> None:
        level, variance, _ = self._state.get(scanner, (float(rssi_dbm), self._noise, at_s))
        variance += self._process
        gain = variance / (variance + self._noise)
        self._state[scanner] = (level + gain * (rssi_dbm - level), (1 - gain) * variance, at_s)

    def winner(self, now_s: float) -> str | None:
        fresh = {name: s[0] for name, s in self._state.items() if now_s - s[2] <= self._stale_s}
        best = min(fresh, key=lambda name: _distance_m(fresh[name]), default=None)
        if best is None or best == self._winner:
            self._rising = None
        elif self._winner not in fresh or self._winner is None:
            self._winner, self._rising = best, None
        elif self._rising is None or self._rising[0] != best:
            self._rising = (best, now_s)
        elif now_s - self._rising[1] >= self._hold_s:
            self._winner, self._rising = best, None
        return self._winner


class StrongestWithHysteresis:
    """Distances that fall at once and rise slowly; a challenger needs a margin that shrinks with the time it leads."""

    def __init__(self, max_rise_m_s: float = 3.0, stale_s: float = 10.0) -> None:
        self._max_rise_m_s, self._stale_s = max_rise_m_s, stale_s
        self._state: dict[str, tuple[deque[float], float]] = {}
        self._winner: str | None = None
        self._rising: tuple[str, float] | None = None

    def hear(self, at_s: float, scanner: str, rssi_dbm: int) -> None:
        distance = _distance_m(rssi_dbm)
        kept, last_s = self._state.get(scanner, (deque(maxlen=20), at_s))
        if kept:
            distance = min(distance, kept[-1] + self._max_rise_m_s * max(0.0, at_s - last_s))
        kept.append(distance)
        self._state[scanner] = (kept, at_s)

    def winner(self, now_s: float) -> str | None:
        near = {n: _slow(k) for n, (k, last_s) in self._state.items() if now_s - last_s <= self._stale_s}
        best = min(near, key=lambda name: near[name], default=None)
        if best is None or self._winner not in near:
            self._winner, self._rising = best, None
        elif best == self._winner:
            self._rising = None
        else:
            if self._rising is None or self._rising[0] != best:
                self._rising = (best, now_s)
            needed = max(0.07, 0.3 - 0.1 * (now_s - self._rising[1]))
            ahead = (near[self._winner] - near[best]) / ((near[self._winner] + near[best]) / 2)
            if ahead > needed and now_s - self._rising[1] >= 1.0:
                self._winner, self._rising = best, None
        return self._winner


def _slow(distances: deque[float]) -> float:
    """Return the mean of running minima from the newest back: near readings count, far ones only while nothing nearer was seen."""
    total, low = 0.0, float("inf")
    for distance in reversed(distances):
        low = min(low, distance)
        total += low
    return total / len(distances)


def moves_of(make: Callable[[], Rival], plan: StorePlan, sightings: Iterable[Sighting]) -> Iterator[Move]:
    """Yield what a rival would have said, as moves."""
    zone_of = {part.id: part.zone for part in plan.anchors}
    rivals: dict[str, Rival] = {}
    now: dict[str, str | None] = {}
    last_s: dict[str, float] = {}
    tick_s = float("-inf")
    for sighting in sightings:
        if sighting.at_s >= tick_s + EVERY_S:
            tick_s = sighting.at_s
            for shopper, rival in rivals.items():
                silent = tick_s - last_s[shopper] > SILENT_S
                winner = None if silent else rival.winner(tick_s)
                zone = zone_of[winner] if winner else None
                if zone != now.get(shopper):
                    if now.get(shopper):
                        yield Move(tick_s, shopper, MoveEvent.EXIT, now[shopper], 1.0)
                    if zone:
                        yield Move(tick_s, shopper, MoveEvent.ENTER, zone, 1.0)
                    now[shopper] = zone
        rivals.setdefault(sighting.shopper, make()).hear(sighting.at_s, sighting.scanner, sighting.rssi_dbm)
        last_s[sighting.shopper] = sighting.at_s
