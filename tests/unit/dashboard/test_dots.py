"""Dots: anonymous, inside their zone, and steady."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gateway.dashboard.dots import PlanDots
from gateway.zones import geometry
from gateway.zones.plan import StorePlan, parse_plan
from gateway.zones.tracker import Whereabouts

NOWHERE: frozenset[str] = frozenset()


def test_every_dot_stands_inside_its_zone(plan: StorePlan) -> None:
    for zone in plan.zones:
        assert zone.polygon is not None
        crowd = [Whereabouts(f"s-{number}", zone.id, 0.8, 0.0) for number in range(80)]
        dots = PlanDots(plan).frame(crowd, NOWHERE, 0.0).dots
        assert len(dots) == 80
        assert geometry.inside(np.array([(dot.x_m, dot.y_m) for dot in dots]), zone.polygon).all()


def test_somebody_who_stays_is_drawn_at_the_same_place_in_every_run(plan: StorePlan) -> None:
    present = [Whereabouts("s-1", "wine", 0.8, 0.0)]
    assert PlanDots(plan).frame(present, NOWHERE, 0.0) == PlanDots(plan).frame(present, NOWHERE, 0.0)


def test_a_zone_nobody_hears_in_is_unknown_and_its_people_are_not_drawn(plan: StorePlan) -> None:
    frame = PlanDots(plan).frame([Whereabouts("s-1", "wine", 0.8, 0.0)], frozenset({"wine"}), 0.0)
    wine = next(zone for zone in frame.zones if zone.zone == "wine")
    assert (wine.known, frame.dots, frame.unplaced) == (False, (), 1)


def test_somebody_without_a_certain_zone_is_counted_but_not_drawn(plan: StorePlan) -> None:
    frame = PlanDots(plan).frame([Whereabouts("s-1", None, 0.5, 0.0)], NOWHERE, 0.0)
    assert (frame.unplaced, frame.dots, sum(zone.count for zone in frame.zones)) == (1, (), 0)


def test_a_number_lasts_for_one_visit_only(plan: StorePlan) -> None:
    dots = PlanDots(plan)
    first = dots.number("s-1")
    assert dots.number("s-1") == dots.known_number("s-1") == first
    dots.forget("s-1")
    assert dots.known_number("s-1") is None
    assert dots.number("s-1") != first
    dots.forget("never-seen")


@given(st.lists(st.sampled_from(["come", "go"]), max_size=60))
def test_no_two_people_in_the_shop_share_a_number(steps: list[str]) -> None:
    plan = parse_plan({"store": "kiosk", "zones": [{"id": "a"}], "scanners": [{"id": "x", "zone": "a"}]})
    present: list[str] = []
    dots, came = PlanDots(plan), 0
    for step in steps:
        if step == "come" or not present:
            came += 1
            present.append(f"s-{came}")
        else:
            dots.forget(present.pop(0))
        numbers = [dots.number(shopper) for shopper in present]
        assert len(set(numbers)) == len(numbers)


def test_a_zone_that_wasn_t_drawn_has_its_dots_around_its_scanner() -> None:
    plan = parse_plan(
        {
            "store": "kiosk",
            "zones": [{"id": "a"}, {"id": "b"}],
            "scanners": [{"id": "x", "zone": "a", "at": [3, 4]}, {"id": "y", "zone": "b"}],
        }
    )
    frame = PlanDots(plan).frame([Whereabouts("s-1", "a", 1.0, 0.0), Whereabouts("s-2", "b", 1.0, 0.0)], NOWHERE, 0.0)
    [dot] = frame.dots
    assert abs(np.hypot(dot.x_m - 3, dot.y_m - 4) - 1) < 0.02
    assert [zone.count for zone in frame.zones] == [1, 1]
