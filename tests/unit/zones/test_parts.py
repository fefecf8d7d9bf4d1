"""The tracker's parts by themselves: geometry, clock, announcer, silence, filter, place."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from gateway.model import USABLE_S, MoveEvent
from gateway.zones import geometry
from gateway.zones.announcer import NO_ZONE, Announcer, Track, confidence_of
from gateway.zones.filter import STANDING, Filter
from gateway.zones.observation import VARIANCE, Readings
from gateway.zones.parameters import ModelParameters
from gateway.zones.place_model import MOST_CELLS, build_place_model
from gateway.zones.plan import StorePlan, parse_plan
from gateway.zones.silence import ScannerSilence
from gateway.zones.timestamps import BELIEVE_AFTER, SKEW_ROUNDS, ClockSkew, TimestampGuard, TimestampVerdict

L_SHAPE = [(0.0, 0.0), (4.0, 0.0), (4.0, 2.0), (2.0, 2.0), (2.0, 4.0), (0.0, 4.0)]


def test_the_area_of_an_l_is_12() -> None:
    assert geometry.area_m2(L_SHAPE) == 12.0
    assert geometry.area_m2(L_SHAPE[::-1]) == 12.0


def test_points_in_the_notch_of_an_l_are_outside() -> None:
    points = np.array([[1.0, 1.0], [3.0, 1.0], [1.0, 3.0], [3.0, 3.0]])
    assert geometry.inside(points, L_SHAPE).tolist() == [True, True, True, False]


def test_shared_area_is_that_of_the_overlap_and_nothing_for_touching_zones() -> None:
    assert geometry.shared_area_m2(L_SHAPE, [(1, 1), (3, 1), (3, 3), (1, 3)]) == pytest.approx(3.0, rel=0.05)
    assert geometry.shared_area_m2(L_SHAPE, [(4, 0), (8, 0), (8, 4), (4, 4)]) == 0.0


def test_a_line_crosses_a_wall_only_where_the_wall_stands() -> None:
    starts, ends = np.array([[0.0, 1.0], [0.0, 3.0]]), np.array([[2.0, 1.0], [2.0, 3.0]])
    assert geometry.crossings(starts, ends, (1, 0), (1, 2)).tolist() == [True, False]


def test_the_clock_takes_late_readings_and_doubts_leaps() -> None:
    clock = TimestampGuard()
    assert [clock.judge(t) for t in (100.0, 101.0, 97.0, 130.0)] == [TimestampVerdict.NOW] * 4
    assert clock.now_s == 130.0
    assert clock.judge(3700.0) is TimestampVerdict.DOUBTED
    assert clock.judge(131.0) is TimestampVerdict.NOW


def test_the_clock_believes_a_leap_that_all_agree_on() -> None:
    clock = TimestampGuard()
    clock.judge(100.0)
    verdicts = [clock.judge(50_000.0 + n / 10) for n in range(BELIEVE_AFTER)]
    assert verdicts == [TimestampVerdict.DOUBTED] * (BELIEVE_AFTER - 1) + [TimestampVerdict.MOVED]


def test_the_boxs_own_time_decides_and_no_number_of_readings_outvotes_it() -> None:
    clock = TimestampGuard()
    clock.tick(100.0)
    assert {clock.judge(80.0 + n / 10) for n in range(90)} == {TimestampVerdict.LATE}
    assert {clock.judge(500.0) for _ in range(100)} == {TimestampVerdict.DOUBTED}
    assert clock.judge(100.0 - USABLE_S) is TimestampVerdict.NOW
    assert clock.now_s == 100.0
    assert clock.tick(500.0) is TimestampVerdict.MOVED
    assert clock.tick(499.0) is TimestampVerdict.NOW
    assert clock.now_s == 500.0


def test_single_readings_of_one_mad_scanner_never_move_the_clock() -> None:
    clock = TimestampGuard()
    for n in range(200):
        assert clock.judge(100.0 + n) is TimestampVerdict.NOW
        assert clock.judge(90_000.0 + n) is TimestampVerdict.DOUBTED


def skewed(ahead_s: float, rounds: int, told_time: bool = False) -> ClockSkew:
    """Three scanners heard once a second, the first of them by a clock that is ahead."""
    skew = ClockSkew(3)
    skew.told_time = told_time
    for second in range(rounds):
        for column, lead_s in enumerate((ahead_s, 0.0, 0.3)):
            skew.correct(column, second + lead_s)
        skew.compare()
    return skew


def test_a_clock_three_seconds_ahead_of_the_others_is_corrected_and_a_late_or_slightly_fast_one_is_not() -> None:
    assert skewed(3.0, SKEW_ROUNDS).correct(0, 100.0) == pytest.approx(97.0, abs=0.5)
    assert skewed(3.0, SKEW_ROUNDS).correct(1, 100.0) == 100.0
    assert skewed(3.0, SKEW_ROUNDS - 1).correct(0, 100.0) == 100.0
    assert skewed(1.5, SKEW_ROUNDS).correct(0, 100.0) == 100.0
    assert skewed(-4.0, SKEW_ROUNDS).correct(0, 100.0) == 100.0


def test_where_the_time_is_told_by_ticks_no_clock_is_estimated() -> None:
    assert skewed(3.0, SKEW_ROUNDS, told_time=True).correct(0, 100.0) == 100.0


def test_a_clock_that_is_set_right_is_no_longer_corrected() -> None:
    skew = skewed(3.0, SKEW_ROUNDS)
    for second in range(SKEW_ROUNDS):
        for column in range(3):
            skew.correct(column, 100.0 + second)
        skew.compare()
    assert skew.correct(0, 200.0) == 200.0


def announcer(cost: float = 10.0) -> Announcer:
    return Announcer(("a", "b"), cost, (5.0,))


def track(zone: int = NO_ZONE) -> Track:
    return Track("s-1", 0, 0.0, 0.0, zone=zone, announced=True)


def test_a_challenger_is_announced_when_its_odds_beat_the_cost_of_a_false_entry() -> None:
    held = track(zone=0)
    assert announcer().judge(held, [0.1, 0.88, 0.02], frozenset(), 1.0) == []
    moves = announcer().judge(held, [0.08, 0.9, 0.02], frozenset(), 2.0)
    assert [(move.event, move.zone) for move in moves] == [(MoveEvent.EXIT, "a"), (MoveEvent.ENTER, "b")]
    assert moves[1].confidence == pytest.approx(confidence_of(0.9), abs=1e-4)


def test_the_calmer_the_setting_the_later_the_announcement() -> None:
    belief = [0.15, 0.8, 0.05]
    assert announcer(cost=4).judge(track(zone=0), belief, frozenset(), 1.0)
    assert not announcer(cost=20).judge(track(zone=0), belief, frozenset(), 1.0)


def test_a_zone_that_can_not_be_known_is_never_entered_and_is_left_at_once() -> None:
    assert announcer().judge(track(), [0.99, 0.005, 0.005], frozenset({0}), 1.0) == []
    moves = announcer().judge(track(zone=0), [0.99, 0.005, 0.005], frozenset({0}), 1.0)
    assert [(move.event, move.zone) for move in moves] == [(MoveEvent.EXIT, "a"), (MoveEvent.ENTER, None)]


def test_a_belief_lost_for_seconds_is_said_to_be_uncertain() -> None:
    lost = track(zone=0)
    belief = [0.04, 0.3, 0.3]
    moves = [move for second in range(8) for move in announcer().judge(lost, belief, frozenset(), float(second))]
    assert [(move.event, move.zone) for move in moves] == [(MoveEvent.EXIT, "a"), (MoveEvent.ENTER, None)]


def test_a_scanner_begins_unheard_and_hears_from_its_first_reading_or_from_when_it_is_said_to(plan: StorePlan) -> None:
    watch = ScannerSilence(build_place_model(plan, 1.0))
    assert watch.alive.tolist() == watch.trusted.tolist() == [False, False, False]
    assert watch.blind() == {0, 1, 2}
    watch.heard(0)
    watch.told(1, hears=True)
    assert watch.alive.tolist() == watch.trusted.tolist() == [True, True, False]
    assert watch.blind() == {2}
    watch.told(0, hears=False)
    watch.heard(0)
    assert watch.alive.tolist() == [False, True, False], "the radio's own watch knows better than a reading that was under way"


def test_a_scanner_that_hears_others_but_no_shopper_is_not_held_for_deaf(plan: StorePlan) -> None:
    watch = ScannerSilence(build_place_model(plan, 1.0))
    for scanner in range(3):
        watch.told(scanner, hears=True)
    for _ in range(100):
        watch.listen(np.array([5.0, 0.0, 5.0]), np.array([5.0, 5.0, 5.0]))
    assert watch.alive.tolist() == [True, True, True]
    assert 0 < watch.reception[1] < 0.1 < watch.reception[0]


def test_a_scanner_s_reception_is_measured_by_what_it_reports_of_what_it_should(plan: StorePlan) -> None:
    watch = ScannerSilence(build_place_model(plan, 1.0))
    for scanner in range(3):
        watch.heard(scanner)
    for _ in range(100):
        watch.listen(np.array([5.0, 1.0, 5.0]), np.full(3, 5.0))
    assert watch.reception[0] == pytest.approx(1.0)
    assert 0.2 < watch.reception[1] < 0.3


def test_a_scanner_that_falls_silent_is_held_for_deaf_until_it_hears_again(plan: StorePlan) -> None:
    watch = ScannerSilence(build_place_model(plan, 1.0))
    for scanner in range(3):
        watch.heard(scanner)
    everything = np.full(3, 5.0)
    for _ in range(10):
        watch.listen(everything, everything)
    for _ in range(10):
        watch.listen(np.array([5.0, 0.0, 5.0]), everything)
    assert watch.alive.tolist() == [True, False, True]
    assert watch.blind() == {1}
    watch.listen(everything, everything)
    assert watch.blind() == frozenset()


def test_belief_stays_a_probability_and_readings_move_it_towards_the_truth(plan: StorePlan) -> None:
    place = build_place_model(plan, 1.0)
    filter_ = Filter(place, ModelParameters(), 1.0)
    cell = int(np.argmin(np.hypot(*(place.at - (20.0, 4.0)).T))) if place.at is not None else 0
    belief, phone = filter_.initial_belief()[None], filter_.new_phone()[:, None]
    readings = Readings(place.level_dbm[cell][None].astype(np.float32), np.full((1, 3), 2.0, dtype=np.float32))
    for _ in range(5):
        belief = filter_.predict(belief, np.zeros(1, dtype=np.float32))
        belief, phone, _ = filter_.update(belief, phone, readings, np.ones(3, dtype=np.float32))
    assert belief.sum() == pytest.approx(1.0, abs=1e-4)
    assert filter_.zones(belief)[0].argmax() == 2
    assert phone[VARIANCE, 0] < filter_.new_phone()[VARIANCE]


def test_steady_levels_speak_for_standing_and_changing_ones_for_walking(plan: StorePlan) -> None:
    filter_ = Filter(build_place_model(plan, 1.0), ModelParameters(), 1.0)
    counts = np.full((2, 1, 3), 4.0, dtype=np.float32)
    steady = np.full((2, 1, 3), -60.0 * 4, dtype=np.float32)
    changing = steady + np.array([[[0.0]], [[-48.0]]], dtype=np.float32)
    assert filter_.walking_log_odds(steady, counts)[0] < 0 < filter_.walking_log_odds(changing, counts)[0]
    standing = filter_.predict(filter_.initial_belief()[None], np.full(1, -3.0, dtype=np.float32))[0]
    assert standing[STANDING].sum() > 0.5


def test_walls_keep_belief_from_walking_through_them(plan: StorePlan) -> None:
    walled = parse_plan(plan.model_dump(mode="json", exclude_none=True) | {"walls": [[[8, -1], [8, 9]]]})
    place = build_place_model(walled, 1.0)
    assert place.at is not None
    left, right = place.at[:, 0] < 8, place.at[:, 0] > 8
    assert place.transitions[:, left][:, :, right].sum() == 0.0
    assert build_place_model(plan, 1.0).transitions[:, left][:, :, right].sum() > 0.0
    assert np.allclose(place.transitions.sum(2), 1.0)


def test_who_walks_keeps_a_way_and_their_body_hides_the_phone_from_what_lies_behind(plan: StorePlan) -> None:
    place = build_place_model(plan, 1.0)
    assert place.at is not None
    filter_ = Filter(place, ModelParameters(), 1.0)
    cell = int(np.argmin(np.hypot(*(place.at - (10.0, 4.0)).T)))
    east = int(np.argmax(place.headings @ (1.0, 0.0)))
    belief = np.full((1, 1 + len(place.headings), len(place.prior)), 1e-9, dtype=np.float32)
    belief[0, 1 + east, cell] = 1.0
    walked = filter_.predict(belief, np.zeros(1, dtype=np.float32), steps=3)[0].sum(0)
    assert walked @ place.at[:, 0] > place.at[cell, 0] + 1.0

    facing = np.cos(place.bearing[cell] - 0.0)  # walks east: what lies west is heard less
    mean = (place.level_dbm[cell] + 4.0 * facing)[None].astype(np.float32)
    start = np.full_like(belief, 1e-9)
    start[0, 1:, cell] = 1.0
    readings, phone = Readings(mean, np.full((1, len(facing)), 4.0, dtype=np.float32)), filter_.new_phone()[:, None]
    phone[VARIANCE] = 0.01
    updated, _, _ = filter_.update(start, phone, readings, np.ones(len(facing), dtype=np.float32))
    assert updated[0, 1:].sum(1).argmax() == east


def test_a_step_back_is_the_mirror_of_a_step_forward(plan: StorePlan) -> None:
    filter_ = Filter(build_place_model(plan, 1.0), ModelParameters(fades_standing_s=1e9, fades_walking_s=1e9), 1.0)
    rng = np.random.default_rng(3)
    before, later = (rng.random((1, *filter_.initial_belief().shape)).astype(np.float32) for _ in range(2))
    before /= before.sum()
    still = np.zeros(1, dtype=np.float32)
    forward = float((filter_.predict(before.copy(), still) * later).sum())
    back = filter_.backward_step(later, still)
    assert (before * back).sum() / back.sum() == pytest.approx(forward / _mass(filter_, later, still), rel=1e-3)


def _mass(filter_: Filter, later: NDArray[np.float32], still: NDArray[np.float32]) -> float:
    """Sum over all states of what a step forward from each of them is worth."""
    states = later[0].size
    one = np.eye(states, dtype=np.float32).reshape(states, *later.shape[1:])
    return float((filter_.predict(one, np.zeros(states, dtype=np.float32)) * later).sum())


def test_a_wall_takes_its_loss_off_the_level_behind_it(plan: StorePlan) -> None:
    walled = parse_plan(plan.model_dump(mode="json", exclude_none=True) | {"walls": [{"line": [[8, -1], [8, 9]], "loss_db": 7}]})
    place, bare = build_place_model(walled, 1.0), build_place_model(plan, 1.0)
    assert place.at is not None
    lost = bare.level_dbm - place.level_dbm
    assert np.allclose(lost[place.at[:, 0] > 8, 0], 7.0)
    assert np.allclose(lost[place.at[:, 0] < 8, 0], 0.0)


def test_a_hall_of_any_size_has_a_bounded_grid() -> None:
    hall = {"id": "hall", "polygon": [[0, 0], [300, 0], [300, 200], [0, 200]]}
    place = build_place_model(
        parse_plan({"store": "big", "zones": [hall], "scanners": [{"id": "p", "at": [5, 5]}, {"id": "q", "at": [9, 9]}]}), 1.0
    )
    assert len(place.prior) <= MOST_CELLS * 1.1


def test_neighbours_are_the_only_passages_where_nothing_is_drawn() -> None:
    zones = [{"id": zone} for zone in "abc"]
    scanners = [{"id": f"p-{zone}", "zone": zone} for zone in "abc"]
    place = build_place_model(
        parse_plan({"store": "s", "zones": zones, "scanners": scanners, "neighbours": [["a", "b"], ["b", "c"]]}), 1.0
    )
    assert place.transitions[0, 0, 2] == 0.0
    assert place.transitions[0, 0, 1] > 0.0


def test_where_somebody_goes_next_tells_where_they_were(plan: StorePlan) -> None:
    place = build_place_model(plan, 1.0)
    assert place.at is not None
    filter_ = Filter(place, ModelParameters(), 1.0)
    later = np.full((1, *filter_.initial_belief().shape), 1e-9, dtype=np.float32)
    east = np.hypot(*(place.at - (20, 4)).T) < 1.5
    later[:, :, east] = 1.0
    earlier = filter_.backward_step(later, np.zeros(1, dtype=np.float32))[0].sum(0)
    near, far = np.hypot(*(place.at - (20, 4)).T) < 2.5, place.at[:, 0] < 12
    assert earlier[near].min() > earlier[far].max()


def test_a_packet_missed_says_most_of_a_level_at_the_edge_of_hearing(plan: StorePlan) -> None:
    filter_ = Filter(build_place_model(plan, 1.0), ModelParameters(), 1.0)
    near, edge, gone = (filter_.observations.silence_information(offset_db) for offset_db in (30.0, -10.0, -80.0))
    assert (edge[0] < 0).all()
    assert edge[1].max() > 10 * near[1].max()
    assert edge[1].max() > 10 * gone[1].max()


def test_somebody_new_is_entered_into_their_zone_at_once_or_into_the_shop() -> None:
    announcer = Announcer(("a", "b"), 10.0, ())
    [sure] = announcer.judge(Track("s-1", 0, 0.0, 0.0), [0.95, 0.03, 0.02], frozenset(), 1.0)
    [unsure] = announcer.judge(Track("s-2", 1, 0.0, 0.0), [0.4, 0.4, 0.2], frozenset(), 1.0)
    assert (sure.event, sure.zone) == (MoveEvent.ENTER, "a")
    assert (unsure.event, unsure.zone) == (MoveEvent.ENTER, None)
