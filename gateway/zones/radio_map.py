"""Learns a map of levels from readings: a Gaussian process over the floor, one scanner at a time.

Rasmussen & Williams, Gaussian Processes for Machine Learning, 2.2: an offset per scanner, a slope over distance, and shadows as
wide as a shelf. Where nobody walked it falls back to what was known before, and it knows by how much it may be off everywhere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.zones.place_model import AT_1M_DBM, EXPONENT, SPREAD_DB, PlaceModel

Floats = NDArray[np.float64]

SHADOW_DB, SHADOW_M = 4.5, 2.5
"""Spread and reach of shadows, as in the literature on offices and shops."""
OFFSET_DB = 4.0
"""A scanner's own gain, its mounting included."""
SLOPE = 0.5
"""Spread of the path-loss exponent around the plan's."""
STEP_DB = 6.0
"""One second's mean level is off by this: fading, the body's swing."""
LEAST_WEIGHT = 0.02
"""A state with fewer readings than this tells nothing."""


def prior_covariance(place: PlaceModel) -> Floats:
    """Return the part of the prior covariance (n, n) that all scanners share: their offset and the shadows."""
    count = len(place.zone_of_state)
    if place.at is None:
        return OFFSET_DB**2 + SHADOW_DB**2 * np.eye(count)
    apart = np.hypot(*(place.at[:, None, :] - place.at[None, :, :]).transpose(2, 0, 1))
    return np.asarray(OFFSET_DB**2 + SHADOW_DB**2 * np.exp(-apart / SHADOW_M))


def regress(shared: Floats, place: PlaceModel, scanner: int, weight: Floats, total: Floats) -> tuple[Floats, Floats]:
    """Return the correction of a scanner's level (n,) and the variance left in it (n,).

    `weight` (n,) independent readings at each state and `total` (n,) the sum of their levels. Where a calibration has already made
    the place's spread smaller than the plan's, so much less is left to be learned.
    """
    level = place.level_dbm[:, scanner]
    slope = SLOPE / EXPONENT * (level - AT_1M_DBM) * (place.at is not None)
    doubt = np.minimum(place.spread_db[:, scanner] / SPREAD_DB, 1)
    cover = (shared + slope[:, None] * slope[None, :]) * doubt[:, None] * doubt[None, :]
    seen = np.flatnonzero(weight > LEAST_WEIGHT)
    if not len(seen):
        return np.zeros(len(level)), np.diag(cover).copy()
    above = total[seen] / weight[seen] - level[seen]
    gram = cover[np.ix_(seen, seen)] + np.diag(STEP_DB**2 / weight[seen])
    solved = np.linalg.solve(gram, np.column_stack([above, cover[seen]]))
    left = np.diag(cover) - np.einsum("ns,sn->n", cover[:, seen], solved[:, 1:])
    return cover[:, seen] @ solved[:, 0], np.maximum(left, 0.0)
