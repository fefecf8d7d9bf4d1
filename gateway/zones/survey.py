"""Learning a place from walks whose zones are known.

Only the zone is known, not the spot: so the tracker's own filter, told the zone at each moment, says where in it the walker was
likely to be; the levels heard there correct the map; and the corrected map says better where the walker was. Four rounds do.
The correction is a Gaussian process over the floor (Rasmussen & Williams, Gaussian Processes for Machine Learning, 2.2): an
offset per receiver, a slope over distance, and shadows as wide as a shelf. Where nobody walked it falls back to the plan's
physics, and it knows by how much it may be off everywhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.model import Sighting
from gateway.zones.calibration import Calibration, CalibrationError
from gateway.zones.filter import RECENT_STEPS_S, WALKING, Filter, Physics
from gateway.zones.place import AT_1M_DBM, EXPONENT, Place, build_place
from gateway.zones.plan import StorePlan

Floats = NDArray[np.float64]
Array = NDArray[np.float32]

ROUNDS = 4
STEP_S = 1.0
SHADOW_DB, SHADOW_M = 4.5, 2.5
"""Spread and reach of shadows, as in the literature on offices and shops."""
OFFSET_DB = 4.0
"""A receiver's own gain, its mounting included."""
SLOPE = 0.5
"""Spread of the path-loss exponent around the plan's."""
STEP_DB = 6.0
"""One second's mean level is off by this: fading, the body's swing."""
WALKING_S, STANDING_S = 1.0, 15.0
"""So long apart two steps tell different things about a spot: somebody who stands hears the same reflections again and again."""
STILL_UNKNOWN_DB = 2.5
"""However well a spot was walked: another phone, another hand, another day."""
LEAST_WALK_S = 10.0
"""Less than this is no walk."""


class TrueStay(NamedTuple):
    """A shopper was known to be in a zone from start to end."""

    shopper: str
    start_s: float
    end_s: float
    zone: str


class Walk(NamedTuple):
    """One recording: its sightings in time order, and where the walkers were."""

    sightings: Sequence[Sighting]
    stays: Sequence[TrueStay]


@dataclass(frozen=True, slots=True)
class _Steps:
    """Walks cut into steps, side by side: k steps of b walkers."""

    sums: Array
    """(k, b, r)"""
    counts: Array
    """(k, b, r)"""
    zone: NDArray[np.intp]
    """(k, b) the true zone, -1 where it isn't known."""


def learn(plan: StorePlan, walks: Iterable[Walk], physics: Physics | None = None) -> Calibration:
    """What the walks teach about the plan's place. Raises CalibrationError when there is nothing to learn from."""
    place = build_place(plan, STEP_S)
    walks = list(walks)
    steps = _cut(plan, place, walks)
    walked_s = float((steps.zone >= 0).sum()) * STEP_S
    if walked_s < LEAST_WALK_S:
        raise CalibrationError(
            f"only {walked_s:.0f} s of readings fall into known stays of {plan.store}; "
            "the truth must name the shoppers and times of the recording"
        )
    prior = _prior(place)
    learned = place
    for _ in range(ROUNDS):
        weight, total = _attribute(Filter(learned, physics or Physics(), STEP_S), steps)
        correction, left = _regress(prior, place, weight, total)
        learned = replace(place, level_dbm=place.level_dbm + correction, spread_db=np.sqrt(left + STILL_UNKNOWN_DB**2))
    return Calibration(
        plan=plan.fingerprint(),
        walked_s=walked_s,
        learned_until_s=max(walk.sightings[-1].at_s for walk in walks if walk.sightings),
        receivers=place.receivers,
        level_db=tuple(map(tuple, np.round(learned.level_dbm - place.level_dbm, 2).tolist())),
        spread_db=tuple(map(tuple, np.round(learned.spread_db, 2).tolist())),
    )


def _cut(plan: StorePlan, place: Place, walks: Sequence[Walk]) -> _Steps:
    """Readings by step, one column per walker and walk, each beginning with its first reading."""
    zones = {zone: index for index, zone in enumerate(plan.zone_ids)}
    columns = {name: column for column, name in enumerate(place.receivers)}
    walkers: list[tuple[list[Sighting], list[TrueStay]]] = []
    for walk in walks:
        heard: dict[str, list[Sighting]] = defaultdict(list)
        for sighting in walk.sightings:
            if sighting.scanner in columns:
                heard[sighting.shopper].append(sighting)
        for shopper, sightings in heard.items():
            stays = [stay for stay in walk.stays if stay.shopper == shopper and stay.zone in zones]
            if stays:
                walkers += _without_pauses(sightings, stays)
    starts = [sightings[0].at_s for sightings, _ in walkers]
    length = max((int((s[-1].at_s - s[0].at_s) / STEP_S) + 1 for s, _ in walkers), default=0)
    shape = (length, len(walkers), len(columns))
    sums, counts = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
    zone = np.full(shape[:2], -1, dtype=np.intp)
    for walker, ((sightings, stays), start_s) in enumerate(zip(walkers, starts, strict=True)):
        for sighting in sightings:
            at = (int(max(0.0, sighting.at_s - start_s) / STEP_S), walker, columns[sighting.scanner])
            sums[at] += sighting.rssi_dbm
            counts[at] += 1
        middles = start_s + (np.arange(length) + 0.5) * STEP_S
        for stay in stays:
            zone[(middles >= stay.start_s) & (middles < stay.end_s), walker] = zones[stay.zone]
    zone[counts.sum(2) == 0] = -1
    return _Steps(sums, counts, zone)


LONGEST_PAUSE_S = 30.0
"""After a longer silence a walk is begun anew."""


def _without_pauses(sightings: list[Sighting], stays: list[TrueStay]) -> list[tuple[list[Sighting], list[TrueStay]]]:
    """A walker's readings as stretches without long pauses."""
    sightings = sorted(sightings, key=lambda sighting: sighting.at_s)
    cuts = [i for i in range(1, len(sightings)) if sightings[i].at_s - sightings[i - 1].at_s > LONGEST_PAUSE_S]
    edges = [0, *cuts, len(sightings)]
    return [(sightings[a:b], stays) for a, b in pairwise(edges)]


def _attribute(filter_: Filter, steps: _Steps) -> tuple[Floats, Floats]:
    """Where the walkers were, by receiver: independent readings (r, n), and the sum of their levels less the phone's (r, n)."""
    place, physics = filter_.place, filter_.physics
    walkers = steps.zone.shape[1]
    chance = np.repeat(filter_.fresh()[None], walkers, axis=0)
    offset_db = np.zeros(walkers, dtype=np.float32)
    offset_var = np.full(walkers, physics.phone_spread_db**2, dtype=np.float32)
    alive = np.ones(len(place.receivers), dtype=np.float32)
    weight = np.zeros((len(place.receivers), len(place.zone_of_state)))
    total = np.zeros_like(weight)
    span = max(1, round(RECENT_STEPS_S / STEP_S))
    for k in range(len(steps.zone)):
        known = np.flatnonzero(steps.counts[k].sum(1) > 0)
        if not len(known):
            continue
        walking = np.zeros(walkers, dtype=np.float32)
        if k >= 2 * span - 1:
            cut = slice(k - 2 * span + 1, k + 1)
            pair = [part[cut].reshape(2, span, walkers, -1).sum(1) for part in (steps.sums, steps.counts)]
            walking = filter_.gait(pair[0], pair[1]) * np.float32(STEP_S)
        chance[known] = _told(place, filter_.move(chance[known], walking[known]), steps.zone[k, known])
        counts = steps.counts[k, known]
        means = steps.sums[k, known] / np.maximum(counts, 1)
        chance[known], offset_db[known], offset_var[known] = filter_.weigh(
            chance[known], offset_db[known], offset_var[known], means, counts, alive
        )
        sure = steps.zone[k, known] >= 0
        state = chance[known].sum(1)[sure].astype(float)
        walks = chance[known][sure, WALKING].sum(1, keepdims=True)
        heard = (counts[sure] > 0) * STEP_S * (walks / WALKING_S + (1 - walks) / STANDING_S)
        weight += heard.T @ state
        total += (heard * (means[sure] - offset_db[known][sure, None])).T @ state
    return weight, total


def _told(place: Place, chance: Array, zone: NDArray[np.intp]) -> Array:
    """The belief (b, 2, n) of walkers whose zone is known, kept to it."""
    allowed = (zone[:, None] < 0) | (place.zone_of_state[None, :] == zone[:, None])
    kept = np.asarray(chance * allowed[:, None, :], dtype=np.float32)
    kept += allowed[:, None, :] * np.float32(1e-9)
    return np.asarray(kept / np.maximum(kept.sum((1, 2), keepdims=True), 1e-30), dtype=np.float32)


def _prior(place: Place) -> Floats:
    """The part of the prior covariance (n, n) that all receivers share: their offset and the shadows."""
    count = len(place.zone_of_state)
    if place.at is None:
        return OFFSET_DB**2 + SHADOW_DB**2 * np.eye(count)
    apart = np.hypot(*(place.at[:, None, :] - place.at[None, :, :]).transpose(2, 0, 1))
    return np.asarray(OFFSET_DB**2 + SHADOW_DB**2 * np.exp(-apart / SHADOW_M))


def _regress(prior: Floats, place: Place, weight: Floats, total: Floats) -> tuple[Floats, Floats]:
    """Correction of the level (n, r) and the variance left in it (n, r)."""
    correction, left = np.zeros_like(place.level_dbm), np.zeros_like(place.level_dbm)
    for receiver in range(len(place.receivers)):
        level = place.level_dbm[:, receiver]
        slope = SLOPE / EXPONENT * (level - AT_1M_DBM) * (place.at is not None)
        cover = prior + slope[:, None] * slope[None, :]
        seen = np.flatnonzero(weight[receiver] > 0.02)
        if not len(seen):
            left[:, receiver] = np.diag(cover)
            continue
        above = total[receiver, seen] / weight[receiver, seen] - level[seen]
        gram = cover[np.ix_(seen, seen)] + np.diag(STEP_DB**2 / weight[receiver, seen])
        solved = np.linalg.solve(gram, np.column_stack([above, cover[seen]]))
        correction[:, receiver] = cover[:, seen] @ solved[:, 0]
        left[:, receiver] = np.diag(cover) - np.einsum("ns,sn->n", cover[:, seen], solved[:, 1:])
    return correction, np.maximum(left, 0.0)
