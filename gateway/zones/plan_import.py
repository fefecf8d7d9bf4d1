"""Brings in a plan from what people have: a plan file, GeoJSON, an IMDF floor, an ESPresense companion's configuration, a CSV.

Nothing is invented: what a file doesn't say is left out, and what can't be used is counted and told. Coordinates in degrees become
metres east and north of the drawing's own south-west corner.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

import yaml
from pydantic import JsonValue

from gateway.zones.plan_folder import Document
from rules.texts import N_

EARTH_M_A_DEGREE = 111_320.0
"""Of latitude, and of longitude at the equator."""
SAME_CORNER_M = 0.005
LONGEST_TEXT = 4_000_000
Part = dict[str, JsonValue]


class ImportRefused(ValueError):
    """The text is nothing that can be brought in; `message` is a key of the catalogue."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Brought(NamedTuple):
    """What a file brings."""

    kind: str
    parts: dict[str, list[Part]]
    """zones, scanners, beacons, walls, doors."""
    left_out: int
    """Things in it that can't be used."""


NOT_READABLE = N_("This is neither JSON, YAML nor CSV that can be read.")
NOTHING_IN_IT = N_("Nothing in this file can be drawn: no zone, scanner or wall.")


def bring(text: str) -> Brought:
    """Read what is in a file, by what it looks like. Raises ImportRefused."""
    document = _parsed(text)
    if isinstance(document, dict):
        brought = _of_mapping(document)
    elif isinstance(document, list):
        brought = _csv_rows([row for row in document if isinstance(row, dict)])
    else:
        brought = _csv(text)
    if not any(brought.parts.values()):
        raise ImportRefused(NOTHING_IN_IT)
    return brought


def _parsed(text: str) -> object:
    """Return JSON or YAML as parsed; None for what may be a CSV."""
    if len(text) > LONGEST_TEXT or "\x00" in text:
        raise ImportRefused(NOT_READABLE)
    try:
        if text.lstrip()[:1] in ("{", "["):
            return json.loads(text)
        first = text.lstrip("\ufeff").lstrip().split("\n", 1)[0]
        return None if "," in first or ";" in first else yaml.safe_load(text)
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise ImportRefused(NOT_READABLE) from error


def _of_mapping(document: dict[str, object]) -> Brought:
    if document.get("type") in ("FeatureCollection", "Feature"):
        return _geojson(document)
    if isinstance(document.get("floors"), list) or isinstance(document.get("nodes"), list):
        return _espresense(document)
    names = ("zones", "scanners", "beacons", "walls", "doors")
    return Brought("plan", {name: _parts(document.get(name)) for name in names}, 0)


def merged(plan: Document, brought: Brought) -> Document:
    """Return a plan with what was brought in; a part whose id is there already is replaced."""
    result = dict(plan)
    for name, parts in brought.parts.items():
        if not parts:
            continue
        ids = {part["id"] for part in parts if "id" in part}
        there = result.get(name)
        kept = [part for part in there if not (isinstance(part, dict) and part.get("id") in ids)] if isinstance(there, list) else []
        result[name] = [*kept, *parts]
    return result


# -- GeoJSON and IMDF ---------------------------------------------------------------------------------------------------------

_IMDF_SKIPPED = frozenset({"venue", "footprint", "level", "building", "address", "geofence", "section"})
"""IMDF features that enclose the zones, and are none."""


def _geojson(document: dict[str, object]) -> Brought:
    features = document.get("features")
    features = [document] if not isinstance(features, list) else features
    shapes = [shape for feature in features if isinstance(feature, dict) for shape in _shapes(feature)]
    to_m = _projection([point for _feature, _kind, line in shapes for point in line])
    result: dict[str, list[Part]] = {"zones": [], "scanners": [], "walls": [], "doors": []}
    taken: Counter[str] = Counter()
    for feature, kind, line in shapes:
        points: JsonValue = [[x, y] for x, y in map(to_m, line)]
        assert isinstance(points, list)
        properties = _mapping(feature.get("properties"))
        name = _names(properties.get("name"))
        part_id = _free(taken, _id(feature.get("id") if name is None else next(iter(name.values()))) or kind)
        if kind == "zones":
            result[kind].append({"id": part_id, **({"name": {**name}} if name else {}), "polygon": _ring(points)})
        elif kind == "scanners":
            result[kind].append({"id": part_id, "at": points[0]})
        else:
            result[kind].append({"line": points})
    return Brought("GeoJSON", result, len(features) - len({id(feature) for feature, _, _ in shapes}))


def _shapes(feature: dict[str, object]) -> Iterable[tuple[dict[str, object], str, list[tuple[float, float]]]]:
    """Yield a feature's shapes: polygons are zones, points scanners, lines walls; an IMDF opening is a door."""
    geometry, what = _mapping(feature.get("geometry")), feature.get("feature_type")
    if what in _IMDF_SKIPPED:
        return
    coordinates, shape = geometry.get("coordinates"), geometry.get("type")
    if shape == "Polygon" and isinstance(coordinates, list) and coordinates:
        found = [("zones", coordinates[0])]
    elif shape == "MultiPolygon" and isinstance(coordinates, list):
        found = [("zones", part[0]) for part in coordinates if isinstance(part, list) and part]
    elif shape == "LineString":
        found = [("doors" if what == "opening" else "walls", coordinates)]
    elif shape == "Point" and what in (None, "fixture"):
        found = [("scanners", [coordinates])]
    else:
        return
    for kind, line in found:
        points = _points(line)
        if len(points) >= {"zones": 3, "scanners": 1}.get(kind, 2):
            yield feature, kind, points


def _projection(points: list[tuple[float, float]]) -> Callable[[tuple[float, float]], tuple[float, float]]:
    """Return what turns a point into metres from the drawing's corner: degrees where all look like these, else metres already."""
    if not points:
        return lambda point: point
    west, south = min(x for x, _ in points), min(y for _, y in points)
    spread = max(max(x for x, _ in points) - west, max(y for _, y in points) - south)
    degrees = spread < 0.1 and all(abs(x) <= 180 and abs(y) <= 90 for x, y in points)
    if not degrees:
        return lambda point: (round(point[0], 3), round(point[1], 3))
    east_m = EARTH_M_A_DEGREE * math.cos(math.radians(south))
    return lambda point: (round((point[0] - west) * east_m, 2), round((point[1] - south) * EARTH_M_A_DEGREE, 2))


# -- ESPresense companion -----------------------------------------------------------------------------------------------------


def _espresense(document: dict[str, object]) -> Brought:
    """Read `floors[].rooms[]` (points in metres) and `nodes[]` (point: [x, y, z])."""
    floors = [floor for floor in _list(document.get("floors")) if isinstance(floor, dict)]
    rooms = [room for floor in floors for room in _list(floor.get("rooms"))] + _list(document.get("rooms"))
    zones: list[Part] = []
    taken: Counter[str] = Counter()
    for room in map(_mapping, rooms):
        points = _points(room.get("points"))
        name = str(room.get("name") or room.get("id") or "")
        if len(points) >= 3 and name:
            zone_id = _free(taken, _id(room.get("id") or name) or "zone")
            zones.append({"id": zone_id, "name": {"nl": name, "en": name}, "polygon": _ring([[x, y] for x, y in points])})
    scanners: list[Part] = []
    nodes = [_mapping(node) for node in _list(document.get("nodes"))]
    for node in nodes:
        node_id, point = _id(node.get("id") or node.get("name")), _points([node.get("point")])
        if node_id and point:
            scanners.append({"id": _free(taken, node_id), "at": [*point[0]]})
    return Brought("ESPresense", {"zones": zones, "scanners": scanners}, len(rooms) + len(nodes) - len(zones) - len(scanners))


# -- CSV ----------------------------------------------------------------------------------------------------------------------


def _csv(text: str) -> Brought:
    """Read lines of id, x, y, zone: by the names of a first line, or in this order without one."""
    sample = text.lstrip("\ufeff")
    delimiter = ";" if sample.split("\n", 1)[0].count(";") > sample.split("\n", 1)[0].count(",") else ","
    try:
        rows = [row for row in csv.reader(io.StringIO(sample), delimiter=delimiter) if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise ImportRefused(NOT_READABLE) from error
    if not rows:
        raise ImportRefused(NOTHING_IN_IT)
    first = [cell.strip().lower() for cell in rows[0]]
    names, lines = (first, rows[1:]) if "id" in first else (["id", "x", "y", "zone"], rows)
    return _csv_rows([dict(zip(names, row, strict=False)) for row in lines])


def _csv_rows(rows: list[dict[str, object]]) -> Brought:
    scanners: list[Part] = []
    taken: Counter[str] = Counter()
    for row in rows:
        name = _id(row.get("id"))
        at = [_number(row.get("x")), _number(row.get("y"))]
        zone = _id(row.get("zone"))
        if not name or (None in at and not zone):
            continue
        place: Part = {} if None in at else {"at": [at[0], at[1]]}
        scanners.append({"id": _free(taken, name), **place, **({"zone": zone} if zone else {})})
    return Brought("CSV", {"scanners": scanners}, len(rows) - len(scanners))


# -- what all of them need ----------------------------------------------------------------------------------------------------


def _mapping(value: object) -> dict[str, object]:
    return {str(key): one for key, one in value.items()} if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _parts(value: object) -> list[Part]:
    return [part if isinstance(part, dict) else {"line": part} for part in _list(value)]  # type: ignore[dict-item]  # checked later


def _points(value: object) -> list[tuple[float, float]]:
    """Return the points of a line that are pairs of finite numbers."""
    pairs = [(_number(point[0]), _number(point[1])) for point in _list(value) if isinstance(point, list) and len(point) >= 2]
    return [(x, y) for x, y in pairs if x is not None and y is not None]


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value.strip().replace(",", ".") if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _ring(points: list[JsonValue]) -> JsonValue:
    """Return a ring without the point that closes it."""
    first, last = points[0], points[-1]
    assert isinstance(first, list)
    assert isinstance(last, list)
    closed = all(abs(float(str(a)) - float(str(b))) < SAME_CORNER_M for a, b in zip(first, last, strict=True))
    return points[:-1] if closed and len(points) > 3 else points


def _names(value: object) -> dict[str, str] | None:
    """Return a name in each language: IMDF has one by language, GeoJSON a plain one."""
    if isinstance(value, str) and value.strip():
        return {"nl": value.strip(), "en": value.strip()}
    labels = {code[:2]: label.strip() for code, label in _mapping(value).items() if isinstance(label, str) and label.strip()}
    return labels or None


def _id(value: object) -> str:
    """Return text as an id: small letters, digits, `_` and `-`."""
    plain = unicodedata.normalize("NFKD", str(value or "")).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9_.:-]+", "-", plain).strip("-_.:")[:64]


def _free(taken: Counter[str], wanted: str) -> str:
    taken[wanted] += 1
    return wanted if taken[wanted] == 1 else f"{wanted[:58]}-{taken[wanted]}"
