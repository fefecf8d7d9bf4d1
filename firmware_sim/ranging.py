"""Scanners that can more than hear: simulated distances (channel sounding, UWB) and bearings (angle of arrival)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.model import Measurement, Quantity

Floats = NDArray[np.float64]
LEAST_DISTANCE_M = 0.05
"""No device reports less: noise must not make a distance negative."""


@dataclass(frozen=True, slots=True)
class Ranging:
    """What a shop's scanners measure beside the level, each with Gaussian noise. None: not this quantity."""

    distance_sd_m: float | None = None
    bearing_sd_deg: float | None = None
    nearest: int = 3
    """So many scanners nearest to the sender measure; the others hear only."""


class Ranger:
    """Measures senders by the true geometry; noise of its own, so that the same seed gives the same receptions without it."""

    def __init__(self, ranging: Ranging, scanners_at: Floats, height_m: float, seed: int) -> None:
        self._ranging, self._at, self._height_m = ranging, scanners_at, height_m
        self._rng = np.random.default_rng([seed, len(scanners_at)])

    def measure(self, scanner: int, at: Floats) -> tuple[Measurement, ...]:
        """Return what a scanner measures of a sender at a point (2,), metres."""
        towards = at - self._at
        distance = np.hypot(towards[:, 0], towards[:, 1])
        if (distance < distance[scanner]).sum() >= self._ranging.nearest:
            return ()
        found = []
        if self._ranging.distance_sd_m is not None:
            noisy_m = math.hypot(distance[scanner], self._height_m) + self._rng.normal(0, self._ranging.distance_sd_m)
            found.append(Measurement(Quantity.DISTANCE, max(LEAST_DISTANCE_M, float(noisy_m)), self._ranging.distance_sd_m))
        if self._ranging.bearing_sd_deg is not None:
            true_deg = math.degrees(math.atan2(towards[scanner, 1], towards[scanner, 0]))
            noisy_deg = true_deg + float(self._rng.normal(0, self._ranging.bearing_sd_deg))
            found.append(Measurement(Quantity.BEARING, (noisy_deg + 180) % 360 - 180, self._ranging.bearing_sd_deg))
        return tuple(found)
