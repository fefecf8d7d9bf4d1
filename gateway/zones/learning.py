"""Slow learning of the place itself, from everybody who is followed.

A receiver that hears everybody a few dB too well, wherever they are, has a gain; one that hears too well at one spot has a
reflection there. So what was heard is kept by patch of floor, and a patch counts for what it tells alone, however long somebody
stands on it. What the patches have in common is the receiver's offset; what is left is the patch's own, shrunk by how little was
heard there. Only steps whose zone is sure teach, or a mistake would teach itself. It can be unlearned at any moment: it is a sum
apart from what the plan and the calibration say.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gateway.zones.place import Place

Array = NDArray[np.float32]

PATCH_M = 3.0
"""Shadows of neighbouring patches of this size are nearly independent."""
WITHIN_SHARE = 0.5
"""Of a level's variance on a patch, the part that a mean over the patch can't tell: shadows are 2 to 4 m wide."""
OFFSET_DB = 4.0
"""Scanners differ by this, their mounting included: the spread that offsets are shrunk with."""
READING_DB = 8.0
"""One second's mean level is off by this from what its place hears: fading, body, and a place that is only inferred."""
INDEPENDENT_S = 20.0
"""So long apart two steps of one shopper tell different things."""
SURE = 0.7
"""A step teaches when its zone is believed at least this much."""
FORGETS_AFTER_S = 3 * 3600.0
"""What was learned this long ago counts for a third: shops are rearranged."""


class Lessons:
    """Sums per receiver (r) and patch (p), and the place that follows from them."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._level = place.level_dbm.T
        self._patch = _patches(place)
        self._variance = np.square(place.spread_db).T @ self._patch / self._patch.sum(0)
        self._sum, self._weight = np.zeros_like(self._variance), np.zeros_like(self._variance)

    def learn(self, state: Array, sure: NDArray[np.bool_], above_db: Array, heard: NDArray[np.bool_], step_s: float) -> None:
        """Take one step: belief `state` (b, n) and who is `sure` (b,); levels `above_db` (b, r) less the phone's, where `heard`."""
        heard = heard & sure[:, None]
        share = step_s / INDEPENDENT_S
        where = state.astype(float).T @ heard
        self._sum += share * (((np.where(heard, above_db, 0).T @ state) - self._level * where.T) @ self._patch)
        self._weight += share * (where.T @ self._patch)

    def forget(self, elapsed_s: float) -> None:
        """Let what was learned before the last seconds count for less."""
        keeps = float(np.exp(-elapsed_s / FORGETS_AFTER_S))
        self._sum *= keeps
        self._weight *= keeps

    def place(self) -> Place:
        """The place as it is known now."""
        mean = self._sum / np.maximum(self._weight, 1e-9)
        known = self._weight / (self._variance * self._weight + READING_DB**2)
        offset = (known * mean).sum(1) / (1 / OFFSET_DB**2 + known.sum(1))
        shift = offset[:, None] + self._variance * known * (mean - offset[:, None])
        shift -= (shift * self._weight).sum() / max(self._weight.sum(), 1e-9)  # what all have in common is the phones'
        left = 1 - (1 - WITHIN_SHARE) * self._variance * known
        return replace(
            self._place,
            level_dbm=self._place.level_dbm + (shift @ self._patch.T).T,
            spread_db=self._place.spread_db * np.sqrt(left @ self._patch.T).T,
        )


def _patches(place: Place) -> NDArray[np.float64]:
    """Which patch each state lies on, as a matrix (n, p) of ones; without a drawing each zone is a patch."""
    count = len(place.zone_of_state)
    if place.at is None:
        return np.eye(count)
    cells = np.floor(place.at / PATCH_M).astype(int)
    index = np.unique(cells, axis=0, return_inverse=True)[1].ravel()
    patches = np.zeros((count, index.max() + 1))
    patches[np.arange(count), index] = 1.0
    return patches
