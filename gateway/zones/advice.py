"""Where should the scanners go? How well a plan's zones can be told apart before anything hangs, and better places.

The tracker's own observation model is asked: somebody stands in a cell, the scanners hear them with the errors that the model
expects of them, and the model says where it believes them to be. The share of that belief which lies in the right zone, averaged
over the zone's cells and over errors, is what is expected of the zone. Errors are drawn once and are the same for every layout, so
that two layouts differ by their scanners only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from gateway.zones import geometry
from gateway.zones.filter import Filter
from gateway.zones.observation import Readings
from gateway.zones.parameters import ModelParameters
from gateway.zones.place_model import PlaceModel, build_place_model
from gateway.zones.plan import Scanner, StorePlan

Array = NDArray[np.float32]

STEP_S = 1.0
DRAWS = 6
"""Errors drawn for each cell: more change a zone's share by less than two points in a hundred."""
DRAWS_WHEN_SEARCHING = 2
EVIDENCE_STEPS = 4.0
"""Steps whose evidence adds up before belief fades: the 4 s of who walks; who stands is judged by one error again and again."""
ERROR_SHARE = 0.5
"""Of the errors that the model allows for, so much is met: people move, and the shadows of two spots differ. How much was found by
trying it against the simulator (DECISIONS.md)."""
SEED = 15
"""Any number: the same errors for every layout."""
SPACING_M = 1.5
"""Candidates for a scanner lie on a grid of this width, over what is drawn; a person who hangs one moves it by less."""
CANDIDATES_MAX = 60
"""And are at most so many, so that an answer takes seconds."""
PARTS_OF_A_SHOP = 12
"""Scanners that are proposed at once, at most."""


@dataclass(frozen=True, slots=True)
class ZoneAdvice:
    """What is expected of a zone. Shares are 0 to 1."""

    zone: str
    right: float
    """Share of the time that somebody who is there is said to be there."""
    mistaken_for: str | None
    """The zone said most often instead; None: none of them."""
    mistaken: float
    """Share of the time for that one."""
    heard: bool
    """False: no scanner hears the zone well enough to tell anything."""


@dataclass(frozen=True, slots=True)
class PlanAdvice:
    """What is expected of a plan."""

    zones: tuple[ZoneAdvice, ...]
    right: float
    """Share of the time that the right zone is said, over all zones by their area."""


def advise(plan: StorePlan) -> PlanAdvice:
    """Return what the tracker may be expected to tell with the scanners of a plan, in about a tenth of a second."""
    place = build_place_model(plan, STEP_S)
    confusion, cells = _confusion(place, DRAWS)
    heard = _heard(place)
    rows = tuple(_zone(place, index, confusion[index], bool(heard[index])) for index in range(len(place.zones)))
    return PlanAdvice(rows, float(np.average(confusion.diagonal(), weights=cells)) if cells.any() else 0.0)


def _zone(place: PlaceModel, index: int, row: NDArray[np.float64], heard: bool) -> ZoneAdvice:
    others = row[: len(place.zones)].copy()
    others[index] = -1.0
    worst = int(others.argmax())
    mistaken = max(0.0, float(others[worst]))
    return ZoneAdvice(place.zones[index], float(row[index]), place.zones[worst] if mistaken > 0.005 else None, mistaken, heard)


def _confusion(place: PlaceModel, draws: int) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return by true zone (z, z + 1) the share of belief in each zone, the last between zones; and the zones' cells (z,)."""
    still = replace(place, headings=np.zeros((1, 2)), transitions=np.eye(len(place.prior))[None])
    parameters = ModelParameters()
    filter_ = Filter(still, parameters, STEP_S)
    states = np.flatnonzero(place.zone_of_state >= 0)
    zones = np.zeros((len(place.zones), len(place.zones) + 1))
    cells = np.bincount(place.zone_of_state[states], minlength=len(place.zones))
    if not len(states):
        return zones, cells
    standing = np.tile(states, draws)
    readings = _drawn(place, standing, parameters)
    phone = np.repeat(filter_.new_phone()[:, None], len(standing), axis=1)
    reception = np.ones(len(place.scanners), dtype=np.float32)
    log, _shift, _left = filter_.observations.log_likelihood(readings, phone, reception, 1)
    log = log[:, 0] * np.float32(EVIDENCE_STEPS) + np.log(np.maximum(place.prior, 1e-12)).astype(np.float32)
    belief = np.exp(log - log.max(1, keepdims=True))
    belief /= belief.sum(1, keepdims=True)
    of_zone = np.zeros((len(place.prior), len(place.zones) + 1), dtype=np.float32)
    of_zone[np.arange(len(place.prior)), place.zone_of_state] = 1.0  # -1, between zones, is the last
    np.add.at(zones, place.zone_of_state[standing], belief @ of_zone)
    return zones / np.maximum(zones.sum(1, keepdims=True), 1e-9), cells


def _drawn(place: PlaceModel, standing: NDArray[np.intp], parameters: ModelParameters) -> Readings:
    """Return what scanners hear of people who stand in cells (b,): levels with the errors that the model itself expects."""
    rng = np.random.default_rng(SEED)
    shape = (len(standing), len(place.scanners))
    # By scanner one after the other: one more scanner doesn't change what the others are said to hear.
    errors = np.stack([rng.standard_normal(shape[0]) for _ in range(shape[1])], axis=1)
    facing = np.random.default_rng(SEED + 1).uniform(0, 2 * np.pi, shape[0])
    level = place.level_dbm[standing] + ERROR_SHARE * place.spread_db[standing] * errors
    level += parameters.body_db * np.cos(place.bearing[standing] - facing[:, None])
    counts = np.where(level > parameters.deaf_dbm, parameters.packets_per_s, 0.0).astype(np.float32)
    return Readings(level.astype(np.float32), counts)


def _heard(place: PlaceModel) -> NDArray[np.bool_]:
    """Tell which zones (z,) some scanner hears in most of their cells."""
    model = ModelParameters()
    loud = place.level_dbm.max(1) > model.deaf_dbm + model.deaf_slope_db
    inside = [place.zone_of_state == index for index in range(len(place.zones))]
    return np.array([bool(loud[cells].mean() > 0.5) if cells.any() else False for cells in inside])


def propose(plan: StorePlan, count: int) -> list[geometry.Point]:
    """Return places for so many more scanners, each the best beside those there are; what stands is never moved.

    Raises ValueError for a plan without a drawing.
    """
    candidates = _candidates(plan)
    if not candidates:
        raise ValueError("the plan has no drawn zone")
    chosen: list[geometry.Point] = []
    for _ in range(min(count, PARTS_OF_A_SHOP)):
        best = max(candidates, key=lambda at: _worth(plan, [*chosen, at]))
        chosen.append(best)
        candidates.remove(best)
        if not candidates:
            break
    return chosen


def _worth(plan: StorePlan, added: list[geometry.Point]) -> float:
    scanners = [scanner for scanner in plan.scanners if scanner.at is not None or scanner.zone is not None]
    more = [Scanner(id=f"proposed-{number}", at=at) for number, at in enumerate(added)]
    place = build_place_model(plan.model_copy(update={"scanners": (*scanners, *more)}), STEP_S)
    confusion, cells = _confusion(place, DRAWS_WHEN_SEARCHING)
    # The worst zone counts beside the average: a shop is judged by the zone it gets wrong.
    known = confusion.diagonal()[cells > 0]
    return float(np.average(confusion.diagonal(), weights=cells) + 0.25 * known.min()) if len(known) else 0.0


def _candidates(plan: StorePlan) -> list[geometry.Point]:
    """Return points of a grid inside the drawn zones."""
    rings = [zone.polygon for zone in plan.zones if zone.polygon]
    corners = np.array(list(chain(*rings)), dtype=float)
    if not len(corners):
        return []
    low, high = corners.min(0), corners.max(0)
    spacing_m = max(SPACING_M, float(np.sqrt(np.prod(high - low) / CANDIDATES_MAX)))
    xs, ys = (np.arange(low[i] + spacing_m / 2, high[i], spacing_m) for i in range(2))
    points = np.stack(np.meshgrid(xs, ys, indexing="ij"), -1).reshape(-1, 2)
    inside = np.any([geometry.inside(points, ring) for ring in rings], axis=0)
    return [(round(float(x), 1), round(float(y), 1)) for x, y in points[inside]]
