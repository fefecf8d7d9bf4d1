"""Learning the place itself from people who are followed: those whose zone was told, and everybody else.

A scanner that hears everybody a few dB too well, wherever they are, has a gain; one that hears too well at one spot has a
reflection there. What was heard is summed up by where people were, in hindsight; a map of levels (radiomap.py) is what follows.
A calibration does that with walks whose zones are known. The tracker does it all day, a few shoppers at a time, beside what the
plan and the calibration say: it can be unlearned at any moment.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gateway.zones.filter import STANDING, Filter
from gateway.zones.observation import OFFSET_STEP_DB
from gateway.zones.place_model import PlaceModel
from gateway.zones.radio_map import STEP_DB, prior_covariance, regress
from gateway.zones.smoothing import StepRecord, smooth

Array = NDArray[np.float32]
Floats = NDArray[np.float64]

WALKING_S, STANDING_S = 1.0, 15.0
"""So long apart two steps tell different things about a spot: somebody who stands hears the same reflections again and again."""


class LevelStatistics:
    """Sums what was heard where, per scanner (r) and state (n)."""

    def __init__(self, place: PlaceModel) -> None:
        shape = (len(place.scanners), len(place.zone_of_state))
        self.weight: Floats = np.zeros(shape)
        """(r, n) independent readings"""
        self.total: Floats = np.zeros(shape)
        """(r, n) the sum of their levels in dBm, less the phone's offset and the body's shadow"""

    def add(self, filter_: Filter, seen: StepRecord, smoothed: Array) -> None:
        """Add one step of shoppers who were where `smoothed` (b, d, n) says."""
        state = smoothed.sum(1).astype(float)
        stands = smoothed[:, STANDING].sum(1, keepdims=True)
        tells = filter_.step_s * seen.steps * ((1 - stands) / WALKING_S + stands / STANDING_S)
        heard = (seen.counts > 0) * tells
        self.weight += heard.T @ state
        self.total += (heard * seen.above_dbm).T @ state - filter_.observations.body_shadow(heard, smoothed)
        self._add_silence(filter_, state, seen.unheard * tells / (filter_.step_s * seen.steps), seen.offset_db)

    def _add_silence(self, filter_: Filter, state: Floats, silent: Floats, offset_db: Array) -> None:
        """Add packets (b, r) that a scanner missed: without them the far would seem near, as only lucky readings come from there.

        A step of Fisher scoring for the level, in the units of a reading: its information, and where the silence pulls it.
        """
        level = filter_.place.level_dbm.T
        rounded = np.rint(offset_db / OFFSET_STEP_DB) * OFFSET_STEP_DB
        for offset in np.unique(rounded):
            rows = rounded == offset
            slope, information = filter_.observations.silence_information(float(offset))
            times = STEP_DB**2 * filter_.parameters.silence_share * (silent[rows].T @ state[rows])
            self.weight += times * information
            self.total += times * (information * level + slope)

    def forget(self, elapsed_s: float) -> float:
        """Let what was learned earlier count for less after so many seconds; return the share that is kept."""
        keeps = math.exp(-elapsed_s / FORGETS_AFTER_S)
        self.weight *= keeps
        self.total *= keeps
        return keeps


MOST_WATCHED = 8
"""So many shoppers at a time teach: a busy shop learns no faster than eight people can, and costs no more than they do."""
HINDSIGHT_S = 12.0
"""Somebody is watched for so many seconds' steps, then these are looked back on: what came later tells little more."""
STUDY_S = 3.0
"""One scanner's map is computed anew this often: it takes some milliseconds."""
CARRIERS = 3.0
"""What one carrier's phone, hand and body do to levels is so many times what the place does (a ratio of variances): only what
many hear alike is the place's."""
UNKNOWN_DB = 3.0
"""However well a spot was learned: another phone, another hand, another moment."""
FORGETS_AFTER_S = 3 * 3600.0
"""What was learned this long ago counts for a third: shops are rearranged."""
LEAST_SCANNERS = 3
"""With fewer scanners any error of the map can pass for another spot: nothing is learned."""


class MapLearner:
    """Watches a few shoppers at a time, and keeps the place as it is known now."""

    def __init__(self, place: PlaceModel, step_s: float) -> None:
        self._place = place
        self._statistics = LevelStatistics(place)
        self._shared = prior_covariance(place)
        self._correction, self._left = np.zeros_like(place.level_dbm), np.square(place.spread_db)
        self._steps = max(2, round(HINDSIGHT_S / step_s))
        self._watched: dict[int, list[StepRecord]] = {}
        self._last_chosen = -1
        self._met: set[int] = set()
        self._carriers = 0.0
        self._turn, self._studied_s, self._forgot_s = 0, -math.inf, -math.inf

    @property
    def watched(self) -> frozenset[int]:
        """Return the rows that are watched now."""
        return frozenset(self._watched)

    def choose(self, rows: NDArray[np.intp]) -> None:
        """Watch others where there is room: in turn, all round the shop. `rows` whose step this is."""
        free = MOST_WATCHED - len(self._watched)
        if free <= 0 or len(self._place.scanners) < LEAST_SCANNERS:
            return
        rows = np.sort(rows)
        for row in np.roll(rows, -int(np.searchsorted(rows, self._last_chosen, side="right"))).tolist():
            if free and row not in self._watched:
                self._watched[row] = []
                self._last_chosen, free = row, free - 1

    def record(self, filter_: Filter, rows: NDArray[np.intp], seen: StepRecord) -> None:
        """Keep the step of those `rows` (b,) that are watched; when one was watched for long enough, learn from it."""
        for index, row in enumerate(rows.tolist()):
            steps = self._watched.get(row)
            if steps is None:
                continue
            steps.append(seen.of_one(index))
            if len(steps) >= self._steps:
                del self._watched[row]
                self._carriers += row not in self._met
                self._met.add(row)
                for earlier, smoothed in smooth(filter_, steps, shoppers=1):
                    self._statistics.add(filter_, earlier, smoothed)

    def drop(self, row: int) -> None:
        """Forget the steps of somebody who left that were watched and not yet learned from."""
        self._watched.pop(row, None)
        self._met.discard(row)

    def update_map(self, at_s: float) -> PlaceModel | None:
        """Compute the map of the next scanner when it is due; return the new place when all had their turn."""
        if abs(at_s - self._studied_s) < STUDY_S or not self._statistics.weight.any():
            return None
        self._studied_s, turn = at_s, self._turn
        weight, total = self._statistics.weight[turn], self._statistics.total[turn]
        self._correction[:, turn], self._left[:, turn] = regress(self._shared, self._place, turn, weight, total)
        self._turn = (turn + 1) % len(self._place.scanners)
        if self._turn:
            return None
        if self._forgot_s > -math.inf:
            self._carriers *= self._statistics.forget(max(0.0, at_s - self._forgot_s))
        self._forgot_s = at_s
        return self._known()

    def _known(self) -> PlaceModel:
        place, weight = self._place, self._statistics.weight.T
        common = (self._correction * weight).sum() / max(weight.sum(), 1e-9)  # what all have in common is the phones'
        share = self._carriers / (self._carriers + CARRIERS)
        before = np.square(place.spread_db)
        variance = share * np.minimum(self._left + UNKNOWN_DB**2, before) + (1 - share) * before
        return replace(place, level_dbm=place.level_dbm + share * (self._correction - common), spread_db=np.sqrt(variance))
