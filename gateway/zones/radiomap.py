"""The map of levels that readings with a known place teach: a Gaussian process over the floor.

Rasmussen & Williams, Gaussian Processes for Machine Learning, 2.2: an offset per receiver, a slope over distance, and shadows as
wide as a shelf. Where nobody walked it falls back to the plan's physics, and it knows by how much it may be off everywhere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.zones.place import AT_1M_DBM, EXPONENT, Place

Floats = NDArray[np.float64]

SHADOW_DB, SHADOW_M = 4.5, 2.5
"""Spread and reach of shadows, as in the literature on offices and shops."""
OFFSET_DB = 4.0
"""A receiver's own gain, its mounting included."""
SLOPE = 0.5
"""Spread of the path-loss exponent around the plan's."""
STEP_DB = 6.0
"""One second's mean level is off by this: fading, the body's swing."""


def prior(place: Place) -> Floats:
    """The part of the prior covariance (n, n) that all receivers share: their offset and the shadows."""
    count = len(place.zone_of_state)
    if place.at is None:
        return OFFSET_DB**2 + SHADOW_DB**2 * np.eye(count)
    apart = np.hypot(*(place.at[:, None, :] - place.at[None, :, :]).transpose(2, 0, 1))
    return np.asarray(OFFSET_DB**2 + SHADOW_DB**2 * np.exp(-apart / SHADOW_M))


def regress(shared: Floats, place: Place, weight: Floats, total: Floats) -> tuple[Floats, Floats]:
    """Correction of the level (n, r) and the variance left in it (n, r)."""
    correction, left = np.zeros_like(place.level_dbm), np.zeros_like(place.level_dbm)
    for receiver in range(len(place.receivers)):
        level = place.level_dbm[:, receiver]
        slope = SLOPE / EXPONENT * (level - AT_1M_DBM) * (place.at is not None)
        cover = shared + slope[:, None] * slope[None, :]
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
