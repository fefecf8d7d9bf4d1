"""Calibration: what walks teach, how it is kept, and what can't be learned from."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gateway.model import Sighting
from gateway.zones.calibration import CalibrationError, calibrated, load_calibration, save_calibration
from gateway.zones.ground_truth import GroundTruthError, confusion, read_ground_truth
from gateway.zones.place_model import build_place_model
from gateway.zones.plan import StorePlan, parse_plan
from gateway.zones.survey import TrueStay, Walk, learn
from gateway.zones.tracker import make_tracker

pytestmark = pytest.mark.slow

Readings = Callable[..., list[Sighting]]


def walked(readings: Readings, rounds: int, louder_db: int) -> Walk:
    """Half a minute in each room, some times over, where the fish scanner hears too well."""
    rooms = {"bread": (4, 4), "wine": (12, 4), "fish": (20, 4)}
    heard: list[Sighting] = []
    stays: list[TrueStay] = []
    for number in range(rounds):
        for zone, at in rooms.items():
            start_s = 30.0 * len(stays)
            heard += readings(at, start_s, start_s + 30, seed=len(stays) + number)
            stays.append(TrueStay("s-1", start_s, start_s + 30, zone))
    return Walk([s._replace(rssi_dbm=s.rssi_dbm + louder_db) if s.scanner == "sc-fish" else s for s in heard], stays)


@pytest.fixture
def walk(readings: Readings) -> Walk:
    return walked(readings, rounds=3, louder_db=18)


def test_a_scanner_that_hears_too_well_is_learned_to_do_so(plan: StorePlan, walk: Walk) -> None:
    calibration = learn(plan, [walk])
    learned = np.array(calibration.level_db).mean(0)
    assert learned[2] - learned[:2].mean() > 5.0
    assert calibration.trust > 0
    assert calibration.walked_s == pytest.approx(270, abs=3)


def test_a_walk_that_does_no_better_than_the_plan_leaves_the_plan_as_it_is(plan: StorePlan, readings: Readings) -> None:
    calibration = learn(plan, [walked(readings, rounds=1, louder_db=0)])
    place = build_place_model(plan, 1.0)
    assert calibration.trust == 0.0
    assert not np.any(calibration.level_db)
    assert np.allclose(calibrated(place, plan, calibration).spread_db, place.spread_db, atol=0.01)


def test_spots_nobody_walked_stay_less_certain(plan: StorePlan, walk: Walk) -> None:
    spread = np.array(learn(plan, [walk]).spread_db)
    place = build_place_model(plan, 1.0)
    assert place.at is not None
    near, far = np.hypot(*(place.at - (4, 4)).T) < 2, np.hypot(*(place.at - (23, 7)).T) < 2
    assert spread[near].mean() < spread[far].mean()


def test_a_calibrated_place_differs_from_the_plan_by_what_was_learned(plan: StorePlan, walk: Walk) -> None:
    place, calibration = build_place_model(plan, 1.0), learn(plan, [walk])
    changed = calibrated(place, plan, calibration)
    assert np.allclose(changed.level_dbm - place.level_dbm, calibration.level_db)


def test_zones_without_positions_are_calibrated_too(plan: StorePlan, walk: Walk) -> None:
    bare = parse_plan(
        {
            "store": "bare",
            "zones": [{"id": zone} for zone in plan.zone_ids],
            "scanners": [{"id": s.id, "zone": s.zone} for s in plan.scanners],
        }
    )
    calibration = learn(bare, [walk])
    assert len(calibration.level_db) == 3
    assert calibration.level_db[0][2] > calibration.level_db[0][1]


def test_a_zone_without_a_scanner_of_its_own_is_known_once_it_was_walked_where_nothing_is_drawn(
    plan: StorePlan, readings: Readings
) -> None:
    bare = parse_plan(
        {
            "store": "bare",
            "zones": [{"id": zone} for zone in plan.zone_ids],
            "scanners": [{"id": s.id, "zone": s.zone} for s in plan.scanners if s.zone != "wine"],
        }
    )
    stays, heard = [], []
    for turn, (zone, x) in enumerate([("bread", 4.0), ("wine", 12.0), ("fish", 20.0)] * 4):
        start_s = 30.0 * turn
        stays.append(TrueStay("s-1", start_s, start_s + 30, zone))
        heard += readings((x, 4.0), start_s, start_s + 30, silent=["sc-wine"], seed=turn)
    calibration = learn(bare, [Walk(heard, stays)])
    assert calibration.walked == ("wine",)
    tracker = make_tracker(bare, calibration)
    for sighting in readings((12.0, 4.0), 1000, 1030, shopper="s-2", silent=["sc-wine"], seed=99):
        tracker.see(sighting)
    assert tracker.present()[0].zone == "wine"
    assert tracker.unknown_zones() == frozenset()


@pytest.mark.parametrize("walks", [[], [Walk([], [])], [Walk([Sighting(0, "s-9", "sc-wine", -60)], [])]])
def test_nothing_to_learn_from_is_refused_with_one_line(plan: StorePlan, walks: list[Walk]) -> None:
    with pytest.raises(CalibrationError, match="only 0 s of readings"):
        learn(plan, walks)


def test_a_saved_calibration_reads_back_the_same_and_the_one_before_is_kept(plan: StorePlan, walk: Walk, tmp_path: Path) -> None:
    calibration, path = learn(plan, [walk]), tmp_path / "cal.json"
    assert save_calibration(calibration, path) is None
    assert load_calibration(path) == calibration
    assert save_calibration(calibration, path) == tmp_path / "cal.v1.json"
    assert save_calibration(calibration, path) == tmp_path / "cal.v2.json"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["cal.json", "cal.v1.json", "cal.v2.json"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"version": 9}', "\x00", "[" * 5000])
def test_a_file_that_is_no_calibration_is_refused_with_one_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / "cal.json"
    path.write_text(content)
    with pytest.raises(CalibrationError) as refused:
        load_calibration(path)
    assert str(refused.value).startswith(str(path))
    assert "\n" not in str(refused.value)


def test_a_calibration_with_rows_of_odd_length_or_no_numbers_is_refused(plan: StorePlan, walk: Walk, tmp_path: Path) -> None:
    good = json.loads(learn(plan, [walk]).model_dump_json())
    path = tmp_path / "cal.json"
    for rows in ([*good["level_db"][:-1], [1.0]], [[float("nan")] * 3] * len(good["level_db"])):
        path.write_text(json.dumps(good | {"level_db": rows}))
        with pytest.raises(CalibrationError):
            load_calibration(path)


def test_the_confusion_table_judges_each_walk_by_the_others(plan: StorePlan, walk: Walk) -> None:
    told = confusion(plan, [walk, walk])
    assert told.true_zones == ("bread", "wine", "fish")
    assert told.accuracy > 0.8
    assert all(sum(row) == pytest.approx(1.0) for row in told.share)


def test_a_walk_too_short_to_judge_gives_an_empty_table(plan: StorePlan, walk: Walk) -> None:
    assert confusion(plan, [Walk(walk.sightings, walk.stays[:1])]).true_zones == ()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("s-1,0,10,fishes", "zone fishes is not in the plan"),
        ("s-1,ten,10,fish", "times in seconds"),
        ("s-1,20,10,fish", "ends before it starts"),
        ("s-1,0", "times in seconds"),
        ("s-1,nan,10,fish", "ends before it starts"),
    ],
)
def test_a_faulty_line_of_truth_is_refused_with_its_number(plan: StorePlan, tmp_path: Path, line: str, words: str) -> None:
    path = tmp_path / "walk.truth.csv"
    path.write_text(f"shopper,start,end,zone\ns-1,0,10,fish\n{line}\n")
    with pytest.raises(GroundTruthError, match=words) as refused:
        read_ground_truth(path, plan)
    assert f"{path}:3" in str(refused.value)
