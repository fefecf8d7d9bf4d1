"""The tracker on a shop of three rooms: where people are, what is said of it, and what bad input does not do."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from gateway.model import Measurement, Move, MoveEvent, Quantity, Sighting
from gateway.settings import ZonesSettings
from gateway.zones.calibration import CalibrationError
from gateway.zones.plan import StorePlan, parse_plan
from gateway.zones.survey import TrueStay, Walk, learn
from gateway.zones.tracker import Tracker, make_tracker

Readings = Callable[..., list[Sighting]]
Feed = Callable[[Tracker, list[Sighting]], list[Move]]
WINE, FISH, BREAD = (12.0, 4.0), (20.0, 4.0), (4.0, 4.0)


def entered(moves: list[Move]) -> list[str | None]:
    return [move.zone for move in moves if move.event is MoveEvent.ENTER]


def test_a_shopper_who_stands_in_a_zone_is_said_to_be_there(plan: StorePlan, readings: Readings, feed: Feed) -> None:
    tracker = make_tracker(plan)
    moves = feed(tracker, readings(WINE, 0, 20))
    assert entered(moves) == ["wine"]
    [presence] = tracker.present()
    assert (presence.shopper, presence.zone) == ("s-1", "wine")
    assert presence.confidence > 0.8


def test_going_from_one_zone_to_another_is_an_exit_and_an_enter_at_the_same_moment(
    plan: StorePlan, readings: Readings, feed: Feed
) -> None:
    tracker = make_tracker(plan)
    moves = feed(tracker, readings(BREAD, 0, 15) + readings(FISH, 15, 40, seed=2))
    changes = [move for move in moves if move.event is not MoveEvent.DWELL]
    index = next(i for i, move in enumerate(changes) if move.zone == "fish")
    assert changes[index - 1].event is MoveEvent.EXIT
    assert changes[index - 1].at_s == changes[index].at_s
    assert changes[index - 1].dwell_s > 0
    assert 15 <= changes[index].at_s <= 22
    assert tracker.present()[0].zone == "fish"


def test_dwell_moves_come_at_the_asked_steps_once(plan: StorePlan, readings: Readings, feed: Feed) -> None:
    tracker = make_tracker(plan, settings=ZonesSettings(dwell_steps_s=(5, 12)))
    moves = feed(tracker, readings(WINE, 0, 40))
    dwells = [move for move in moves if move.event is MoveEvent.DWELL]
    assert [move.zone for move in dwells] == ["wine", "wine"]
    assert dwells[0].dwell_s == pytest.approx(5, abs=1)
    assert dwells[1].dwell_s == pytest.approx(12, abs=1)


def test_a_shopper_no_longer_heard_leaves_the_shop(plan: StorePlan, readings: Readings, feed: Feed) -> None:
    tracker = make_tracker(plan, settings=ZonesSettings(gone_after_s=10))
    feed(tracker, readings(WINE, 0, 20))
    moves = [move for second in range(20, 40) for move in tracker.tick(float(second))]
    assert [(move.event, move.zone, move.visit_over) for move in moves if move.event is MoveEvent.EXIT] == [
        (MoveEvent.EXIT, "wine", True)
    ]
    assert 29 <= moves[-1].at_s <= 32
    assert tracker.present() == []


def test_phones_of_different_strength_are_in_the_same_zone(plan: StorePlan, readings: Readings, feed: Feed) -> None:
    for offset_db in (-12.0, 0.0, 8.0):
        tracker = make_tracker(plan)
        feed(tracker, readings(FISH, 0, 15, offset_db=offset_db))
        assert tracker.present()[0].zone == "fish"


def test_a_scanner_told_to_be_down_makes_its_zone_unknown_and_nobody_is_said_to_be_elsewhere(
    plan: StorePlan, readings: Readings, feed: Feed
) -> None:
    tracker = make_tracker(plan)
    feed(tracker, readings(WINE, 0, 20))
    moves = list(tracker.scanner_down("sc-wine", 20.0))
    moves += feed(tracker, readings(WINE, 20, 50, silent=["sc-wine"], seed=3))
    assert tracker.unknown_zones() == {"wine"}
    assert entered(moves) == [None]
    assert tracker.present()[0].zone is None
    tracker.scanner_up("sc-wine", 50.0)
    feed(tracker, readings(WINE, 50, 60, seed=4))
    assert tracker.unknown_zones() == frozenset()
    assert tracker.present()[0].zone == "wine"


def test_a_scanner_that_dies_without_a_word_is_found_out_within_15_s(plan: StorePlan, readings: Readings, feed: Feed) -> None:
    tracker = make_tracker(plan)
    feed(tracker, readings(WINE, 0, 30))
    moves = feed(tracker, readings(WINE, 30, 45, silent=["sc-wine"], seed=3))
    assert tracker.deaf_scanners() == {"sc-wine"}
    assert tracker.unknown_zones() == {"wine"}
    assert not {"bread", "fish"} & set(entered(moves))


def test_when_every_scanner_is_down_nobody_leaves(plan: StorePlan, readings: Readings, feed: Feed) -> None:
    tracker = make_tracker(plan)
    feed(tracker, readings(WINE, 0, 20))
    for scanner in ("sc-bread", "sc-wine", "sc-fish"):
        tracker.scanner_down(scanner, 20.0)
    moves = [move for second in range(20, 80) for move in tracker.tick(float(second))]
    assert [presence.shopper for presence in tracker.present()] == ["s-1"]
    assert not any(move.visit_over for move in moves)


@pytest.mark.parametrize(
    ("sighting", "reason"),
    [
        (Sighting(10.2, "s-1", "nowhere", -60), "unknown scanner"),
        (Sighting(10.2, "s-1", "sc-fish", 42), "impossible RSSI"),
        (Sighting(10.2, "s-1", "sc-fish", -200), "impossible RSSI"),
        *(
            (Sighting(10.2, "s-1", "sc-fish", -40, (Measurement(quantity, value, sd),)), "impossible measurement")
            for quantity, value, sd in [
                (Quantity.DISTANCE, 3.0, 0.0),
                (Quantity.DISTANCE, 3.0, 1e-200),
                (Quantity.DISTANCE, -1.0, 1.0),
                (Quantity.BEARING, float("nan"), 1.0),
                (Quantity.BEARING, 3.0, float("inf")),
            ]
        ),
        (Sighting(3610.0, "s-1", "sc-fish", -40), "impossible time"),
        (Sighting(-3600.0, "s-1", "sc-fish", -40), "late"),
        (Sighting(float("nan"), "s-1", "sc-fish", -40), "impossible time"),
        (Sighting(float("inf"), "s-1", "sc-fish", -40), "impossible time"),
    ],
)
def test_a_reading_that_can_not_be_is_counted_and_changes_nothing(
    plan: StorePlan, readings: Readings, feed: Feed, sighting: Sighting, reason: str
) -> None:
    good = readings(WINE, 0, 10)
    tracker, untouched = make_tracker(plan), make_tracker(plan)
    feed(tracker, [*good, sighting])
    feed(untouched, good)
    assert tracker.skipped == {reason: 1}
    later = readings(WINE, 10, 20, seed=5)
    assert feed(tracker, later) == feed(untouched, later)


def test_a_clock_that_really_moved_an_hour_ends_the_visits_and_goes_on(plan: StorePlan, readings: Readings, feed: Feed) -> None:
    for leap_s in (3600.0, -3600.0):
        tracker = make_tracker(plan)
        feed(tracker, readings(WINE, 10_000, 10_010))
        moves = feed(tracker, readings(FISH, 10_010 + leap_s, 10_040 + leap_s, seed=2))
        assert moves[0].visit_over
        assert tracker.present()[0].zone == "fish"


@pytest.mark.parametrize("leap_s", [-86_400.0, -60.0, 300.0, 86_400.0])
def test_nobody_comes_or_goes_by_a_leap_of_the_boxs_own_clock(plan: StorePlan, readings: Readings, leap_s: float) -> None:
    tracker = make_tracker(plan, settings=ZonesSettings(dwell_steps_s=(20,)))
    moves: list[Move] = []
    for start_s in (100_000.0, 100_015.0 + leap_s):
        heard = readings(WINE, start_s, start_s + 15)
        for second in range(15):
            moves += tracker.tick(start_s + second)
            moves += [move for one in heard if second <= one.at_s - start_s < second + 1 for move in tracker.see(one)]
    assert entered(moves) == ["wine"]
    assert not any(move.visit_over for move in moves)
    (dwell,) = (move for move in moves if move.event is MoveEvent.DWELL)
    assert dwell.dwell_s == pytest.approx(20, abs=3)
    assert tracker.leapt_s == pytest.approx(leap_s, abs=2)


def test_a_forgotten_shopper_leaves_no_move_and_no_reading_behind(plan: StorePlan, readings: Readings, feed: Feed) -> None:
    tracker = make_tracker(plan)
    feed(tracker, readings(WINE, 0, 10.4))
    tracker.forget("s-1")
    assert tracker.present() == []
    assert list(tracker.tick(12.0)) == []
    moves = feed(tracker, readings(FISH, 12, 20, shopper="s-2"))
    assert {move.shopper for move in moves} == {"s-2"}
    assert tracker.present()[0].zone == "fish"


def test_no_more_shoppers_are_followed_than_asked(plan: StorePlan, readings: Readings, feed: Feed) -> None:
    tracker = make_tracker(plan, settings=ZonesSettings(most_shoppers=2))
    everybody = sorted(s for n in range(3) for s in readings(WINE, 0, 5, shopper=f"s-{n}"))
    feed(tracker, everybody)
    assert len(tracker.present()) == 2
    assert tracker.skipped["too many shoppers"] == 30


def test_many_shoppers_at_once_are_followed_as_one_would_be(plan: StorePlan, readings: Readings, feed: Feed) -> None:
    spots = [BREAD, WINE, FISH]
    together = sorted(s for n in range(45) for s in readings(spots[n % 3], 0, 20, shopper=f"s-{n}", seed=n))
    tracker = make_tracker(plan)
    feed(tracker, together)
    said = {presence.shopper: presence.zone for presence in tracker.present()}
    assert said == {f"s-{n}": ("bread", "wine", "fish")[n % 3] for n in range(45)}


def test_without_positions_the_zone_of_each_scanner_is_enough(plan: StorePlan, readings: Readings, feed: Feed) -> None:
    bare = parse_plan(
        {
            "store": "bare",
            "zones": [{"id": zone} for zone in plan.zone_ids],
            "scanners": [{"id": scanner.id, "zone": scanner.zone} for scanner in plan.scanners],
        }
    )
    tracker = make_tracker(bare)
    moves = feed(tracker, readings(BREAD, 0, 15) + readings(FISH, 15, 30))
    assert entered(moves) == ["bread", "fish"]


def test_a_zone_without_any_scanner_is_unknown_where_nothing_is_drawn() -> None:
    bare = parse_plan({"store": "bare", "zones": [{"id": "a"}, {"id": "b"}], "scanners": [{"id": "p", "zone": "a"}]})
    tracker = make_tracker(bare)
    tracker.scanner_up("p", 0.0)
    assert tracker.unknown_zones() == {"b"}


@pytest.mark.parametrize("placed", [True, False])
def test_one_scanner_tells_near_from_in_the_shop_from_gone(placed: bool) -> None:
    scanner = {"id": "box", "zone": "counter"} | ({"at": [0, 0]} if placed else {})
    kiosk = parse_plan({"store": "kiosk", "zones": [{"id": "counter"}], "scanners": [scanner]})
    tracker = make_tracker(kiosk, settings=ZonesSettings(gone_after_s=10))
    moves: list[Move] = []
    for second in range(0, 30):
        for part in (0.1, 0.4, 0.7):
            level = -58 if second < 15 else -84
            moves += tracker.see(Sighting(second + part, "s-1", "box", level))
    moves += [move for second in range(30, 50) for move in tracker.tick(float(second))]
    assert entered(moves) == ["counter", None]
    assert moves[-1].visit_over


def test_a_fixed_beacon_that_a_phone_heard_counts_as_a_scanner_at_its_place(plan: StorePlan, feed: Feed) -> None:
    with_beacon = parse_plan(
        plan.model_dump(mode="json", exclude_none=True) | {"beacons": [{"id": "b-fish", "zone": "fish", "at": [20, 4]}]}
    )
    tracker = make_tracker(with_beacon)
    feed(tracker, [Sighting(t / 2, "s-1", "b-fish", -55) for t in range(30)])
    assert tracker.present()[0].zone == "fish"


def test_a_calibration_of_another_plan_is_refused_with_one_line(plan: StorePlan, readings: Readings) -> None:
    walk = Walk(readings(WINE, 0, 60), [TrueStay("s-1", 0, 60, "wine")])
    other = plan.model_copy(update={"scanners": plan.scanners[:2]})
    with pytest.raises(CalibrationError, match="made for another plan"):
        make_tracker(other, learn(plan, [walk]))


def test_the_same_readings_give_the_same_moves(plan: StorePlan, readings: Readings, feed: Feed) -> None:
    walk = readings(BREAD, 0, 15) + readings(WINE, 15, 30) + readings(FISH, 30, 45)
    runs = [feed(make_tracker(plan), walk) for _ in range(2)]
    assert runs[0] == runs[1]
    assert [dataclasses.astuple(move) for move in runs[0]]


def test_what_was_learned_of_the_scanners_can_be_unlearned(plan: StorePlan, readings: Readings, feed: Feed) -> None:
    tracker, fresh = make_tracker(plan), make_tracker(plan)
    feed(tracker, readings(WINE, 0, 120))
    tracker.forget("s-1")
    tracker.unlearn()
    later = readings(FISH, 200, 220, shopper="s-2")
    fresh.tick(199.0)
    tracker.tick(199.0)
    assert entered(feed(tracker, later)) == entered(feed(fresh, later))
