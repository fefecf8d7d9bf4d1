"""Where the scanners should go: what is expected of zones moves with the scanners, and proposals are worth taking."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.zones.advice import advise, propose
from gateway.zones.plan import StorePlan, parse_plan
from tests.support.drawing import two_zones


def plan(**changes: Any) -> StorePlan:
    return parse_plan(two_zones(**changes))


def expected(of: StorePlan) -> dict[str, float]:
    return {zone.zone: zone.right for zone in advise(of).zones}


def test_a_scanner_in_each_zone_tells_them_apart_better_than_one_between_them() -> None:
    between = plan(scanners=[{"id": "p", "at": [6, 2]}])
    assert min(expected(plan()).values()) > max(expected(between).values()) + 0.1


def test_zones_that_only_one_distant_scanner_hears_are_mistaken_for_each_other() -> None:
    advice = advise(plan(scanners=[{"id": "p", "at": [6, 2]}]))
    assert [zone.mistaken_for for zone in advice.zones] == ["bread", "wine"]


def test_a_zone_that_no_scanner_hears_is_said_to_be_unheard() -> None:
    far = {"id": "far", "polygon": [[200, 0], [206, 0], [206, 6], [200, 6]]}
    heard = {zone.zone: zone.heard for zone in advise(plan(zones=[*two_zones()["zones"], far])).zones}
    assert heard == {"wine": True, "bread": True, "far": False}


def test_the_same_plan_gets_the_same_advice() -> None:
    assert advise(plan()) == advise(plan())


def test_a_wall_between_two_zones_helps_to_tell_them_apart() -> None:
    weak = two_zones(scanners=[{"id": "p", "at": [5, 2]}, {"id": "q", "at": [7, 2]}])
    walled = weak | {"walls": [{"line": [[6, -1], [6, 5]], "loss_db": 12}]}
    assert advise(parse_plan(walled)).right > advise(parse_plan(weak)).right


def test_a_plan_without_a_drawing_is_judged_by_its_zones_scanners() -> None:
    listed = parse_plan(
        {"store": "s", "zones": [{"id": "a"}, {"id": "b"}], "scanners": [{"id": "p", "zone": "a"}, {"id": "q", "zone": "b"}]}
    )
    assert advise(listed).right > 0.7
    with pytest.raises(ValueError, match="no drawn zone"):
        propose(listed, 1)


def test_a_proposed_scanner_makes_the_worst_zone_better_and_stands_in_a_zone() -> None:
    poor = plan(scanners=[{"id": "p", "at": [2, 2]}])
    (place,) = propose(poor, 1)
    assert 8 <= place[0] <= 12
    better = plan(scanners=[{"id": "p", "at": [2, 2]}, {"id": "new", "at": place}])
    assert min(expected(better).values()) > min(expected(poor).values())


def test_what_stands_is_never_moved_and_no_place_is_proposed_twice() -> None:
    places = propose(plan(), 3)
    assert len(set(places)) == 3
