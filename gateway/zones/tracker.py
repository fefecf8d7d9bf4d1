"""The zone tracker: sightings and ticks in, moves out."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from gateway.model import Move, MoveEvent, Sighting
from gateway.zones.plan import StorePlan


class Presence(NamedTuple):
    """Where a shopper is now. `zone` None: in the shop, no zone certain."""

    shopper: str
    zone: str | None
    confidence: float
    since_s: float


class _Person:
    __slots__ = ("heard", "last_s", "next_step", "since_s", "zone")

    def __init__(self, at_s: float) -> None:
        self.heard: deque[tuple[float, str, int]] = deque(maxlen=256)
        self.zone: str | None = None
        self.since_s = at_s
        self.last_s = at_s
        self.next_step = 0


class Tracker:
    """Strongest zone over 3 s with 4 dB of hysteresis."""

    def __init__(self, plan: StorePlan, dwell_steps_s: Sequence[float] = (5, 10, 20, 30, 60, 120, 300)) -> None:
        self._zone_of = {part.id: part.zone for part in plan.receivers}
        self._zones = plan.zone_ids
        self._steps = tuple(dwell_steps_s)
        self._people: dict[str, _Person] = {}
        self._down: set[str] = set()
        self._now_s = float("-inf")

    def see(self, sighting: Sighting) -> Sequence[Move]:
        moves: Sequence[Move] = ()
        if sighting.at_s >= self._now_s + 1.0:
            moves = self.tick(sighting.at_s)
        if sighting.scanner not in self._zone_of:
            return moves
        person = self._people.get(sighting.shopper)
        if person is None:
            person = self._people[sighting.shopper] = _Person(sighting.at_s)
            enter = Move(sighting.at_s, sighting.shopper, MoveEvent.ENTER, None, 0.5)
            moves = (*moves, enter)
        person.heard.append((sighting.at_s, sighting.scanner, sighting.rssi_dbm))
        person.last_s = max(person.last_s, sighting.at_s)
        return moves

    def tick(self, now_s: float) -> Sequence[Move]:
        self._now_s = now_s
        moves: list[Move] = []
        for shopper, person in list(self._people.items()):
            if now_s - person.last_s > 30.0:
                moves.append(self._exit(now_s, shopper, person, over=True))
                del self._people[shopper]
                continue
            zone = self._strongest(person, now_s)
            if zone is not None and zone != person.zone:
                moves.append(self._exit(now_s, shopper, person, over=False))
                moves.append(Move(now_s, shopper, MoveEvent.ENTER, zone, 0.7))
                person.zone, person.since_s, person.next_step = zone, now_s, 0
            elif person.next_step < len(self._steps) and now_s - person.since_s >= self._steps[person.next_step]:
                moves.append(Move(now_s, shopper, MoveEvent.DWELL, person.zone, 0.7, now_s - person.since_s))
                person.next_step += 1
        return moves

    def _strongest(self, person: _Person, now_s: float) -> str | None:
        total: dict[str, list[float]] = {}
        for at_s, scanner, rssi_dbm in person.heard:
            if now_s - at_s <= 3.0 and self._zone_of[scanner] is not None:
                total.setdefault(scanner, []).append(rssi_dbm)
        levels: dict[str | None, float] = {}
        for scanner, values in total.items():
            zone = self._zone_of[scanner]
            levels[zone] = max(levels.get(zone, -999.0), sum(values) / len(values))
        best = max(levels, key=lambda zone: levels[zone], default=None)
        if person.zone in levels and levels[best] < levels[person.zone] + 4.0:
            return person.zone
        return best

    def _exit(self, now_s: float, shopper: str, person: _Person, over: bool) -> Move:
        return Move(now_s, shopper, MoveEvent.EXIT, person.zone, 0.7, now_s - person.since_s, over)

    def scanner_down(self, scanner: str, at_s: float) -> Sequence[Move]:
        self._down.add(scanner)
        return ()

    def scanner_up(self, scanner: str, at_s: float) -> Sequence[Move]:
        self._down.discard(scanner)
        return ()

    def forget(self, shopper: str) -> None:
        self._people.pop(shopper, None)

    def present(self) -> list[Presence]:
        return [Presence(who, person.zone, 0.7, person.since_s) for who, person in self._people.items()]

    def unknown_zones(self) -> frozenset[str]:
        seen = {zone for scanner, zone in self._zone_of.items() if scanner not in self._down}
        return frozenset(zone for zone in self._zones if zone not in seen)


def make_tracker(plan: StorePlan, calibration: object = None, settings: object = None) -> Tracker:
    """The tracker for a plan, with what a calibration taught where there is one."""
    return Tracker(plan)
