"""Shoppers walk round shelves, stop in zones, and differ by intent."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from firmware_sim.walkers import FloorMap, Intent
from firmware_sim.world import World
from gateway.model import Advertisement, Sighting
from gateway.zones import geometry
from gateway.zones.plan import load_plan, parse_plan
from gateway.zones.tracker import make_tracker
from gateway.zones.visits import Visits
from tests.support.supermarket import PLAN_FILE

pytestmark = pytest.mark.slow

PLAN = load_plan(PLAN_FILE)
WALLS = [piece for wall in PLAN.walls for piece in wall.pieces()]


def test_routes_cross_no_shelf() -> None:
    rng = np.random.default_rng(1)
    floor = FloorMap(PLAN, rng)
    zones = list(floor.stops)
    for _ in range(60):
        start, goal = (floor.stops[zones[int(i)]][0] for i in rng.integers(len(zones), size=2))
        way = floor.route(start, goal)
        assert np.allclose(way[-1], goal)
        for a, b in pairwise(way[1:-1]):
            assert not any(geometry.crossings(np.array([a]), np.array([b]), p, q)[0] for p, q in WALLS)


def test_stops_lie_in_their_zone() -> None:
    floor = FloorMap(PLAN, np.random.default_rng(1))
    for zone in PLAN.zones:
        assert geometry.inside(np.array(floor.stops[zone.id]), zone.polygon or ()).all()


def test_browsers_stay_longer_and_see_more_than_goal_directed_shoppers() -> None:
    world = World(PLAN, 24, seed=5, away_s=(5.0, 2000.0), interval_s=60.0)
    for _ in world.advance(900.0):
        pass
    lengths: dict[Intent, list[float]] = {intent: [] for intent in Intent}
    for stay in world.ground_truth():
        lengths[world.intents()[stay.shopper]].append(stay.end_s - stay.start_s)
    assert np.mean(lengths[Intent.BROWSING]) > 2 * np.mean(lengths[Intent.GOAL_DIRECTED])


def test_a_plan_without_drawings_can_not_be_walked() -> None:
    bare = parse_plan({"store": "bare", "zones": [{"id": "a"}], "scanners": [{"id": "p", "zone": "a"}]})
    with pytest.raises(ValueError, match="polygon for every zone"):
        World(bare, 1)


def test_the_two_intents_are_told_apart_from_tracked_moves() -> None:
    """Over visits of at least two minutes, as the tracker (not the truth) saw them."""
    world = World(PLAN, 24, seed=8, away_s=(10.0, 3000.0), interval_s=0.5)
    who = {beacon.packed(): shopper for shopper, beacon in world.beacons.items()}
    tracker, visits = make_tracker(PLAN), Visits(PLAN)
    said: dict[str, float] = {}
    for heard in world.advance(600.0):
        for move in tracker.see(_sighting(heard, who)):
            visit = visits.follow(move)
            if visit.at_s - visit.started_at_s > 120 and not visit.over:
                said[move.shopper] = visit.goal_directed
    true = world.intents()
    browsing = [chance for shopper, chance in said.items() if true[shopper] is Intent.BROWSING]
    goal = [chance for shopper, chance in said.items() if true[shopper] is Intent.GOAL_DIRECTED]
    assert len(browsing) >= 5
    assert len(goal) >= 3
    assert np.mean(goal) > np.mean(browsing) + 0.3
    right = sum(chance < 0.5 for chance in browsing) + sum(chance >= 0.5 for chance in goal)
    assert right / (len(browsing) + len(goal)) >= 0.75


def _sighting(heard: Advertisement, who: dict[bytes, str]) -> Sighting:
    return Sighting(heard.at_s, who[heard.payload[2:22]], heard.scanner, heard.rssi_dbm)
