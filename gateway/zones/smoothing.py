"""Smooths belief: goes through the filter's steps once more, backwards, so that where somebody went tells where they had been."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.zones.filter import Filter

Array = NDArray[np.float32]


class StepRecord(NamedTuple):
    """One filter step of some shoppers: what was expected, what was heard, and what was then believed. b shoppers, r scanners."""

    who: NDArray[np.intp]
    """(b,) which shoppers of the sequence these are"""
    predicted: Array
    """(b, d, n) the belief before the readings"""
    believed: Array
    """(b, d, n) and with them"""
    walking: Array
    """(b,) log odds that they walk"""
    above_dbm: Array
    """(b, r) mean levels, less the phone's offset"""
    counts: Array
    """(b, r) how many readings of each scanner"""
    offset_db: Array
    """(b,) the phone's offset"""
    unheard: Array
    """(b, r) packets that a scanner close by would have heard, where this one heard none and its silence means something"""
    steps: int = 1
    """so many steps at once"""

    def of_one(self, index: int) -> StepRecord:
        """Copy one shopper's part, as the first of a sequence of their own."""
        one = slice(index, index + 1)
        return StepRecord(
            np.zeros(1, dtype=np.intp),
            self.predicted[one].copy(),
            self.believed[one].copy(),
            self.walking[one].copy(),
            self.above_dbm[one].copy(),
            self.counts[one].copy(),
            self.offset_db[one].copy(),
            self.unheard[one].copy(),
            self.steps,
        )


def smooth(filter_: Filter, steps: Sequence[StepRecord], shoppers: int) -> Iterator[tuple[StepRecord, Array]]:
    """Yield each step with the smoothed belief (b, d, n), the latest first (Rauch, Tung & Striebel, for states that are cells)."""
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
            ratio, walking = filter_.backward_step(ratio, walking), np.zeros_like(walking)
        later[seen.who] = ratio
