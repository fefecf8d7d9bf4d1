"""Learning the place itself from people who are followed: those whose zone was told, and everybody else.

A receiver that hears everybody a few dB too well, wherever they are, has a gain; one that hears too well at one spot has a
reflection there. What was heard is summed up by where people were, in hindsight; a map of levels (radiomap.py) is what follows.
A calibration does that with walks whose zones are known. The tracker does it all day, a few shoppers at a time, beside what the
plan and the calibration say: it can be unlearned at any moment.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gateway.zones.filter import MOST_SENT, OFFSET_STEP_DB, STANDING, Filter
from gateway.zones.hindsight import Seen, look_back
from gateway.zones.place import Place
from gateway.zones.radiomap import STEP_DB, prior, regress

Array = NDArray[np.float32]
Floats = NDArray[np.float64]

WALKING_S, STANDING_S = 1.0, 15.0
"""So long apart two steps tell different things about a spot: somebody who stands hears the same reflections again and again."""


class Lessons:
    """What was heard where: sums per receiver (r) and state (n)."""

    def __init__(self, place: Place) -> None:
        shape = (len(place.receivers), len(place.zone_of_state))
        self.weight: Floats = np.zeros(shape)
        """(r, n) independent readings"""
        self.total: Floats = np.zeros(shape)
        """(r, n) the sum of their levels in dBm, less the phone's offset and the body's shadow"""

    def take(self, filter_: Filter, seen: Seen, smoothed: Array) -> None:
        """Add one step of those `seen`, who were where `smoothed` (b, d, n) says."""
        state = smoothed.sum(1).astype(float)
        stands = smoothed[:, STANDING].sum(1, keepdims=True)
        tells = filter_.step_s * seen.steps * ((1 - stands) / WALKING_S + stands / STANDING_S)
        heard = (seen.readings > 0) * tells
        self.weight += heard.T @ state
        self.total += (heard * seen.above_dbm).T @ state - filter_.bodies(heard, smoothed)
        sent = np.minimum(seen.readings.max(1, keepdims=True), MOST_SENT)
        self._take_silence(filter_, state, (seen.readings == 0) * seen.listening * sent * tells, seen.offset_db)

    def _take_silence(self, filter_: Filter, state: Floats, silent: Floats, offset_db: Array) -> None:
        """Packets (b, r) that a receiver missed: without them the far would seem near, for only a lucky reading comes from there.

        A step of Fisher scoring for the level, in the units of a reading: its information, and where the silence pulls it.
        """
        level = filter_.place.level_dbm.T
        rounded = np.rint(offset_db / OFFSET_STEP_DB) * OFFSET_STEP_DB
        for offset in np.unique(rounded):
            rows = rounded == offset
            slope, information = filter_.deafness(float(offset))
            times = STEP_DB**2 * filter_.physics.silence_share * (silent[rows].T @ state[rows])
            self.weight += times * information
            self.total += times * (information * level + slope)

    def forget(self, elapsed_s: float) -> float:
        """Let what was learned before the last seconds count for less; the share that is kept."""
        keeps = math.exp(-elapsed_s / FORGETS_AFTER_S)
        self.weight *= keeps
        self.total *= keeps
        return keeps


MOST_WATCHED = 8
"""So many shoppers at a time teach: a busy shop learns no faster than eight people can, and costs no more than they do."""
HINDSIGHT_S = 12.0
"""Somebody is watched for so many seconds' steps, then these are looked back on: what came later tells little more."""
STUDY_S = 3.0
"""One receiver's map is reckoned anew this often: it takes some milliseconds."""
CARRIERS = 3.0
"""What one carrier's phone, hand and body do to levels is so many times what the place does (a ratio of variances): only what
many hear alike is the place's."""
UNKNOWN_DB = 3.0
"""However well a spot was learned: another phone, another hand, another moment."""
FORGETS_AFTER_S = 3 * 3600.0
"""What was learned this long ago counts for a third: shops are rearranged."""
LEAST_RECEIVERS = 3
"""With fewer receivers any error of the map can pass for another spot: nothing is learned."""


class Learner:
    """Watches a few shoppers at a time, and keeps the place as it is known now."""

    def __init__(self, place: Place, step_s: float) -> None:
        self._place = place
        self._lessons = Lessons(place)
        self._shared = prior(place)
        self._correction, self._left = np.zeros_like(place.level_dbm), np.square(place.spread_db)
        self._steps = max(2, round(HINDSIGHT_S / step_s))
        self._watched: dict[int, list[Seen]] = {}
        self._last_chosen = -1
        self._met: set[int] = set()
        self._carriers = 0.0
        self._turn, self._studied_s, self._forgot_s = 0, -math.inf, -math.inf

    @property
    def watched(self) -> frozenset[int]:
        """The rows that are watched now."""
        return frozenset(self._watched)

    def choose(self, rows: NDArray[np.intp]) -> None:
        """Watch others where there is room: in turn, all round the shop. `rows` whose step this is."""
        free = MOST_WATCHED - len(self._watched)
        if free <= 0 or len(self._place.receivers) < LEAST_RECEIVERS:
            return
        rows = np.sort(rows)
        for row in np.roll(rows, -int(np.searchsorted(rows, self._last_chosen, side="right"))).tolist():
            if free and row not in self._watched:
                self._watched[row] = []
                self._last_chosen, free = row, free - 1

    def note(self, filter_: Filter, rows: NDArray[np.intp], seen: Seen) -> None:
        """Keep the step of those `rows` (b,) that are watched; when one was watched for long enough, learn from it."""
        for index, row in enumerate(rows.tolist()):
            steps = self._watched.get(row)
            if steps is None:
                continue
            steps.append(seen.alone(index))
            if len(steps) >= self._steps:
                del self._watched[row]
                self._carriers += row not in self._met
                self._met.add(row)
                for earlier, smoothed in look_back(filter_, steps, shoppers=1):
                    self._lessons.take(filter_, earlier, smoothed)

    def drop(self, row: int) -> None:
        """Somebody left, or is to be forgotten: so are the steps of theirs that were watched and not yet learned from."""
        self._watched.pop(row, None)
        self._met.discard(row)

    def study(self, at_s: float) -> Place | None:
        """Now and then, reckon the map of the next receiver; the place anew when all had their turn."""
        if abs(at_s - self._studied_s) < STUDY_S or not self._lessons.weight.any():
            return None
        self._studied_s, turn = at_s, self._turn
        weight, total = self._lessons.weight[turn], self._lessons.total[turn]
        self._correction[:, turn], self._left[:, turn] = regress(self._shared, self._place, turn, weight, total)
        self._turn = (turn + 1) % len(self._place.receivers)
        if self._turn:
            return None
        if self._forgot_s > -math.inf:
            self._carriers *= self._lessons.forget(max(0.0, at_s - self._forgot_s))
        self._forgot_s = at_s
        return self._known()

    def _known(self) -> Place:
        place, weight = self._place, self._lessons.weight.T
        common = (self._correction * weight).sum() / max(weight.sum(), 1e-9)  # what all have in common is the phones'
        share = self._carriers / (self._carriers + CARRIERS)
        before = np.square(place.spread_db)
        variance = share * np.minimum(self._left + UNKNOWN_DB**2, before) + (1 - share) * before
        return replace(place, level_dbm=place.level_dbm + share * (self._correction - common), spread_db=np.sqrt(variance))
