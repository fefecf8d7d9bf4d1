"""The measures measure what they say, the guard guards, and on a recording the tracker is righter and calmer than its rivals."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from firmware_sim.scanners import Outage
from firmware_sim.world import Flaws, World
from gateway.model import Move, MoveEvent, Sighting
from gateway.settings import ZonesSettings
from gateway.zones.plan import load_plan
from gateway.zones.tracker import make_tracker
from tests.accuracy.conditions import CONDITIONS
from tests.accuracy.rivals import KalmanNearest, StrongestMean, StrongestWithHysteresis, moves_of
from tests.accuracy.scenes import NAMES, SHOPS, scene
from tests.accuracy.score import BASELINE, behind, follow, methods, score
from tests.accuracy.scoring import Said, Stay, reliability, tally
from tests.accuracy.trade import drawing

SUPERMARKET = load_plan(SHOPS / "supermarket" / "plan.yaml")


def enter(at_s: float, zone: str | None) -> Move:
    return Move(at_s, "s-1", MoveEvent.ENTER, zone, 1.0)


def leave(at_s: float, zone: str | None) -> Move:
    return Move(at_s, "s-1", MoveEvent.EXIT, zone, 1.0)


TRUTH = [Stay("s-1", 0, 10, "a"), Stay("s-1", 10, 20, "b")]


def test_accuracy_is_the_share_of_time_in_the_true_zone() -> None:
    measures = tally(TRUTH, [enter(1, "a"), leave(12, "a"), enter(12, "b")]).measures()
    assert measures["accuracy"] == pytest.approx((9 + 8) / 20)
    assert measures["false_per_h"] == 0
    assert measures["delay_s"] == 1.5
    assert measures["found"] == 1.0


def test_an_entry_within_three_seconds_of_its_stay_is_early_and_a_further_one_is_false() -> None:
    assert tally(TRUTH, [enter(7.5, "b")]).false_entries == 0
    assert tally(TRUTH, [enter(6.5, "b")]).false_entries == 1
    assert tally(TRUTH, [enter(12.5, "a")]).false_entries == 0
    assert tally(TRUTH, [enter(13.5, "a")]).false_entries == 1


def test_in_the_shop_but_uncertain_is_no_entry_of_a_zone() -> None:
    assert tally(TRUTH, [enter(1, None), leave(5, None)]).entries == 0


def test_the_guard_lets_noise_pass_and_names_what_fell_behind() -> None:
    row = {"accuracy": 0.8, "false_per_h": 30.0, "delay_s": 2.0}
    baseline = {"shop": {"etalage, plan only": row, "strongest, hysteresis": row}}
    fine = {"shop": {"etalage, plan only": {"accuracy": 0.78, "false_per_h": 40.0, "delay_s": 2.5}}}
    worse = {"shop": {"etalage, plan only": {"accuracy": 0.7, "false_per_h": 80.0, "delay_s": 3.5}}}
    assert behind(fine, baseline) == []
    assert [line.split(": ")[1].split(" ")[0] for line in behind(worse, baseline)] == ["accuracy", "false_per_h", "delay_s"]
    assert len(behind({}, baseline)) == 3


def test_a_fall_in_how_far_confidence_holds_is_named_beyond_what_is_allowed() -> None:
    row = {"accuracy": 0.8, "false_per_h": 30.0, "delay_s": 2.0, "ece": 0.04}
    baseline = {"shop": {"etalage, plan only": row}}
    assert behind({"shop": {"etalage, plan only": row | {"ece": 0.05}}}, baseline) == []
    assert behind({"shop": {"etalage, plan only": row | {"ece": 0.07}}}, baseline) == [
        "shop, etalage, plan only: ece was 0.04, is 0.07"
    ]


def test_confidence_holds_when_the_share_that_is_right_is_what_was_said() -> None:
    said = [Said(float(second), "s-1", "a", 0.75) for second in range(10)]
    stays = [Stay("s-1", 0, 7.5, "a"), Stay("s-1", 7.5, 20, "b")]
    assert reliability(stays, said[:8] + said[8:]).calibration_error() == pytest.approx(0.05)
    assert reliability(stays, said[:4]).calibration_error() == pytest.approx(0.25)
    assert reliability([], said).reliability == {}


def test_uncertainty_is_that_of_blocks_and_none_where_all_are_alike() -> None:
    stays = [Stay("s-1", 120 * n, 120 * n + 100, "a") for n in range(20)]
    always = tally(stays, [enter(0, "a")]).measures()
    half = tally(stays, [move for n in range(0, 20, 2) for move in (enter(120 * n, "a"), leave(120 * n + 100, "a"))]).measures()
    assert always["accuracy_se"] == 0.0
    assert half["accuracy_se"] == pytest.approx(0.5 / 20**0.5, rel=0.2)


@pytest.mark.parametrize("condition", list(CONDITIONS))
def test_a_condition_changes_what_is_heard_or_planned_and_never_the_truth(condition: str) -> None:
    before = scene("tetam")
    after = CONDITIONS[condition](before)
    assert [stays for _, stays in after.passages] == [stays for _, stays in before.passages]
    assert after.plan != before.plan or [heard for heard, _ in after.passages] != [heard for heard, _ in before.passages]


BASE = json.loads(BASELINE.read_text(encoding="utf-8"))
PLAN_ONLY, CALIBRATED = "etalage, plan only", "etalage, calibrated"


def test_the_baseline_has_every_scene_of_the_score() -> None:
    assert tuple(BASE) == NAMES


latest_scene = lru_cache(maxsize=1)(scene)
HELD = [(name, method) for name in NAMES for method in (PLAN_ONLY, CALIBRATED) if method == PLAN_ONLY or name == "supermarket"]


@pytest.mark.parametrize(("name", "method"), HELD)
def test_no_scene_falls_behind_the_baseline(name: str, method: str) -> None:
    """The rest, which takes minutes, is in `make accuracy`."""
    place = latest_scene(name)
    now = {name: {method: score(place, methods(place)[method]).measures()}}
    assert behind(now, {name: {method: BASE[name][method]}}) == []


def test_on_walks_in_a_real_office_the_tracker_is_right_more_often_and_calmer_than_its_rivals() -> None:
    tetam = scene("tetam")
    ours = score(tetam, lambda plan, heard, _: follow(plan, heard, ZonesSettings(), None)).measures()
    for rival in (StrongestMean, KalmanNearest, StrongestWithHysteresis):
        theirs = score(tetam, lambda plan, heard, _, rival=rival: moves_of(rival, plan, heard)).measures()  # type: ignore[misc]
        assert ours["accuracy"] > theirs["accuracy"]
        assert ours["false_per_h"] < theirs["false_per_h"] / 2
    assert ours["delay_s"] <= 3.0


def test_the_curve_of_delay_against_false_entries_is_a_drawing() -> None:
    svg = ElementTree.fromstring(drawing({"shop": [(2.0, 1.0, 80.0), (9.0, 2.0, 30.0)]}))
    assert svg.tag.endswith("svg")
    assert any("polyline" in element.tag for element in svg)


def test_when_a_scanner_dies_its_zone_is_unknown_within_15_s_and_nobody_in_it_is_said_to_be_elsewhere() -> None:
    dies_s = 150.0
    world = World(SUPERMARKET, 12, seed=21, away_s=(5.0, 2000.0), flaws=Flaws(outages=(Outage("sc-wine", dies_s),)))
    who = {beacon.packed(): shopper for shopper, beacon in world.beacons.items()}
    tracker = make_tracker(SUPERMARKET)
    moves: list[Move] = []
    unknown_s = None
    for a in world.advance(300.0):
        moves += tracker.see(Sighting(a.at_s, who[a.payload[2:22]], a.scanner, a.rssi_dbm))
        if a.at_s < dies_s:
            unheard = tracker.unknown_zones()  # at first all are: none has been heard yet
        elif unknown_s is None and tracker.unknown_zones():
            unknown_s = a.at_s
    assert not unheard
    assert unknown_s is not None
    assert unknown_s <= dies_s + 15.0
    assert tracker.unknown_zones() == {"wine"}
    after = [move for move in moves if move.event is MoveEvent.ENTER and move.zone is not None and move.at_s > dies_s]
    assert not any(move.zone == "wine" and move.at_s > unknown_s for move in after)
    in_wine = [s for s in world.ground_truth() if s.zone == "wine" and s.end_s > dies_s]
    assert in_wine
    for stay in in_wine:
        inner = (m for m in after if m.shopper == stay.shopper and stay.start_s + 3 < m.at_s < stay.end_s - 3)
        assert all(move.zone == "wine" for move in inner)


def test_confidence_is_calibrated_on_a_simulated_shop() -> None:
    """Of the moments at which the tracker is so and so sure of its zone, about that share is right; never far overconfident."""
    world = World(SUPERMARKET, 20, seed=31, away_s=(5.0, 2000.0))
    who = {beacon.packed(): shopper for shopper, beacon in world.beacons.items()}
    tracker = make_tracker(SUPERMARKET)
    sure, right = [], []
    for second in range(400):
        for a in world.advance(1.0):
            tracker.see(Sighting(a.at_s, who[a.payload[2:22]], a.scanner, a.rssi_dbm))
        true = {person.shopper: person.zone for person in world.positions()}
        for presence in tracker.present():
            if second > 20 and presence.zone is not None and true.get(presence.shopper) is not None:
                sure.append(presence.confidence)
                right.append(true[presence.shopper] == presence.zone)
    confidence, correct = np.array(sure), np.array(right)
    gaps = []
    for low in (0.5, 0.6, 0.7, 0.8, 0.9):
        mask = (confidence >= low) & (confidence < low + 0.1 + (low == 0.9))
        print(f"{low:.1f}: said {confidence[mask].mean():.2f}, right {correct[mask].mean():.2f} ({mask.sum()})")
        gaps.append(confidence[mask].mean() - correct[mask].mean())
    assert max(gaps) < 0.15


def test_recordings_come_with_their_source_and_licence() -> None:
    text = (Path(__file__).parent / "recordings" / "README.md").read_text()
    assert "CC0 1.0" in text
    assert "CC BY 4.0" in text
