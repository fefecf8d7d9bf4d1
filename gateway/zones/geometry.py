"""Plane geometry of a shop floor, in metres, over numpy arrays of points of shape (n, 2)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Point = tuple[float, float]
Ring = Sequence[Point]

OVERLAP_SAMPLES = 48
"""Points a side with which two zones' common bounding box is searched: finds a sliver of 1/2000 of that box."""


def area_m2(ring: Ring) -> float:
    """Return the area inside a simple polygon (the shoelace formula), whichever way round it is drawn."""
    x, y = np.asarray(ring, dtype=float).T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def inside(points: Floats, ring: Ring) -> NDArray[np.bool_]:
    """Tell which of the points (n, 2) lie inside the polygon: the even-odd rule, so that touching zones share no point."""
    result = np.zeros(len(points), dtype=bool)
    x, y = points[:, 0], points[:, 1]
    for (x1, y1), (x2, y2) in zip(ring, [*ring[1:], ring[0]], strict=True):
        if y1 == y2:
            continue
        spans = (y1 > y) != (y2 > y)
        result ^= spans & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
    return result


def shared_area_m2(one: Ring, other: Ring) -> float:
    """Return the area that two polygons have in common, by sampling their common bounding box; 0 when they only touch."""
    a, b = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    low, high = np.maximum(a.min(0), b.min(0)), np.minimum(a.max(0), b.max(0))
    if np.any(high <= low):
        return 0.0
    steps = (np.arange(OVERLAP_SAMPLES) + 0.5) / OVERLAP_SAMPLES
    xs, ys = np.meshgrid(low[0] + steps * (high[0] - low[0]), low[1] + steps * (high[1] - low[1]))
    points = np.column_stack([xs.ravel(), ys.ravel()])
    both = inside(points, one) & inside(points, other)
    return float(both.mean() * np.prod(high - low))


ON_A_WALL_M = 0.3
"""How far a door may be drawn beside its wall: a wall's thickness, and a hand that isn't steady."""


def lies_on(line: Ring, wall: Ring) -> bool:
    """Tell whether a line of two points lies along a straight wall."""
    return all(0 <= along <= 1 and aside <= ON_A_WALL_M for along, aside in _along(line, wall))


def _along(points: Ring, wall: Ring) -> list[tuple[float, float]]:
    """Return for each point how far along the wall it lies, 0 to 1 from end to end (else -1), and how far aside in metres."""
    (x1, y1), (x2, y2) = wall
    length_m = float(np.hypot(x2 - x1, y2 - y1))
    if length_m == 0:
        return [(-1.0, np.inf)] * len(points)
    found = []
    for x, y in points:
        along_m = ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length_m
        aside_m = abs((x - x1) * (y2 - y1) - (y - y1) * (x2 - x1)) / length_m
        near = -ON_A_WALL_M <= along_m <= length_m + ON_A_WALL_M
        found.append((min(max(along_m / length_m, 0.0), 1.0) if near else -1.0, aside_m))
    return found


def opened(start: Point, end: Point, doors: Sequence[Ring]) -> list[tuple[Point, Point]]:
    """Return what is left of a straight wall between the doors that lie on it."""
    gaps = sorted(sorted(along for along, _ in _along(door, (start, end))) for door in doors if lies_on(door, (start, end)))
    if not gaps:
        return [(start, end)]
    left, at = [], 0.0
    for gap_from, gap_to in gaps:
        if gap_from > at:
            left.append((at, gap_from))
        at = max(at, gap_to)
    if at < 1:
        left.append((at, 1.0))

    def point(share: float) -> Point:
        return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])

    return [(point(share_from), point(share_to)) for share_from, share_to in left]


def crosses_itself(ring: Ring) -> bool:
    """Tell whether two edges of the polygon that are not neighbours cross."""
    edges = list(zip(ring, [*ring[1:], ring[0]], strict=True))
    return any(
        bool(crossings(np.array([a[0]]), np.array([a[1]]), b[0], b[1])[0])
        for (i, a), (j, b) in combinations(enumerate(edges), 2)
        if (j - i) not in (1, len(edges) - 1)
    )


def crossings(starts: Floats, ends: Floats, wall_from: Point, wall_to: Point) -> NDArray[np.bool_]:
    """Tell which of the straight lines from `starts` to `ends` (n, 2) cross the wall."""
    p, q = np.asarray(wall_from, dtype=float), np.asarray(wall_to, dtype=float)

    def side(a: Floats, b: Floats, c: Floats) -> Floats:
        return (b[..., 0] - a[..., 0]) * (c[..., 1] - a[..., 1]) - (b[..., 1] - a[..., 1]) * (c[..., 0] - a[..., 0])

    apart = side(p, q, starts) * side(p, q, ends) < 0
    astride = side(starts, ends, p) * side(starts, ends, q) < 0
    return np.asarray(apart & astride)
