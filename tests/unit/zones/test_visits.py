"""Visits: path, dwell, coverage, and the two intents told apart."""

from __future__ import annotations

from gateway.model import Move, MoveEvent
from gateway.zones.plan import StorePlan
from gateway.zones.visits import LONGEST_PATH, Visits, goal_directed_probability, intent_features, visit_id


def stay(visits: Visits, zone: str | None, from_s: float, to_s: float, over: bool = False) -> None:
    visits.follow(Move(from_s, "s-1", MoveEvent.ENTER, zone, 0.9))
    visits.follow(Move(to_s, "s-1", MoveEvent.EXIT, zone, 0.9, to_s - from_s, over))


def test_a_visit_has_its_path_dwell_and_coverage(plan: StorePlan) -> None:
    visits = Visits(plan)
    stay(visits, "bread", 100, 110)
    stay(visits, "wine", 110, 140)
    visit = visits.follow(Move(140, "s-1", MoveEvent.ENTER, "bread", 0.8))
    assert visit.path == ("bread", "wine", "bread")
    assert dict(visit.zone_dwell_s) == {"bread": 10, "wine": 30}
    assert visit.coverage == 2 / 3
    assert visit.zone == "bread"
    assert visit.facts()["entries"] == 2


def test_leaving_a_zone_counts_the_entries_of_the_zone_that_is_left(plan: StorePlan) -> None:
    visits = Visits(plan)
    stay(visits, "wine", 0, 10)
    stay(visits, "bread", 10, 20)
    visits.follow(Move(20, "s-1", MoveEvent.ENTER, "wine", 0.9))
    left = visits.follow(Move(30, "s-1", MoveEvent.EXIT, "wine", 0.9, 10))
    assert left.zone is None
    assert left.facts()["entries"] == 2
    unsure = visits.follow(Move(30, "s-1", MoveEvent.ENTER, None, 0.4))
    assert unsure.facts()["entries"] == 0


def test_a_visit_s_id_is_the_same_on_every_replay_and_differs_between_visits(plan: StorePlan) -> None:
    ids = []
    for _ in range(2):
        visits = Visits(plan)
        ids.append(visits.follow(Move(5.0, "s-1", MoveEvent.ENTER, None, 1.0)).visit)
    assert ids[0] == ids[1] == visit_id("s-1", 5.0)
    assert visit_id("s-1", 6.0) != visit_id("s-1", 5.0) != visit_id("s-2", 5.0)
    assert "s-1" not in ids[0]


def test_only_the_first_move_of_a_visit_is_new_and_the_last_closes_it(plan: StorePlan) -> None:
    visits = Visits(plan)
    first = visits.follow(Move(0, "s-1", MoveEvent.ENTER, None, 1.0))
    second = visits.follow(Move(0, "s-1", MoveEvent.EXIT, None, 1.0))
    last = visits.follow(Move(60, "s-1", MoveEvent.EXIT, "wine", 1.0, 60, visit_over=True))
    assert (first.is_new, second.is_new, last.is_new) == (True, False, False)
    assert last.over
    assert visits.current("s-1") is None


def test_a_very_long_visit_stays_bounded(plan: StorePlan) -> None:
    visits = Visits(plan)
    for n in range(LONGEST_PATH + 50):
        stay(visits, "bread" if n % 2 else "wine", n * 10, n * 10 + 10)
    current = visits.current("s-1")
    assert current is not None
    assert len(current.path) == LONGEST_PATH


def test_forgetting_a_shopper_drops_the_open_visit(plan: StorePlan) -> None:
    visits = Visits(plan)
    stay(visits, "wine", 0, 10)
    visits.forget("s-1")
    assert visits.current("s-1") is None


def test_two_or_three_short_stops_straight_on_look_goal_directed_and_long_ones_with_returns_browsing(plan: StorePlan) -> None:
    visits = Visits(plan)
    for n, zone in enumerate(("bread", "wine", "fish")):
        stay(visits, zone, 20 * n, 20 * n + 15)
    quick = visits.current("s-1")
    visits = Visits(plan)
    for n, zone in enumerate(("bread", "wine", "bread", "fish", "wine", "bread")):
        stay(visits, zone, 70 * n, 70 * n + 60)
    slow = visits.current("s-1")
    assert quick is not None
    assert slow is not None
    assert quick.goal_directed > 0.6
    assert quick.intent == "goal-directed"
    assert slow.goal_directed < 0.2
    assert slow.intent == "browsing"


def test_before_anything_is_known_both_intents_are_as_likely() -> None:
    assert intent_features([], 0.0, 10.0) == {}
    assert goal_directed_probability({}, 10.0) == 0.5


def test_a_leap_of_the_clock_makes_no_visit_longer_or_shorter(plan: StorePlan) -> None:
    for leap_s in (-86_400.0, 86_400.0):
        visits = Visits(plan)
        stay(visits, "bread", 100_000, 100_010)
        visits.follow(Move(100_010, "s-1", MoveEvent.ENTER, "wine", 0.9))
        visits.shift(leap_s)
        now = visits.current("s-1")
        assert now is not None
        assert (now.at_s, now.facts()["visit_s"]) == (100_010 + leap_s, 10)
        left = visits.follow(Move(100_040 + leap_s, "s-1", MoveEvent.EXIT, "wine", 0.9, 30, True))
        assert dict(left.zone_dwell_s) == {"bread": 10, "wine": 30}
        assert left.facts()["visit_s"] == 40
