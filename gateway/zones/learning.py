"""Slow learning of each receiver's own offset from everybody who is followed.

A receiver that hears everybody a few dB too well, wherever they are, has a gain; one that hears too well at one spot has a
reflection there. So what was heard is kept by patch of floor, a patch counts once however long somebody stands on it, and the
offset is what the patches have in common, shrunk to zero. It can be unlearned at any moment: it is a sum apart from the plan.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.zones.place import Place

Array = NDArray[np.float32]

PATCH_M = 3.0
"""Shadows of neighbouring patches of this size are nearly independent."""
OFFSET_DB = 2.5
"""Scanners of one kind differ by this: the spread that offsets are shrunk with."""
PATCH_DB = 8.0
"""And the mean level on one patch is off by this, whoever stands there."""
READING_DB = 5.0
INDEPENDENT_S = 20.0
"""So long apart two steps of one shopper tell different things."""
FORGETS_AFTER_S = 3 * 3600.0
"""What was learned this long ago counts for a third: shops are rearranged."""


class Offsets:
    """Sums per receiver (r) and patch (p), and the offsets in dB that follow from them."""

    def __init__(self, place: Place, step_s: float) -> None:
        self._level = place.level_dbm.T
        self._patch = _patches(place)
        shape = (len(place.receivers), self._patch.shape[1])
        self._sum, self._weight = np.zeros(shape), np.zeros(shape)
        self._step_s = step_s
        self._keeps = float(np.exp(-step_s / FORGETS_AFTER_S))
        self.offset_db = np.zeros(shape[0], dtype=np.float32)

    def fade(self) -> None:
        """Let a step's worth be forgotten, and take up what the last step taught."""
        self._sum *= self._keeps
        self._weight *= self._keeps
        mean = self._sum / np.maximum(self._weight, 1e-9)
        evidence = self._weight / (PATCH_DB**2 * self._weight + READING_DB**2)
        offset = (evidence * mean).sum(1) / (1 / OFFSET_DB**2 + evidence.sum(1))
        self.offset_db = (offset - offset.mean()).astype(np.float32)

    def learn(self, state: Array, above_db: Array, heard: NDArray[np.bool_]) -> None:
        """Take one step: belief `state` (b, n), levels `above_db` (b, r) less the phone's offset, where `heard` (b, r)."""
        share = self._step_s / INDEPENDENT_S
        where = state.astype(float).T @ heard
        self._sum += share * (((np.where(heard, above_db, 0).T @ state) - self._level * where.T) @ self._patch)
        self._weight += share * (where.T @ self._patch)


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
