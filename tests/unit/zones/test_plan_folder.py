"""The plans of a box: drafts, versions, and which of them it works by."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.settings import Settings, StorageSettings, StoreSettings
from gateway.zones.calibration import Calibration, save_calibration
from gateway.zones.plan import PlanError, parse_plan
from gateway.zones.plan_folder import VERSIONS_KEPT, DraftMoved, PlanFolder
from gateway.zones.plan_in_force import plan_folder, plan_in_force
from tests.support.drawing import two_zones


def settings(tmp_path: Path, plan: Path | None = None) -> Settings:
    return Settings(store=StoreSettings(plan=plan), storage=StorageSettings(path=tmp_path / "etalage.db"))


def test_without_any_plan_the_box_knows_whether_somebody_is_in_the_shop(tmp_path: Path) -> None:
    place = plan_in_force(settings(tmp_path))
    assert (place.source, place.plan.zone_ids, [scanner.id for scanner in place.plan.scanners]) == ("none", ("shop",), ["pi-1"])


def test_a_drawn_plan_is_in_force_once_it_was_put_to_work_and_not_before(tmp_path: Path) -> None:
    folder = plan_folder(settings(tmp_path))
    folder.save_draft(two_zones(), folder.draft().tag, "Sanne", 1.0)
    assert plan_in_force(settings(tmp_path)).source == "none"
    folder.put_to_work(parse_plan(two_zones()), "Sanne", 2.0)
    assert plan_in_force(settings(tmp_path)).plan == parse_plan(two_zones())


def test_a_file_that_is_named_is_the_truth_and_must_be_there(tmp_path: Path) -> None:
    plan_folder(settings(tmp_path)).put_to_work(parse_plan(two_zones()), "Sanne", 2.0)
    file = tmp_path / "plan.yaml"
    with pytest.raises(PlanError, match="can't be read"):
        plan_in_force(settings(tmp_path, file))
    file.write_text(json.dumps(two_zones(store="other")))
    place = plan_in_force(settings(tmp_path, file))
    assert (place.source, place.plan.store) == ("file", "other")


def test_a_calibration_of_another_plan_is_left_out_and_said(tmp_path: Path) -> None:
    folder, plan = plan_folder(settings(tmp_path)), parse_plan(two_zones())
    folder.put_to_work(plan, "Sanne", 2.0)
    learned = Calibration(
        plan=plan.fingerprint(),
        walked_s=60,
        learned_until_s=1,
        trust=0,
        scanners=("pi-1",),
        level_db=((0.0,),),
        spread_db=((5.0,),),
    )
    save_calibration(learned, folder.calibration)
    assert plan_in_force(settings(tmp_path)).calibration == learned
    moved = parse_plan(two_zones(scanners=[{"id": "pi-1", "at": [1, 1]}]))
    folder.put_to_work(moved, "Sanne", 3.0)
    place = plan_in_force(settings(tmp_path))
    assert place.calibration is None
    assert "another plan" in place.misfit


def test_a_draft_that_moved_meanwhile_names_who_moved_it(tmp_path: Path) -> None:
    folder = PlanFolder(tmp_path / "plans")
    tag = folder.draft().tag
    folder.save_draft(two_zones(), tag, "Joost", 5.0)
    with pytest.raises(DraftMoved) as moved:
        folder.save_draft(two_zones(floor=1), tag, "Sanne", 6.0)
    assert moved.value.who == "Joost"


def test_saving_what_is_there_already_changes_nothing(tmp_path: Path) -> None:
    folder = PlanFolder(tmp_path / "plans")
    kept = folder.save_draft(two_zones(), folder.draft().tag, "Joost", 5.0)
    assert folder.save_draft(two_zones(), kept.tag, "Sanne", 6.0) == kept


def test_a_draft_that_the_disk_made_unreadable_gives_way_to_the_plan_in_force(tmp_path: Path) -> None:
    folder = PlanFolder(tmp_path / "plans")
    folder.put_to_work(parse_plan(two_zones()), "Sanne", 1.0)
    (tmp_path / "plans" / "draft.json").write_bytes(b'{"plan": {"sto')
    assert folder.draft().plan["store"] == "demo"


def test_a_disk_that_is_full_leaves_what_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = PlanFolder(tmp_path / "plans")
    kept = folder.save_draft(two_zones(), folder.draft().tag, "Joost", 5.0)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        folder.save_draft(two_zones(floor=1), kept.tag, "Joost", 6.0)
    assert folder.draft() == kept
    assert not list((tmp_path / "plans").glob("*.new"))


def test_only_so_many_versions_are_kept(tmp_path: Path) -> None:
    folder = PlanFolder(tmp_path / "plans")
    for floor in range(VERSIONS_KEPT + 3):
        folder.put_to_work(parse_plan(two_zones(floor=floor)), "Sanne", float(floor))
    numbers = [version.number for version in folder.versions()]
    assert (numbers[0], len(numbers)) == (VERSIONS_KEPT + 3, VERSIONS_KEPT)


def test_a_door_opens_its_wall_for_people_and_signals() -> None:
    wall = {"line": [[0, 0], [10, 0]], "loss_db": 8}
    plan = parse_plan(two_zones(walls=[wall], doors=[[[4, 0.1], [6, -0.1]]]))
    pieces = [[[round(v, 1) for v in end] for end in (start, stop)] for start, stop, _loss in plan.barriers()]
    assert pieces == [[[0, 0], [4, 0]], [[6, 0], [10, 0]]]
    assert plan.fingerprint() != parse_plan(two_zones(walls=[wall])).fingerprint()


def test_a_door_beside_every_wall_is_a_fault() -> None:
    with pytest.raises(PlanError, match="door 1 lies on no wall"):
        parse_plan(two_zones(walls=[[[0, 0], [10, 0]]], doors=[[[4, 2], [6, 2]]]))
