"""From belief to moves: when a change of zone is sure enough to be said aloud.

A false entry costs `false_entry_cost` times what staying in the old zone a moment too long costs, so the odds of the new zone
against the present one have to be better than that. Somebody who is nowhere yet has nothing to lose but the wait: there milder
odds do. Each rule has one named threshold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.model import Move, MoveEvent

LEAST_CONFIDENCE = 0.5
"""Below this an entry is more likely false than true, whatever the odds against the zone held."""
FIRST_CONFIDENCE, FIRST_COST_SHARE = 0.35, 0.15
"""From nowhere less is enough, and so much of the odds asked for otherwise: there is no right zone to lose."""
LOST_CONFIDENCE = 0.05
LOST_AFTER_S = 5.0
"""The zone announced is believed less than LOST_CONFIDENCE for so long: better said to be uncertain."""
NO_ZONE = -1


@dataclass(slots=True)
class Person:
    """What has been said of one shopper. `zone` NO_ZONE: in the shop, no zone certain."""

    shopper: str
    row: int
    last_heard_s: float
    since_s: float
    zone: int = NO_ZONE
    confidence: float = 0.0
    announced: bool = False
    lost_from_s: float = math.inf
    next_dwell: int = 0


@dataclass(frozen=True, slots=True)
class Announcer:
    """The rules. `zones` are the plan's ids; belief comes as one probability per zone plus the one for between zones."""

    zones: tuple[str, ...]
    false_entry_cost: float
    dwell_steps_s: tuple[float, ...]

    def judge(self, person: Person, belief: Sequence[float], blind: frozenset[int], at_s: float) -> list[Move]:
        """The moves of one shopper after a step. `belief` (z + 1,), the last for between zones; `blind` zones can't be known."""
        if not person.announced:
            return self._first(person, belief, blind, at_s)
        return self._change(person, belief, blind, at_s) or self._dwell(person, belief, at_s)

    def _first(self, person: Person, belief: Sequence[float], blind: frozenset[int], at_s: float) -> list[Move]:
        """Somebody new: into their zone where it is certain at once, else into the shop."""
        person.announced, person.since_s, person.confidence = True, at_s, 1.0
        moves = self._change(person, belief, blind, at_s)
        return moves[1:] if moves else [Move(at_s, person.shopper, MoveEvent.ENTER, None, 1.0)]

    def _change(self, person: Person, belief: Sequence[float], blind: frozenset[int], at_s: float) -> list[Move]:
        best = max(range(len(self.zones)), key=belief.__getitem__)
        chance, held = belief[best], belief[person.zone]
        if person.zone == NO_ZONE:
            rival = max(p for zone, p in enumerate(belief) if zone != best) if len(belief) > 1 else 0.0
            sure = chance >= max(FIRST_CONFIDENCE, FIRST_COST_SHARE * self.false_entry_cost * rival)
        else:
            person.lost_from_s = min(person.lost_from_s, at_s) if held < LOST_CONFIDENCE else math.inf
            sure = chance >= LEAST_CONFIDENCE and chance >= self.false_entry_cost * held
        if best != person.zone and sure and best not in blind:
            return self._enter(person, best, chance, at_s)
        if person.zone != NO_ZONE and (person.zone in blind or at_s - person.lost_from_s >= LOST_AFTER_S):
            return self._enter(person, NO_ZONE, 1 - held, at_s)
        return []

    def _enter(self, person: Person, zone: int, confidence: float, at_s: float) -> list[Move]:
        moves = [self.leave(person, at_s, over=False)]
        person.zone, person.since_s, person.confidence = zone, at_s, confidence
        person.lost_from_s, person.next_dwell = math.inf, 0
        return [*moves, Move(at_s, person.shopper, MoveEvent.ENTER, self._name(zone), round(confidence, 4))]

    def leave(self, person: Person, at_s: float, over: bool) -> Move:
        """The exit from where a shopper is; `over` with it from the shop."""
        stayed_s = round(max(0.0, at_s - person.since_s), 3)
        confidence = round(min(1.0, person.confidence), 4)
        return Move(at_s, person.shopper, MoveEvent.EXIT, self._name(person.zone), confidence, stayed_s, over)

    def _dwell(self, person: Person, belief: Sequence[float], at_s: float) -> list[Move]:
        person.confidence = belief[person.zone] if person.zone != NO_ZONE else 1 - max(belief[:-1])
        stayed_s = round(at_s - person.since_s, 3)
        reached = person.next_dwell
        while reached < len(self.dwell_steps_s) and stayed_s >= self.dwell_steps_s[reached]:
            reached += 1
        if reached == person.next_dwell or person.zone == NO_ZONE:
            return []
        person.next_dwell = reached
        confidence = round(person.confidence, 4)
        return [Move(at_s, person.shopper, MoveEvent.DWELL, self._name(person.zone), confidence, stayed_s)]

    def _name(self, zone: int) -> str | None:
        return None if zone == NO_ZONE else self.zones[zone]
