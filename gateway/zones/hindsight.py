"""Where somebody was, told by where they went: the filter's steps gone through once more, backwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.zones.filter import Filter

Array = NDArray[np.float32]


class Seen(NamedTuple):
    """One step of some shoppers: what was expected, what was heard, and what was then believed. b shoppers, r receivers."""

    who: NDArray[np.intp]
    """(b,) which shoppers of the sequence these are"""
    predicted: Array
    """(b, d, n) the belief before the readings"""
    believed: Array
    """(b, d, n) and with them"""
    walking: Array
    """(b,) log odds from the gait"""
    above_dbm: Array
    """(b, r) mean levels, less the phone's offset"""
    readings: Array
    """(b, r) how many of each receiver"""
    offset_db: Array
    """(b,) the phone's offset"""
    listening: NDArray[np.bool_]
    """(r,) whose silence means something"""
    steps: int = 1
    """so many steps at once"""

    def alone(self, index: int) -> Seen:
        """A copy of one shopper's part, as the first of a sequence of their own."""
        one = slice(index, index + 1)
        return Seen(
            np.zeros(1, dtype=np.intp),
            self.predicted[one].copy(),
            self.believed[one].copy(),
            self.walking[one].copy(),
            self.above_dbm[one].copy(),
            self.readings[one].copy(),
            self.offset_db[one].copy(),
            self.listening,
            self.steps,
        )


def look_back(filter_: Filter, steps: Sequence[Seen], shoppers: int) -> Iterator[tuple[Seen, Array]]:
    """Each step with the belief (b, d, n) of hindsight, the latest first (Rauch, Tung & Striebel, for states that are cells)."""
    later: Array | None = None
    for seen in reversed(steps):
        if later is None:
            later = np.ones((shoppers, *seen.believed.shape[1:]), dtype=np.float32)
        smoothed = seen.believed * later[seen.who]
        smoothed = smoothed / np.maximum(smoothed.sum((1, 2), keepdims=True), np.float32(1e-30))
        yield seen, smoothed
        ratio = smoothed / np.maximum(seen.predicted, 1e-12)
        ratio = ratio / np.maximum(ratio.max((1, 2), keepdims=True), 1e-30) + np.float32(1e-9)
        walking = seen.walking
        for _ in range(seen.steps):
            ratio, walking = filter_.back(ratio, walking), np.zeros_like(walking)
        later[seen.who] = ratio
