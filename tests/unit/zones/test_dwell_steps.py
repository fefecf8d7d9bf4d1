from __future__ import annotations

from gateway.model import MoveEvent, Sighting
from gateway.zones.plan import parse_plan
from gateway.zones.tracker import make_tracker

PLAN = parse_plan({"store": "shop", "zones": [{"id": "wine"}], "scanners": [{"id": "pi-1", "zone": "wine", "at": [0, 0]}]})


def test_dwell_is_told_at_what_a_rule_book_waits_for_as_well() -> None:
    tracker = make_tracker(PLAN)
    tracker.use_dwell_steps({7.0, 8.0})
    dwelt = []
    for tenth in range(150):
        moves = tracker.see(Sighting(1000.0 + tenth / 10, "s-1", "pi-1", -45))
        dwelt += [move.dwell_s for move in moves if move.event is MoveEvent.DWELL]
    assert {5.0, 7.0, 8.0, 10.0} <= set(dwelt)
