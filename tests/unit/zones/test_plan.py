"""The store plan: what is taken, and what is refused with one clear line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.zones.plan import PlanError, load_plan, parse_plan

SHOPS = Path(__file__).parents[3] / "firmware_sim" / "shops"
SQUARE = [[0, 0], [4, 0], [4, 4], [0, 4]]


def document(**changes: Any) -> dict[str, Any]:
    base = {
        "store": "demo",
        "zones": [{"id": "wine", "polygon": SQUARE}, {"id": "bread", "polygon": [[4, 0], [8, 0], [8, 4], [4, 4]]}],
        "scanners": [{"id": "pi-1", "zone": "wine", "at": [2, 2]}],
    }
    return base | changes


@pytest.mark.parametrize("shop", ["supermarket", "department_store", "drugstore", "kiosk"])
def test_each_simulated_shop_has_a_valid_plan(shop: str) -> None:
    plan = load_plan(SHOPS / shop / "plan.yaml")
    assert len(plan.zones) >= 2
    assert all(zone.called("nl") != zone.id for zone in plan.zones)


def test_zones_that_only_touch_are_fine() -> None:
    assert parse_plan(document()).zone_ids == ("wine", "bread")


def test_a_plan_may_have_neither_polygons_nor_positions() -> None:
    plan = parse_plan(document(zones=[{"id": "wine"}], scanners=[{"id": "pi-1", "zone": "wine"}]))
    assert plan.scanners[0].at is None


def test_all_optional_parts_are_read() -> None:
    plan = parse_plan(
        document(
            walls=[[[1, 1], [1, 3]], {"line": [[2, 1], [3, 1], [3, 3]], "loss_db": 9}],
            neighbours=[["wine", "bread"]],
            beacons=[{"id": "b-1", "zone": "bread", "uuid": "ab" * 16, "major": 1, "minor": 2}],
            hours={"mon": ["09:00", "17:30"], "sun": None},
            timezone="Europe/Brussels",
            floor=1,
            picture="floor.png",
        )
    )
    assert plan.walls[0].loss_db == 3.0
    assert len(list(plan.walls[1].pieces())) == 2
    assert plan.hours["mon"] is not None
    assert plan.hours["mon"].opens == "09:00"
    assert [part.id for part in plan.anchors] == ["pi-1", "b-1"]


def test_an_unquoted_clock_time_is_understood(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text("store: s\nzones: [{id: a}]\nscanners: [{id: p, zone: a}]\nhours: {mon: [09:30, 17:00]}\n")
    hours = load_plan(path).hours["mon"]
    assert hours is not None
    assert (hours.opens, hours.closes) == ("09:30", "17:00")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"zones": [{"id": "wine", "polygon": SQUARE}, {"id": "b", "polygon": [[3, 2], [6, 2], [6, 6]]}]}, "wine and b overlap"),
        ({"zones": [{"id": "wine", "polygon": SQUARE}, {"id": "b", "polygon": SQUARE}]}, "overlap by 16.00 m²"),
        ({"zones": [{"id": "a", "polygon": [[0, 0], [1, 0]]}]}, "zone a has no area"),
        ({"zones": [{"id": "a", "polygon": [[0, 0], [2, 2], [4, 4]]}]}, "zone a has no area"),
        ({"zones": [{"id": "a", "polygon": [[0, 0], [4, 4], [4, 0], [0, 3]]}]}, "crosses itself"),
        ({"zones": [{"id": "wine"}, {"id": "wine"}]}, "wine is used twice"),
        ({"scanners": [{"id": "p", "zone": "wine"}, {"id": "p", "zone": "wine"}]}, "p is used twice"),
        ({"scanners": [{"id": "p", "zone": "fish"}]}, "stands in zone fish, which the plan doesn't have"),
        ({"scanners": [{"id": "p"}]}, "p is nowhere"),
        ({"scanners": []}, "scanners"),
        ({"neighbours": [["wine", "fish"]]}, "neighbours wine and fish"),
        ({"timezone": "Europe/Amstredam"}, "unknown timezone"),
        ({"hours": {"mon": ["9 uur", "17:00"]}}, "hours.mon"),
        ({"colour": "red"}, "colour"),
        ({"zones": [{"id": "a", "polygon": [[0, 0], [float("nan"), 0], [1, 1]]}]}, "zones[0].polygon[1][0]"),
    ],
)
def test_a_faulty_plan_is_refused_in_one_line_that_names_the_place(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(PlanError) as refused:
        parse_plan(document(**changes), "shop/plan.yaml")
    text = str(refused.value)
    assert words in text
    assert text.startswith("shop/plan.yaml: ")
    assert "\n" not in text


@pytest.mark.parametrize("content", ["zones: [", "- a list", "", "\x00", "store: demo\nzones: *nowhere\n"])
def test_a_file_that_is_no_plan_is_refused_in_one_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(content)
    with pytest.raises(PlanError) as refused:
        load_plan(path)
    assert str(refused.value).startswith(str(path))
    assert "\n" not in str(refused.value)


def test_a_missing_file_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="can't be read"):
        load_plan(tmp_path / "none.yaml")


def test_names_and_hours_do_not_change_what_a_calibration_belongs_to() -> None:
    named = parse_plan(document(zones=[{"id": "wine", "name": "Wijn", "polygon": SQUARE}, document()["zones"][1]]))
    moved = parse_plan(document(scanners=[{"id": "pi-1", "zone": "wine", "at": [2, 3]}]))
    assert named.fingerprint() == parse_plan(document()).fingerprint()
    assert moved.fingerprint() != parse_plan(document()).fingerprint()
