"""Plans from elsewhere: each format gives the parts it has, and what can't be used is counted, never guessed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from gateway.zones.plan import parse_plan
from gateway.zones.plan_import import ImportRefused, bring, merged

ESPRESENSE = """
mqtt: {host: broker}
floors:
  - id: ground
    name: Ground floor
    bounds: [[0, 0, 0], [20, 10, 3]]
    rooms:
      - {name: Wine Cellar, points: [[0, 0], [5, 0], [5, 4], [0, 4], [0, 0]]}
      - {id: kitchen, name: Kitchen, points: [[5, 0], [9, 0], [9, 4], [5, 4]]}
      - {name: Broken, points: [[1, 1]]}
nodes:
  - {name: Wine Cellar, point: [2.5, 2, 1], floors: [ground]}
  - {id: shelf, name: Shelf, point: [7, 2, 1]}
  - {name: Nowhere}
"""


def square(west: float, south: float, size: float) -> list[list[float]]:
    return [[west, south], [west + size, south], [west + size, south + size], [west, south + size], [west, south]]


def feature(shape: str, coordinates: object, **more: object) -> dict[str, object]:
    return {"type": "Feature", "geometry": {"type": shape, "coordinates": coordinates}, "properties": {}} | more


def test_rooms_and_nodes_of_an_espresense_companion_become_zones_and_scanners() -> None:
    brought = bring(ESPRESENSE)
    assert [zone["id"] for zone in brought.parts["zones"]] == ["Wine-Cellar", "kitchen"]
    assert brought.parts["zones"][0]["polygon"] == [[0, 0], [5, 0], [5, 4], [0, 4]]
    assert brought.parts["scanners"][1] == {"id": "shelf", "at": [7, 2]}
    assert brought.left_out == 2
    plan = parse_plan(merged({"store": "demo"}, brought))
    assert len(plan.zones) == len(plan.scanners) == 2


def test_geojson_in_degrees_becomes_metres_from_its_south_west_corner() -> None:
    east = 10 / (111_320 * 0.6157)  # 52° north
    shapes = [
        feature("Polygon", [square(4.9, 52.0, east)], properties={"name": "Wijn"}),
        feature("Point", [4.9, 52.0], id="pi-1"),
        feature("LineString", [[4.9, 52.0], [4.9 + east, 52.0]]),
    ]
    brought = bring(json.dumps({"type": "FeatureCollection", "features": shapes}))
    (zone,), (scanner,), (wall,) = (brought.parts[name] for name in ("zones", "scanners", "walls"))
    assert zone["name"] == {"nl": "Wijn", "en": "Wijn"}
    assert scanner == {"id": "pi-1", "at": [0.0, 0.0]}
    end = wall["line"][1]  # type: ignore[index]
    assert end == [pytest.approx(10, abs=0.05), 0.0]


def test_an_imdf_floor_gives_units_and_openings_and_not_the_level_around_them() -> None:
    shapes = [
        feature("Polygon", [square(0, 0, 30)], feature_type="level", id="floor"),
        feature("Polygon", [square(0, 0, 8)], feature_type="unit", id="u-1", properties={"name": {"en": "Wine", "nl": "Wijn"}}),
        feature("LineString", [[8, 2], [8, 3]], feature_type="opening", id="o-1"),
    ]
    brought = bring(json.dumps({"type": "FeatureCollection", "features": shapes}))
    assert [zone["name"] for zone in brought.parts["zones"]] == [{"en": "Wine", "nl": "Wijn"}]
    assert brought.parts["doors"] == [{"line": [[8.0, 2.0], [8.0, 3.0]]}]
    assert brought.left_out == 1


@pytest.mark.parametrize("text", ["id,x,y\npi-1,1.5,2\npi 2,3,4\n", "\ufeffid;x;y\npi-1;1,5;2\npi 2;3;4\n", "pi-1,1.5,2\npi 2,3,4"])
def test_a_table_of_scanners_is_read_as_spreadsheets_write_it(text: str) -> None:
    assert bring(text).parts["scanners"] == [{"id": "pi-1", "at": [1.5, 2.0]}, {"id": "pi-2", "at": [3.0, 4.0]}]


def test_a_line_without_a_place_is_left_out_and_counted() -> None:
    brought = bring("id,x,y,zone\na,1,2,\nb,,,wine\nc,,,\nd,nan,1,\n")
    assert [scanner["id"] for scanner in brought.parts["scanners"]] == ["a", "b"]
    assert brought.left_out == 2


def test_what_is_brought_in_again_replaces_what_has_its_id_and_leaves_the_rest() -> None:
    before: dict[str, JsonValue] = {"store": "s", "scanners": [{"id": "a", "at": [0, 0]}, {"id": "z", "at": [9, 9]}]}
    assert merged(before, bring("id,x,y\na,5,5"))["scanners"] == [{"id": "z", "at": [9, 9]}, {"id": "a", "at": [5.0, 5.0]}]


@pytest.mark.parametrize("text", ["", "{", "[[[", "zones: [", "a: &a [*a, *a]", "\x00", "{}", "just words", "x,y\n", "[" * 100_000])
def test_what_is_no_plan_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ImportRefused) as refused:
        bring(text)
    assert "\n" not in refused.value.message


WORDS = ["type", "features", "geometry", "coordinates", "properties", "name", "floors", "rooms", "points", "nodes"]
LEAVES = st.none() | st.booleans() | st.floats() | st.text(max_size=8)
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS), inner), max_leaves=20
)


@given(st.text(max_size=300) | DOCUMENTS.map(json.dumps))
def test_whatever_a_file_holds_it_is_brought_in_or_refused(text: str) -> None:
    try:
        brought = bring(text)
    except ImportRefused:
        return
    assert any(brought.parts.values())
