"""The store plan as shapes for an SVG: metres as units, the plan's y upwards turned into the screen's y downwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from gateway.zones.plan import At, StorePlan

MARGIN_M = 0.4
"""Room around the plan for outlines."""
LETTER_WIDTH = 0.56
"""Width of an average letter, as a share of its height, in the fonts that computers bring along."""
LABEL_MAX = 1 / 52
LABEL_MIN = 1 / 90
"""Height of a zone's name as a share of the plan's width: as large as fits, but never too small to read."""
LEVELS = (1, 3, 6, 10)
"""From how many people on a zone takes its next, deeper colour."""


@dataclass(frozen=True, slots=True)
class ZoneShape:
    """A zone to draw."""

    zone: str
    points: str
    """For an SVG polygon."""
    x: float
    y: float
    """Where its label goes."""
    width: float
    """How much room the label has there."""

    def label_size(self, name: str, plan_width: float) -> float:
        """Height at which `name` fits its zone."""
        fits = 0.9 * self.width / (LETTER_WIDTH * max(len(name), 1))
        return round(max(min(fits, plan_width * LABEL_MAX), plan_width * LABEL_MIN), 3)


@dataclass(frozen=True, slots=True)
class Drawing:
    """All shapes of a plan, in SVG units of one metre."""

    left: float
    top: float
    width: float
    height: float
    zones: tuple[ZoneShape, ...]
    walls: tuple[str, ...]
    """For SVG polylines."""
    scanners: tuple[tuple[str, float, float], ...]
    label_drop: float
    """From the top of a zone to the line its name stands on."""
    plan_top_m: float
    """The plan's largest y: what `y` on screen counts down from."""

    @property
    def view_box(self) -> str:
        return f"{self.left:g} {self.top:g} {self.width:g} {self.height:g}"

    def screen_y(self, y_m: float) -> float:
        """A plan's y, in metres, on screen."""
        return round(self.plan_top_m - y_m, 3)


def draw(plan: StorePlan) -> Drawing | None:
    """The plan's drawing; None where it has no places, only names."""
    outlines = [zone.polygon for zone in plan.zones if zone.polygon]
    corners = [*chain(*outlines, *(wall.line for wall in plan.walls)), *(part.at for part in plan.anchors if part.at)]
    if not outlines or not corners:
        return None
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    top_m = max(ys)
    return Drawing(
        left=round(min(xs) - MARGIN_M, 3),
        top=-MARGIN_M,
        width=round(max(xs) - min(xs) + 2 * MARGIN_M, 3),
        height=round(top_m - min(ys) + 2 * MARGIN_M, 3),
        zones=tuple(_zone_shape(zone.id, zone.polygon, top_m) for zone in plan.zones if zone.polygon),
        walls=tuple(_points(wall.line, top_m) for wall in plan.walls),
        scanners=tuple((part.id, part.at[0], round(top_m - part.at[1], 3)) for part in plan.scanners if part.at),
        label_drop=round((max(xs) - min(xs)) * LABEL_MAX * 1.5, 3),
        plan_top_m=top_m,
    )


def level(count: int) -> int:
    """Return how deeply a zone with so many people is coloured: 0 (nobody) to 4."""
    return sum(count >= threshold for threshold in LEVELS)


def _zone_shape(zone: str, polygon: Sequence[At], top_m: float) -> ZoneShape:
    """The label goes into the upper left of the zone's bounding box, where it stays clear of most dots."""
    xs, ys = [x for x, _ in polygon], [y for _, y in polygon]
    return ZoneShape(zone, _points(polygon, top_m), min(xs), round(top_m - max(ys), 3), max(xs) - min(xs))


def _points(line: Sequence[At], top_m: float) -> str:
    return " ".join(f"{x:g},{round(top_m - y, 3):g}" for x, y in line)
