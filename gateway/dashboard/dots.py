"""Where to draw people on the plan, and under which number.

The tracker knows zones, not metres, so a dot stands at a place inside its zone that is picked once per number and zone: it doesn't
jump about, and it doesn't claim more than is known.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from itertools import count

import numpy as np

from gateway.dashboard.view import Dot, Frame, ZoneNow
from gateway.zones import geometry
from gateway.zones.plan import At, StorePlan
from gateway.zones.tracker import Whereabouts

SPOTS_PER_ZONE = 64
"""Places prepared in each zone; more people than this share one now and then."""
MARGIN_M = 0.6
"""Dots keep this far from a zone's edge, so that it is plain which zone they are in."""
NAME_BAND_M = 1.2
"""And this far from its upper edge, where its name stands, if the zone is deep enough to spare it."""


class PlanDots:
    """Draws presences as anonymous dots. Numbers start at 1 with the process and end with the visit."""

    def __init__(self, plan: StorePlan) -> None:
        self._zones = plan.zone_ids
        self._spots = {zone.id: _spots(zone.id, zone.polygon) for zone in plan.zones if zone.polygon}
        self._spots |= _beside_scanners(plan, without=self._spots)
        self._numbers: dict[str, int] = {}
        self._next = count(1)

    def number(self, shopper: str) -> int:
        """The shopper's number for this visit."""
        if shopper not in self._numbers:
            self._numbers[shopper] = next(self._next)
        return self._numbers[shopper]

    def known_number(self, shopper: str) -> int | None:
        """The shopper's number if a visit is going on: a receipt that comes days later gives nobody a number."""
        return self._numbers.get(shopper)

    def forget(self, shopper: str) -> None:
        """The visit is over, or consent was withdrawn: the next visit gets another number."""
        self._numbers.pop(shopper, None)

    def frame(self, present: Iterable[Whereabouts], unknown_zones: frozenset[str], at_s: float) -> Frame:
        """Everybody who is present, as counts per zone and as dots."""
        counts = dict.fromkeys(self._zones, 0)
        dots: list[Dot] = []
        unplaced = 0
        for person in present:
            number = self.number(person.shopper)
            if person.zone is None or person.zone in unknown_zones:
                unplaced += 1
                continue
            counts[person.zone] += 1
            spots = self._spots.get(person.zone)
            if spots:
                x_m, y_m = spots[number % len(spots)]
                dots.append(Dot(number, x_m, y_m, round(person.confidence, 2)))
        zones = tuple(ZoneNow(zone, zone not in unknown_zones, counts[zone]) for zone in self._zones)
        return Frame(at_s, zones, tuple(dots), unplaced)


def _spots(zone: str, polygon: tuple[At, ...]) -> list[At]:
    """Places inside a polygon, spread at random but the same at each start."""
    corners = np.asarray(polygon, dtype=float)
    low, high = corners.min(axis=0), corners.max(axis=0)
    margin = min(MARGIN_M, float((high - low).min()) / 4)
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(zone.encode()).digest()[:8], "big"))
    name_band = NAME_BAND_M if high[1] - low[1] > 3 * NAME_BAND_M else 0.0
    points = rng.uniform(low + margin, high - (margin, margin + name_band), size=(SPOTS_PER_ZONE * 8, 2))
    points = points[geometry.inside(points, polygon)][:SPOTS_PER_ZONE]
    return [(round(float(x), 2), round(float(y), 2)) for x, y in points] or [(float(corners[0, 0]), float(corners[0, 1]))]


def _beside_scanners(plan: StorePlan, without: dict[str, list[At]]) -> dict[str, list[At]]:
    """For zones that were not drawn: a ring around their first scanner that has a place."""
    rings: dict[str, list[At]] = {}
    for part in plan.anchors:
        if part.zone is None or part.at is None or part.zone in without or part.zone in rings:
            continue
        turns = np.arange(12) * 2 * np.pi / 12
        rings[part.zone] = [(round(part.at[0] + float(np.cos(t)), 2), round(part.at[1] + float(np.sin(t)), 2)) for t in turns]
    return rings
