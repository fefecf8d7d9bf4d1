"""Whatever is thrown at the tracker: moves stay well formed, time doesn't run backwards, nothing grows, nothing raises."""

from __future__ import annotations

import math
from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model import Move, MoveEvent, Sighting
from gateway.settings import ZonesSettings
from gateway.zones.plan import parse_plan
from gateway.zones.tracker import Tracker, make_tracker
from gateway.zones.visits import Visits

PLAN = parse_plan(
    {
        "store": "s",
        "zones": [
            {"id": "a", "polygon": [[0, 0], [5, 0], [5, 5], [0, 5]]},
            {"id": "b", "polygon": [[5, 0], [10, 0], [10, 5], [5, 5]]},
            {"id": "c"},
        ],
        "scanners": [
            {"id": "p", "zone": "a", "at": [2, 2]},
            {"id": "q", "zone": "b", "at": [8, 2]},
            {"id": "r", "zone": "c", "at": [5, 9]},
        ],
    }
)
TIMES = st.one_of(
    st.floats(0, 300),
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([-1e9, 1e12, 3600.0, 0.0, math.nextafter(60, 61)]),
)
SIGHTINGS = st.builds(
    Sighting, TIMES, st.sampled_from(["s-1", "s-2", "s-3"]), st.sampled_from(["p", "q", "r", "unknown"]), st.integers(-250, 60)
)
EVENTS = st.lists(st.one_of(SIGHTINGS, SIGHTINGS, st.tuples(st.sampled_from(["tick", "down", "up", "forget"]), TIMES)), max_size=60)


def play(tracker: Tracker, events: list[Sighting | tuple[str, float]]) -> list[Move]:
    moves: list[Move] = []
    for event in events:
        if isinstance(event, Sighting):
            moves += tracker.see(event)
        elif event[0] == "tick":
            moves += tracker.tick(event[1])
        elif event[0] == "forget":
            tracker.forget("s-1")
        else:
            change = tracker.scanner_down if event[0] == "down" else tracker.scanner_up
            moves += change("q", event[1])
    return moves


@given(EVENTS)
@settings(max_examples=40, deadline=None)
def test_moves_are_always_well_formed(events: list[Sighting | tuple[str, float]]) -> None:
    tracker = make_tracker(PLAN, settings=ZonesSettings(gone_after_s=10, most_shoppers=2))
    moves = play(tracker, events)
    assert len(tracker.present()) <= 2
    assert all(0.0 <= move.confidence <= 1.0 and math.isfinite(move.at_s) and move.dwell_s >= 0 for move in moves)
    where: dict[str, str | None] = {}
    for move in moves:
        if move.event is MoveEvent.ENTER:
            where[move.shopper] = move.zone
        elif move.event is MoveEvent.EXIT and move.shopper in where:
            assert where[move.shopper] == move.zone
    visits = Visits(PLAN)
    for move in moves:
        assert 0.0 <= visits.follow(move).goal_directed <= 1.0


@given(EVENTS)
@settings(max_examples=20, deadline=None)
def test_the_same_events_give_the_same_moves(events: list[Sighting | tuple[str, float]]) -> None:
    assert play(make_tracker(PLAN), events) == play(make_tracker(PLAN), events)


@given(st.lists(st.tuples(st.floats(0, 60), st.sampled_from(["p", "q", "r"]), st.integers(-100, -40)), min_size=5, max_size=80))
@settings(max_examples=20, deadline=None)
def test_one_shopper_s_readings_never_move_another(raw: list[tuple[float, str, int]]) -> None:
    """Apart from what is learned of the scanners, which is switched off."""
    calm = ZonesSettings(learns=False)
    mine = [Sighting(second / 2, "s-1", "p", -55) for second in range(120)]
    others = [Sighting(at_s, "s-2", scanner, rssi) for at_s, scanner, rssi in raw]
    alone, together = make_tracker(PLAN, settings=calm), make_tracker(PLAN, settings=calm)
    moves: dict[bool, list[Move]] = defaultdict(list)
    for sighting in mine:
        moves[False] += alone.see(sighting)
    for sighting in sorted([*mine, *others]):
        moves[True] += [move for move in together.see(sighting) if move.shopper == "s-1"]
    zones = [[(move.event, move.zone) for move in moves[key] if move.event is MoveEvent.ENTER] for key in (False, True)]
    assert zones[0] == zones[1]
