"""Learning a place from walks whose zones are known.

Only the zone is known, not the spot: so the tracker's own filter, told the zone at each moment, says where in it the walker was
likely to be; the levels heard there correct the map; and the corrected map says better where the walker was. Four rounds do.
Whether that beats the plan is tried on walks that were left out: a map that doesn't is not used.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.model import Sighting
from gateway.zones.calibration import Calibration, CalibrationError
from gateway.zones.filter import RECENT_STEPS_S, Filter
from gateway.zones.learning import LevelStatistics
from gateway.zones.observation import OFFSET, Readings
from gateway.zones.parameters import ModelParameters
from gateway.zones.place_model import PlaceModel, build_place_model
from gateway.zones.plan import StorePlan
from gateway.zones.radio_map import prior_covariance, regress
from gateway.zones.smoothing import StepRecord, smooth

Floats = NDArray[np.float64]
Array = NDArray[np.float32]

ROUNDS = 4
STEP_S = 1.0
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


def learn(plan: StorePlan, walks: Iterable[Walk], parameters: ModelParameters | None = None) -> Calibration:
    """Learn the plan's place from walks. Raises CalibrationError when there is nothing to learn from."""
    walks = list(walks)
    walked = _walked_without_scanner(plan, walks)
    place = build_place_model(plan, STEP_S, walked)
    steps = _cut(plan, place, walks)
    walked_s = float((steps.zone >= 0).sum()) * STEP_S
    if walked_s < LEAST_WALK_S:
        raise CalibrationError(
            f"only {walked_s:.0f} s of readings fall into known stays of {plan.store}; "
            "the truth must name the shoppers and times of the recording"
        )
    parameters = replace(parameters or ModelParameters(), fades_most=1.0)  # a map that is only being learned isn't known
    candidate = _trusted(place, steps, parameters)
    if not candidate.trust:
        walked, place = (), build_place_model(plan, STEP_S)
    learned = candidate.on(place, *_learn(place, steps, parameters)) if candidate.trust else place
    return Calibration(
        plan=plan.fingerprint(),
        walked_s=walked_s,
        learned_until_s=max(walk.sightings[-1].at_s for walk in walks if walk.sightings),
        trust=candidate.trust,
        walked=walked,
        scanners=place.scanners,
        level_db=tuple(map(tuple, np.round(learned.level_dbm - place.level_dbm, 2).tolist())),
        spread_db=tuple(map(tuple, np.round(learned.spread_db, 2).tolist())),
    )


def _walked_without_scanner(plan: StorePlan, walks: Iterable[Walk]) -> tuple[str, ...]:
    """Return the zones that somebody walked and that have no scanner of their own, in the plan's order."""
    walked = {stay.zone for walk in walks for stay in walk.stays} - {anchor.zone for anchor in plan.anchors}
    return tuple(zone for zone in plan.zone_ids if zone in walked)


class _Candidate(NamedTuple):
    """A trial of how far a correction is followed, and how far a level may be off however well a spot was walked."""

    trust: float
    unknown_db: float

    def on(self, place: PlaceModel, correction: Floats, left: Floats) -> PlaceModel:
        """Return the place with a correction (n, r) and the variance left in it (n, r) taken up so far."""
        spread = self.trust * (left + self.unknown_db**2) + (1 - self.trust) * place.spread_db**2
        return replace(place, level_dbm=place.level_dbm + self.trust * correction, spread_db=np.sqrt(spread))


PLAN_ALONE = _Candidate(0.0, 0.0)
CANDIDATES = (_Candidate(0.5, 4.0), _Candidate(1.0, 4.0), _Candidate(1.0, 2.5))
"""Another phone, another hand, another day: 2.5 dB where scanners and phones are as on the walks, 4 dB where they aren't."""
FOLDS = 4
"""So many times a part of the walks is left out."""


def _learn(place: PlaceModel, steps: _Steps, parameters: ModelParameters) -> tuple[Floats, Floats]:
    """Return the correction of the levels (n, r), and the variance left in it (n, r)."""
    shared, learned = prior_covariance(place), place
    for _ in range(ROUNDS):
        statistics = _taught(Filter(learned, parameters, STEP_S), steps)
        maps = [regress(shared, place, r, statistics.weight[r], statistics.total[r]) for r in range(len(place.scanners))]
        correction, left = (np.stack(part, axis=1) for part in zip(*maps, strict=True))
        learned = CANDIDATES[-1].on(place, correction, left)
    return correction, left


def _trusted(place: PlaceModel, steps: _Steps, parameters: ModelParameters) -> _Candidate:
    """Return the candidate that did best on what was left out; the plan alone, unless one beats it by more than chance.

    Left out are whole walkers, neighbours in time together, or stretches of a single walk: what one standing phone heard says
    nothing new about what it hears a second later.
    """
    fold, groups = _folds(steps)
    right = {candidate: np.zeros(steps.zone.shape) for candidate in CANDIDATES}
    for number in range(FOLDS):
        out = fold == number
        taught = replace(steps, zone=np.where(out, -1, steps.zone), counts=np.where(out[:, :, None], np.float32(0), steps.counts))
        if not (taught.zone >= 0).any() or not (steps.zone[out] >= 0).any():
            continue
        learned = _learn(place, taught, parameters)
        for candidate, found in right.items():
            found[out] = _found(Filter(candidate.on(place, *learned), parameters, STEP_S), steps)[out]
    known = steps.zone >= 0
    by_plan = np.bincount(groups[known], _found(Filter(place, parameters, STEP_S), steps)[known])
    gains = {candidate: np.bincount(groups[known], found[known]) - by_plan for candidate, found in right.items()}
    best = max(CANDIDATES, key=lambda candidate: float(gains[candidate].sum()))
    return best if gains[best].sum() > SURE_GAIN * np.sqrt(np.square(gains[best]).sum()) else PLAN_ALONE


def _folds(steps: _Steps) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return for each step (k, b) the fold it is left out in, and its group: steps of a group count as one."""
    length, walkers = steps.zone.shape
    by_walker, by_time = np.arange(walkers)[None, :], np.arange(length)[:, None]
    fold = by_walker * FOLDS // walkers if walkers >= FOLDS else by_time * FOLDS // length
    groups = by_walker if walkers >= FOLDS else fold + FOLDS * by_walker
    return np.broadcast_to(fold, steps.zone.shape), np.broadcast_to(groups, steps.zone.shape)


SURE_GAIN = 1.0
"""Standard errors by which a calibration must beat the plan on walks it hasn't seen."""


def _found(filter_: Filter, steps: _Steps) -> Floats:
    """Return (k, b) 1 where a tracker that isn't told the zone believes most in the true one."""
    right = np.zeros(steps.zone.shape)
    for k, step in enumerate(_forward(filter_, replace(steps, zone=np.full_like(steps.zone, -1)))):
        right[k, step.who] = filter_.zones(step.believed).argmax(1) == steps.zone[k, step.who]
    return right


def _cut(plan: StorePlan, place: PlaceModel, walks: Sequence[Walk]) -> _Steps:
    """Bin readings by step, one column per walker and walk, each beginning with its first reading."""
    zones = {zone: index for index, zone in enumerate(plan.zone_ids)}
    columns = {name: column for column, name in enumerate(place.scanners)}
    walkers: list[tuple[list[Sighting], list[TrueStay]]] = []
    for walk in walks:
        heard: dict[str, list[Sighting]] = defaultdict(list)
        for sighting in walk.sightings:
            if sighting.scanner in columns:
                heard[sighting.shopper].append(sighting)
        for shopper, sightings in heard.items():
            stays = [stay for stay in walk.stays if stay.shopper == shopper and stay.zone in zones]
            if stays:
                walkers += _stretches(sightings, stays)
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


LONGEST_PAUSE_S, STRETCH_S = 30.0, 120.0
"""A walk is begun anew after a longer silence, and after two minutes: stretches are computed side by side, which is much faster."""


def _stretches(sightings: list[Sighting], stays: list[TrueStay]) -> list[tuple[list[Sighting], list[TrueStay]]]:
    """Cut a walker's readings into stretches of two minutes without long pauses."""
    result: list[list[Sighting]] = []
    for sighting in sorted(sightings, key=lambda sighting: sighting.at_s):
        last = result[-1] if result else []
        if not last or sighting.at_s - last[-1].at_s > LONGEST_PAUSE_S or sighting.at_s - last[0].at_s >= STRETCH_S:
            result.append([sighting])
        else:
            last.append(sighting)
    return [(stretch, stays) for stretch in result]


def _taught(filter_: Filter, steps: _Steps) -> LevelStatistics:
    """Sum what was heard where. Between the stays whose zone was told the walker was somewhere too: those steps teach as well."""
    statistics = LevelStatistics(filter_.place)
    for seen, smoothed in smooth(filter_, list(_forward(filter_, steps)), steps.zone.shape[1]):
        statistics.add(filter_, seen, smoothed)
    return statistics


def _forward(filter_: Filter, steps: _Steps) -> Iterator[StepRecord]:
    """Filter the walks as the tracker does, told the zone where it is known; yield the walkers heard in each step."""
    place = filter_.place
    walkers = steps.zone.shape[1]
    belief = np.repeat(filter_.initial_belief()[None], walkers, axis=0)
    phone = np.repeat(filter_.new_phone()[:, None], walkers, axis=1)
    reception = np.asarray(steps.counts.any((0, 1)), dtype=np.float32)  # who heard nothing on any walk may be dead
    span = max(1, round(RECENT_STEPS_S / STEP_S))
    for k in range(len(steps.zone)):
        known = np.flatnonzero(steps.counts[k].sum(1) > 0)
        walking = np.zeros(walkers, dtype=np.float32)
        if k >= 2 * span - 1:
            cut = slice(k - 2 * span + 1, k + 1)
            pair = [part[cut].reshape(2, span, walkers, -1).sum(1) for part in (steps.sums, steps.counts)]
            walking = filter_.walking_log_odds(pair[0], pair[1]) * np.float32(STEP_S)
        predicted = _told(place, filter_.predict(belief[known], walking[known]), steps.zone[k, known])
        counts = steps.counts[k, known]
        means = steps.sums[k, known] / np.maximum(counts, 1)
        rate = filter_.observations.packets(phone[:, known])
        belief[known], phone[:, known], _ = filter_.update(predicted, phone[:, known], Readings(means, counts), reception)
        offset_db = phone[OFFSET, known]
        unheard = np.where(counts == 0, rate[:, None] * reception, 0).astype(np.float32)
        yield StepRecord(known, predicted, belief[known], walking[known], means - offset_db[:, None], counts, offset_db, unheard)


def _told(place: PlaceModel, belief: Array, zone: NDArray[np.intp]) -> Array:
    """Keep the belief (b, d, n) of walkers whose zone is known to that zone."""
    allowed = (zone[:, None] < 0) | (place.zone_of_state[None, :] == zone[:, None])
    kept = np.asarray(belief * allowed[:, None, :], dtype=np.float32)
    kept += allowed[:, None, :] * np.float32(1e-9)
    return np.asarray(kept / np.maximum(kept.sum((1, 2), keepdims=True), 1e-30), dtype=np.float32)
