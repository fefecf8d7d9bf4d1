"""Models the place: states somebody can be in, how people move between them, what each scanner should hear.

A state is a cell of a grid where the plan has a drawing, or a whole zone where it has only `zone` per scanner. Everything that
the filter needs of the shop is in four arrays here; a calibration changes the arrays, never the filter.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.zones import geometry
from gateway.zones.plan import StorePlan

Floats = NDArray[np.float64]

MOST_CELLS = 240
"""Cells of the grid at most: a step of one shopper takes about 30 µs, and more cells find no zone better."""
FINEST_CELL_M = 0.6
"""Finer than a person is wide, a cell adds cost and no knowledge."""
MARGIN_M = 1.5
"""How far beyond its outermost scanner a place without a drawing is taken to reach."""
ALONE_SHOP_M = 8.0
"""A single scanner hears a shop that reaches this far around it, whatever is drawn of it."""

AT_1M_DBM = -59.0
"""Level one metre from an average phone; each phone's own offset is inferred."""
EXPONENT = 2.0
"""Path loss with distance: free space's; walls are in the plan, the rest in the spread."""
HEIGHT_M = 1.2
"""Scanners hang this much above the phone: keeps the distance from zero."""
OWN_ZONE_DB, OTHER_ZONE_DB = -65.0, -77.0
"""Without positions: what a zone's own scanner hears, and any other one."""


@dataclass(frozen=True, slots=True)
class PlaceModel:
    """Holds the states and their properties. n states, r scanners, z zones."""

    zones: tuple[str, ...]
    scanners: tuple[str, ...]
    zone_of_state: NDArray[np.intp]
    """(n,) index into zones; -1 between zones."""
    level_dbm: Floats
    """(n, r) mean level of an average phone at each scanner."""
    spread_db: Floats
    """(n, r) how far that mean may be off: shadows, the scanner, the plan's inexactness."""
    bearing: Floats
    """(n, r) direction from the state to the scanner in radians: where the carrier's body may stand in between."""
    distance_m: Floats | None
    """(n, r) from the state to the scanner, metres, the height between them included; None without a drawing."""
    headings: Floats
    """(w, 2) unit vectors of the headings somebody may walk along; a single zero vector where directions mean nothing."""
    transitions: Floats
    """(w, n, n) where somebody who walks along that heading is one step later: rows sum to 1."""
    prior: Floats
    """(n,) prior probability of each state; sums to 1."""
    zones_of_scanner: tuple[frozenset[int], ...]
    """Zones that depend on each scanner."""
    at: Floats | None
    """(n, 2) the cells' centres in metres; None without a drawing."""


def build_place_model(plan: StorePlan, step_s: float, walked: Iterable[str] = ()) -> PlaceModel:
    """Build the model of the place a plan describes, for steps of `step_s` seconds."""
    spots = _spots(plan)
    drawn = all(zone.polygon is not None or _own(plan, zone.id) & spots.keys() for zone in plan.zones)
    alone = len(plan.anchors) == 1 and not any(zone.polygon for zone in plan.zones)
    if len(spots) == len(plan.anchors) and drawn and not alone:
        return _drawn(plan, spots, step_s)
    return _listed(plan, step_s, walked)


def _own(plan: StorePlan, zone: str) -> set[str]:
    return {part.id for part in plan.anchors if part.zone == zone}


def _spots(plan: StorePlan) -> dict[str, geometry.Point]:
    """Return where each scanner is: its own place, or the middle of its zone's drawing."""
    outlines = {zone.id: zone.polygon for zone in plan.zones if zone.polygon}
    spots: dict[str, geometry.Point] = {}
    for part in plan.anchors:
        if part.at is not None:
            spots[part.id] = part.at
        elif part.zone in outlines:
            x, y = np.mean(outlines[part.zone], axis=0)
            spots[part.id] = (float(x), float(y))
    return spots


def _drawn(plan: StorePlan, spots: dict[str, geometry.Point], step_s: float) -> PlaceModel:
    ids = tuple(part.id for part in plan.anchors)
    scanners_at = np.array([spots[name] for name in ids], dtype=float)
    at, cell_m = _grid(plan, scanners_at)
    zone_of_state = _zones_at(plan, at, scanners_at)
    walls = [((start, end), loss_db) for start, end, loss_db in plan.barriers()]
    level = np.stack([_level(at, spot, walls) for spot in scanners_at], axis=1)
    towards = scanners_at[None, :, :] - at[:, None, :]
    distance = np.hypot(towards[..., 0], towards[..., 1])
    return PlaceModel(
        zones=plan.zone_ids,
        scanners=ids,
        zone_of_state=zone_of_state,
        level_dbm=level,
        spread_db=SPREAD_DB * (1 + SPREAD_PER_DECADE * np.log10(np.maximum(distance / NEAR_M, 1))),
        bearing=np.arctan2(towards[..., 1], towards[..., 0]),
        distance_m=np.hypot(distance, HEIGHT_M),
        headings=_HEADINGS,
        transitions=_transitions(at, cell_m, [piece for piece, _ in walls], step_s),
        prior=np.full(len(at), 1 / len(at)),
        zones_of_scanner=_depends(plan, at, zone_of_state, scanners_at),
        at=at,
    )


SPREAD_DB = 5.0
"""Shadows 4 dB, the scanner 2 dB, and the plan's inexactness; the carrier's body is modelled by the filter."""
NEAR_M = 3.0
SPREAD_PER_DECADE = 0.5
"""Beyond NEAR_M levels are spread wider, by this part for every tenfold of distance: more reflections have a say."""


def _grid(plan: StorePlan, scanners_at: Floats) -> tuple[Floats, float]:
    """Return the centres of the grid's cells (n, 2) and their size."""
    corners = [corner for zone in plan.zones for corner in zone.polygon or ()]
    margin = ALONE_SHOP_M if len(scanners_at) == 1 else 0.0 if corners else MARGIN_M
    around = np.vstack([scanners_at - margin, scanners_at + margin, *([corners] if corners else [])])
    low, high = around.min(0), around.max(0)
    cell_m = max(FINEST_CELL_M, float(np.sqrt(np.prod(high - low) / MOST_CELLS)))
    counts = np.maximum(1, np.round((high - low) / cell_m)).astype(int)
    xs, ys = (low[i] + (np.arange(counts[i]) + 0.5) * (high[i] - low[i]) / counts[i] for i in range(2))
    return np.stack(np.meshgrid(xs, ys, indexing="ij"), -1).reshape(-1, 2), cell_m


def _zones_at(plan: StorePlan, at: Floats, scanners_at: Floats) -> NDArray[np.intp]:
    """Return each cell's zone: the drawing it lies in, else the zone without a drawing whose scanner is nearest, else -1."""
    index = {zone: i for i, zone in enumerate(plan.zone_ids)}
    zones = np.full(len(at), -1, dtype=np.intp)
    undrawn = [i for i, part in enumerate(plan.anchors) if part.zone and plan.zones[index[part.zone]].polygon is None]
    if undrawn:
        distance = np.hypot(*(at[:, None, :] - scanners_at[None, :, :]).transpose(2, 0, 1))
        owners = np.array([index[part.zone] if i in undrawn and part.zone else -1 for i, part in enumerate(plan.anchors)])
        zones = owners[distance.argmin(1)]
    for i, zone in enumerate(plan.zones):
        if zone.polygon is not None:
            zones[geometry.inside(at, zone.polygon)] = i
    return zones


def _level(at: Floats, spot: Floats, walls: list[tuple[tuple[geometry.Point, geometry.Point], float]]) -> Floats:
    """Return the level by log-distance path loss (Rappaport, Wireless Communications, 4.9) less the walls on the straight line."""
    distance = np.sqrt(((at - spot) ** 2).sum(1) + HEIGHT_M**2)
    level = AT_1M_DBM - 10 * EXPONENT * np.log10(distance)
    for (a, b), loss_db in walls:
        level -= loss_db * geometry.crossings(at, np.broadcast_to(spot, at.shape), a, b)
    return np.asarray(level)


HEADINGS = 6
"""So many directions tell a walk along an aisle from one across it; eight find no zone better and cost more."""
WALK_M_S, WALK_SPREAD_M_S = 0.9, 0.35
"""Walking speed in a shop: browsers 0.5 to 0.9 m/s, who knows the way 1.0 to 1.5."""
SWAY_M_S = 0.35
"""How far a second of walking leads aside of its direction."""
LEAST_TRANSITION = 0.005
"""Rarer transitions are left out."""

_ANGLES = 2 * np.pi * np.arange(HEADINGS) / HEADINGS
_HEADINGS: Floats = np.column_stack([np.cos(_ANGLES), np.sin(_ANGLES)])


def _transitions(at: Floats, cell_m: float, walls: list[tuple[geometry.Point, geometry.Point]], step_s: float) -> Floats:
    """Return a walker's step for each heading (w, n, n): a Gaussian round where it leads, over the cells that no wall hides."""
    apart = at[None, :, :] - at[:, None, :]
    hidden = _hidden(at, apart, walls, 3 * WALK_M_S * step_s + 2 * cell_m)
    within_m2 = cell_m**2 / 6  # anywhere in the first cell, and anywhere in the next
    transitions = np.empty((HEADINGS, len(at), len(at)))
    for heading, (x, y) in enumerate(_HEADINGS):
        along, aside = apart @ (x, y), apart @ (-y, x)
        off = (along - WALK_M_S * step_s) ** 2 / ((WALK_SPREAD_M_S * step_s) ** 2 + within_m2)
        weight = np.exp(-0.5 * (off + aside**2 / ((SWAY_M_S * step_s) ** 2 + within_m2)))
        weight[(weight < LEAST_TRANSITION) | hidden] = 0.0
        weight += 1e-6 * np.eye(len(at))  # before a wall that nothing leads around one stays
        transitions[heading] = weight / weight.sum(1, keepdims=True)
    return transitions


def _hidden(at: Floats, apart: Floats, walls: list[tuple[geometry.Point, geometry.Point]], reach_m: float) -> NDArray[np.bool_]:
    """(n, n) True where a wall stands between two cells that are near each other."""
    hidden = np.zeros(apart.shape[:2], dtype=bool)
    rows, columns = np.nonzero(np.hypot(apart[..., 0], apart[..., 1]) < reach_m)
    for a, b in walls:
        blocked = geometry.crossings(at[rows], at[columns], a, b)
        hidden[rows[blocked], columns[blocked]] = True
    return hidden


def _depends(plan: StorePlan, at: Floats, zone_of_state: NDArray[np.intp], scanners_at: Floats) -> tuple[frozenset[int], ...]:
    """Return the zones each scanner answers for: its own, and those without a scanner to which it is nearest."""
    owned = {part.zone for part in plan.anchors if part.zone}
    result: list[set[int]] = [set() for _ in plan.anchors]
    for index, zone in enumerate(plan.zone_ids):
        cells = at[zone_of_state == index]
        if zone in owned:
            for scanner, part in enumerate(plan.anchors):
                if part.zone == zone:
                    result[scanner].add(index)
        elif len(cells):
            distance = np.hypot(*(scanners_at - cells.mean(0)).T)
            result[int(distance.argmin())].add(index)
    return tuple(map(frozenset, result))


def _listed(plan: StorePlan, step_s: float, walked: Iterable[str]) -> PlaceModel:
    """Model a plan without positions: one state per zone; a zone's own scanner hears its people best.

    A zone without a scanner is a state only once it was `walked`: before, nothing is known of it.
    Where only one zone has scanners there is a second state, elsewhere in the shop: `near`, `in the shop`, `gone` can be told.
    """
    index = {zone: i for i, zone in enumerate(plan.zone_ids)}
    ids = tuple(part.id for part in plan.anchors)
    own = [index.get(part.zone or "", -1) for part in plan.anchors]
    level = np.full((len(index) + 1, len(ids)), OTHER_ZONE_DB)
    for scanner, zone in enumerate(own):
        if zone >= 0:
            level[zone, scanner] = OWN_ZONE_DB
    seen = sorted({zone for zone in own if zone >= 0} | {index[zone] for zone in walked})
    states = [*seen, len(index)] if len(seen) == 1 else seen
    zone_of_state = np.array([state if state < len(index) else -1 for state in states], dtype=np.intp)
    return PlaceModel(
        zones=plan.zone_ids,
        scanners=ids,
        zone_of_state=zone_of_state,
        level_dbm=level[states],
        spread_db=np.full((len(states), len(ids)), SPREAD_DB),
        bearing=np.zeros((len(states), len(ids))),
        distance_m=None,
        headings=np.zeros((1, 2)),
        transitions=_passages(plan, states, step_s)[None],
        prior=np.full(len(states), 1 / len(states)),
        zones_of_scanner=tuple(frozenset({zone} if zone >= 0 else ()) for zone in own),
        at=None,
    )


ZONE_CROSSING_S = 6.0
"""How long somebody who walks needs through a zone whose size is unknown."""


def _passages(plan: StorePlan, states: list[int], step_s: float) -> Floats:
    index = {zone: i for i, zone in enumerate(plan.zone_ids)}
    joined = np.ones((len(states), len(states)), dtype=bool)
    if plan.neighbours is not None:
        pairs = {frozenset((index[a], index[b])) for a, b in plan.neighbours}
        joined = np.array([[a == b or frozenset((a, b)) in pairs for b in states] for a in states])
    leaving = min(0.5, step_s / ZONE_CROSSING_S)
    away = joined & ~np.eye(len(states), dtype=bool)
    roam = away * (leaving / np.maximum(away.sum(1, keepdims=True), 1))
    return np.asarray(roam + np.diag(1 - roam.sum(1)))
