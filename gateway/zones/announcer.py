"""Turns belief into moves: a change of zone is announced once it is sure enough.

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
INDEPENDENT_SHARE = 0.5
"""Errors of map, phone and body last for seconds, so a step's evidence mostly repeats the one before: this part of a belief's log
odds holds."""
HELD_LOG_ODDS = 0.6
"""And a zone that was announced has passed the test above, which a belief of this moment alone has not."""


@dataclass(slots=True)
class Track:
    """Keeps what has been announced of one shopper. `zone` NO_ZONE: in the shop, no zone certain."""

    shopper: str
    row: int
    last_heard_s: float
    since_s: float
    zone: int = NO_ZONE
    confidence: float = 0.0
    announced: bool = False
    lost_from_s: float = math.inf
    next_dwell: int = 0

    def shift(self, by_s: float) -> None:
        """Follow a leap of the clock."""
        self.last_heard_s += by_s
        self.since_s += by_s
        self.lost_from_s += by_s


@dataclass(frozen=True, slots=True)
class Announcer:
    """Holds the rules. `zones` are the plan's ids; belief comes as one probability per zone plus the one for between zones."""

    zones: tuple[str, ...]
    false_entry_cost: float
    dwell_steps_s: tuple[float, ...]

    def judge(self, track: Track, belief: Sequence[float], blind: frozenset[int], at_s: float) -> list[Move]:
        """Return one shopper's moves after a step. `belief` (z + 1,), the last for between zones; `blind` zones can't be known."""
        if not track.announced:
            return self._first(track, belief, blind, at_s)
        return self._change(track, belief, blind, at_s) or self._dwell(track, belief, at_s)

    def _first(self, track: Track, belief: Sequence[float], blind: frozenset[int], at_s: float) -> list[Move]:
        """Announce somebody new: in their zone where it is certain at once, else in the shop."""
        track.announced, track.since_s, track.confidence = True, at_s, 1.0
        moves = self._change(track, belief, blind, at_s)
        return moves[1:] if moves else [Move(at_s, track.shopper, MoveEvent.ENTER, None, 1.0)]

    def _change(self, track: Track, belief: Sequence[float], blind: frozenset[int], at_s: float) -> list[Move]:
        best = max(range(len(self.zones)), key=belief.__getitem__)
        challenger, held = belief[best], belief[track.zone]
        if track.zone == NO_ZONE:
            rival = max(p for zone, p in enumerate(belief) if zone != best) if len(belief) > 1 else 0.0
            sure = challenger >= max(FIRST_CONFIDENCE, FIRST_COST_SHARE * self.false_entry_cost * rival)
        else:
            track.lost_from_s = min(track.lost_from_s, at_s) if held < LOST_CONFIDENCE else math.inf
            sure = challenger >= LEAST_CONFIDENCE and challenger >= self.false_entry_cost * held
        if best != track.zone and sure and best not in blind:
            return self._enter(track, best, challenger, at_s)
        if track.zone != NO_ZONE and (track.zone in blind or at_s - track.lost_from_s >= LOST_AFTER_S):
            return self._enter(track, NO_ZONE, 1 - held, at_s)
        return []

    def _enter(self, track: Track, zone: int, belief: float, at_s: float) -> list[Move]:
        moves = [self.leave(track, at_s, over=False)]
        track.zone, track.since_s = zone, at_s
        track.confidence = belief if zone == NO_ZONE else confidence_of(belief)
        track.lost_from_s, track.next_dwell = math.inf, 0
        return [*moves, Move(at_s, track.shopper, MoveEvent.ENTER, self._name(zone), round(track.confidence, 4))]

    def leave(self, track: Track, at_s: float, over: bool) -> Move:
        """Return the exit from a shopper's zone; `over`: they also leave the shop."""
        stayed_s = round(max(0.0, at_s - track.since_s), 3)
        confidence = round(min(1.0, track.confidence), 4)
        return Move(at_s, track.shopper, MoveEvent.EXIT, self._name(track.zone), confidence, stayed_s, over)

    def _dwell(self, track: Track, belief: Sequence[float], at_s: float) -> list[Move]:
        track.confidence = confidence_of(belief[track.zone]) if track.zone != NO_ZONE else 1 - max(belief[:-1])
        stayed_s = round(at_s - track.since_s, 3)
        reached = track.next_dwell
        while reached < len(self.dwell_steps_s) and stayed_s >= self.dwell_steps_s[reached]:
            reached += 1
        if reached == track.next_dwell or track.zone == NO_ZONE:
            return []
        track.next_dwell = reached
        confidence = round(track.confidence, 4)
        return [Move(at_s, track.shopper, MoveEvent.DWELL, self._name(track.zone), confidence, stayed_s)]

    def _name(self, zone: int) -> str | None:
        return None if zone == NO_ZONE else self.zones[zone]


def confidence_of(belief: float) -> float:
    """Return the share of the moments with such a belief in an announced zone at which somebody is there."""
    belief = min(max(belief, 1e-6), 1 - 1e-6)
    return 1.0 / (1.0 + math.exp(-HELD_LOG_ODDS) * math.pow((1 - belief) / belief, INDEPENDENT_SHARE))
