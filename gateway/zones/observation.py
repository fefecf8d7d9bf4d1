"""The observation model: how likely what scanners measured in a step is, for every state somebody may be in.

An observation is a scanner, a time, a quantity and its variance. Three quantities are known: a level (RSSI), a distance, a
bearing. What a scanner did not hear is an observation as well. Each is a log likelihood over the place's states; the filter
adds them up. The same model, asked without readings, says how well places can be told apart by the scanners there are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.zones.parameters import ModelParameters
from gateway.zones.place_model import PlaceModel

Array = NDArray[np.float32]

LARGEST_OFFSET_DB, OFFSET_STEP_DB = 24.0, 2.0
"""Range and grid of phone offsets for which silence is tabled."""
PHONE_STATE = 4
OFFSET, VARIANCE, PACKETS, EXPOSURE = range(PHONE_STATE)
"""Rows of what is believed of phones (4, b): the offset (dB), its variance (dB²), and the fading sums of packets heard, and of the
seconds that scanners near enough to hear them listened: packets / exposure is the phone's measured rate."""


class Readings(NamedTuple):
    """One step's readings of some shoppers. b shoppers, r scanners."""

    mean_dbm: Array
    """(b, r) mean RSSI where `counts` is above 0."""
    counts: Array
    """(b, r) RSSI readings."""
    distance: Array | None = None
    """(2, b, r) sums of distance / variance, and of 1 / variance; None: nothing measured any."""
    bearing: Array | None = None
    """(2, b, r) sums of the bearings' cosines and sines, each / variance (rad²)."""

    def of(self, rows: NDArray[np.bool_] | slice) -> Readings:
        """Return the readings of some of the shoppers."""
        distance, bearing = (part[:, rows] if part is not None else None for part in (self.distance, self.bearing))
        return Readings(self.mean_dbm[rows], self.counts[rows], distance, bearing)


class ObservationModel:
    """Likelihoods of a step's readings over a place's states; rows of every argument are shoppers.

    n states, r scanners, d motion states (standing, and walking along each heading).
    """

    def __init__(self, place: PlaceModel, parameters: ModelParameters, step_s: float) -> None:
        self.parameters, self.step_s = parameters, step_s
        self._body = (parameters.body_db * np.vstack([np.zeros(2), place.headings])).astype(np.float32)
        # What a motion state's expected shadow adds to the regression in `levels`: to the offset; to the likelihood, by the
        # regression's solution and covariance; and the constant that the expectation itself costs.
        self._offset_terms = self._body / np.float32(parameters.body_spread_db**2)
        east, north = self._offset_terms.T
        self._likelihood_terms = np.column_stack([east, north, east**2 / 2, east * north, north**2 / 2])
        self._mean_cost = ((self._body * self._offset_terms).sum(1) / 2)[:, None]
        self.use(place)

    def use(self, place: PlaceModel) -> None:
        """Take up other levels and spreads of the same place.

        Sums over scanners become matrix products: one table (r, n) for each term of an exponent.
        """
        self.place = place
        level, weight = place.level_dbm, 1 / np.square(place.spread_db)
        cos, sin = np.cos(place.bearing), np.sin(place.bearing)
        ones = np.ones_like(cos)
        pairs = (ones, cos, sin, cos * cos, cos * sin, sin * sin)
        flat = [weight * term for term in pairs]
        tilted = [weight * level * term for term in (ones, cos, sin)]
        stacked = np.hstack([term.T for term in (*flat, *tilted, weight * level**2)])
        self._by_count = stacked.astype(np.float32)
        self._by_level = np.hstack([(weight * term).T for term in (ones, cos, sin)]).astype(np.float32)
        self._weight, self._weight_level = weight.T.astype(np.float32), (weight * level).T.astype(np.float32)
        self._log_weight = np.log(weight).T.astype(np.float32)
        self.typical_db2 = float(np.square(place.spread_db).mean())
        self._soft = (level / self.parameters.strongest_softness_db).T.astype(np.float32)
        self._listening: NDArray[np.bool_] | None = None
        self._level = level.T.astype(np.float32)
        offsets = np.arange(-LARGEST_OFFSET_DB, LARGEST_OFFSET_DB + 0.1, OFFSET_STEP_DB)
        self._hears = [self.hears(self._level + np.float32(offset)) for offset in offsets]
        self._cos, self._sin = cos.T.astype(np.float32), sin.T.astype(np.float32)
        self._distance = None if place.distance_m is None else place.distance_m.T.astype(np.float32)

    def log_likelihood(self, readings: Readings, phone: Array, reception: Array, steps: int) -> tuple[Array, Array, Array]:
        """Return the log likelihood (b, d, n), the phone's offset shift (b, d, n) and the variance left of it (b, n).

        `phone` (4, b); `reception` (r,): share of a good scanner's packets that each reports, 0 where its silence means nothing.
        """
        heard, offset_db = readings.counts > 0, phone[OFFSET]
        fading = self.parameters.fading_db**2 / np.maximum(readings.counts, 1)
        trust = np.where(heard, self.typical_db2 / (self.typical_db2 + fading), 0).astype(np.float32)
        above = np.where(heard, readings.mean_dbm - offset_db[:, None], 0).astype(np.float32)
        log, shift, left = self._levels(trust, above, phone[VARIANCE])
        share = self.parameters.strongest_share
        where = (1 - share) * 0.5 * (heard.astype(np.float32) @ self._log_weight)
        where += share * self.parameters.strongest_softness_db * self._strongest_scanner(heard, above, reception > 0)
        where += self.parameters.silence_share * self._silence(phone, readings.counts == 0, reception, steps)
        if readings.distance is not None and self._distance is not None:
            where += self._distances(*readings.distance)
        if readings.bearing is not None and self._distance is not None:
            where += self._bearings(*readings.bearing)
        return ((1 - share) * log + where[:, None]) * np.float32(self.step_s), shift, left

    def _levels(self, trust: Array, above: Array, offset_var: Array) -> tuple[Array, Array, Array]:
        """Return the Gaussian log likelihood (b, d, n), the offset's shift (b, d, n) and its variance (b, n).

        The residual is offset + east·cos + north·sin + error: with Gaussian priors on the three the marginal likelihood is that
        of a small linear regression per state (Bishop, Pattern Recognition and Machine Learning, 3.3), solved by hand for 3 x 3.
        The headings differ in the prior mean of (east, north) only, the shadow of a body that faces that way.
        """
        n = len(self.place.zone_of_state)
        by_count = (trust @ self._by_count).reshape(len(trust), 10, n)
        one, c, s, cc, cs, ss, level, level_c, level_s, level2 = by_count.transpose(1, 0, 2)
        weighted = trust * above
        up, up_c, up_s = (weighted @ self._by_level).reshape(len(trust), 3, n).transpose(1, 0, 2)
        square = (weighted * above) @ self._weight - 2 * (weighted @ self._weight_level) + level2
        j0, j1, j2 = up - level, up_c - level_c, up_s - level_s
        sure = np.float32(1 / self.parameters.body_spread_db**2)
        a, d, f = one + 1 / offset_var[:, None], cc + sure, ss + sure
        m00, m01, m02 = d * f - cs * cs, cs * s - c * f, c * cs - d * s
        determinant = a * m00 + c * m01 + s * m02
        m00, m01, m02 = m00 / determinant, m01 / determinant, m02 / determinant
        m11, m12, m22 = (a * f - s * s) / determinant, (c * s - a * cs) / determinant, (a * d - c * c) / determinant
        x0, x1, x2 = m00 * j0 + m01 * j1 + m02 * j2, m01 * j0 + m11 * j1 + m12 * j2, m02 * j0 + m12 * j1 + m22 * j2
        still = -0.5 * (square - j0 * x0 - j1 * x1 - j2 * x2) - 0.5 * np.log(determinant)
        log = still[:, None] + self._likelihood_terms @ np.stack([x1, x2, m11, m12, m22], axis=1) - self._mean_cost
        shift = x0[:, None] + self._offset_terms @ np.stack([m01, m02], axis=1)
        return log, shift, m00

    def body_shadow(self, weight: Array, belief: Array) -> NDArray[np.float64]:
        """Sum over shoppers what their bodies are expected to add to levels, (r, n) dB; each reading counts `weight` (b, r)."""
        east, north = np.einsum("da,bdn->abn", self._body, belief)
        return np.asarray((weight.T @ east) * np.cos(self.place.bearing).T + (weight.T @ north) * np.sin(self.place.bearing).T)

    def _strongest_scanner(self, heard: NDArray[np.bool_], above: Array, listening: NDArray[np.bool_]) -> Array:
        """Return the expected log probability (b, n) of which scanner hears best, of those that are listening (r,)."""
        if self._listening is None or not np.array_equal(self._listening, listening):
            among = self._soft[listening] if listening.any() else self._soft
            self._listening, self._log_strongest = listening.copy(), self._soft - np.logaddexp.reduce(among, axis=0)
        soft = np.where(heard, above / self.parameters.strongest_softness_db, -np.inf)
        wins = np.where(heard, np.exp(soft - np.maximum(soft.max(1, keepdims=True), np.float32(-1e9))), 0)
        return np.asarray((wins / np.maximum(wins.sum(1, keepdims=True), np.float32(1e-9))) @ self._log_strongest)

    def _silence(self, phone: Array, silent: NDArray[np.bool_], reception: Array, steps: int) -> Array:
        """Return the log probability (b, n) that the scanners which heard nothing would hear nothing; tabled by offset.

        Packets come as a Poisson process with the phone's measured rate, thinned by the scanner's measured reception.
        """
        sent = np.where(silent.all(1), 0, self.packets(phone) * np.float32(steps))  # of whom nothing was heard, nothing was sent
        expected = np.where(silent, sent[:, None] * reception, 0).astype(np.float32)
        table = np.rint((phone[OFFSET] + LARGEST_OFFSET_DB) / OFFSET_STEP_DB).astype(int).clip(0, len(self._hears) - 1)
        result = np.zeros((len(table), self._level.shape[1]), dtype=np.float32)
        for index in np.unique(table):
            rows = table == index
            result[rows] = expected[rows] @ self._hears[index]
        return -result

    def _distances(self, weighted_m: Array, weight: Array) -> Array:
        """Return the Gaussian log likelihood (b, n) of measured distances, from sums of distance / variance and 1 / variance."""
        assert self._distance is not None
        mean = weighted_m / np.maximum(weight, 1e-9)
        sure = weight / (1 + weight * np.float32(self.parameters.range_spread_m**2))
        return np.asarray(sure * mean @ self._distance - 0.5 * (sure @ np.square(self._distance)))

    def _bearings(self, cos: Array, sin: Array) -> Array:
        """Return the von Mises log likelihood (b, n) of measured bearings, from sums of their cosines and sines / variance.

        A place model's bearing leads from the state to the scanner; what is measured leads from the scanner to the state.
        """
        strength = np.hypot(cos, sin)
        spread = np.float32(np.deg2rad(self.parameters.bearing_spread_deg) ** 2)
        sure = np.where(strength > 0, 1 / (1 + strength * spread), 0)
        return np.asarray(-(sure * cos) @ self._cos - (sure * sin) @ self._sin)

    def packets(self, phone: Array) -> Array:
        """Return the packets (b,) that a near scanner reports of each phone in a step, as measured."""
        return np.asarray(phone[PACKETS] / phone[EXPOSURE] * np.float32(self.step_s))

    def heard_share(self, state: Array, offset_db: Array) -> Array:
        """Return the share (b, r) of a phone's packets that arrive strong enough, for the mean level of a belief `state` (b, n)."""
        return self.hears(state @ self._level.T + offset_db[:, None])

    def hears(self, level_dbm: Array) -> Array:
        """Return the share of the packets that arrive strong enough at a mean level."""
        margin = (level_dbm - self.parameters.deaf_dbm) / self.parameters.deaf_slope_db
        return np.asarray(1 / (1 + np.exp(-margin)))

    def silence_information(self, offset_db: float) -> tuple[Array, Array]:
        """Return what one expected packet's absence says of a mean level (r, n): slope of its log probability per dB, information
        per dB² (that of a Poisson count)."""
        hears = self.hears(self._level + np.float32(offset_db))
        slope = hears * (1 - hears) / self.parameters.deaf_slope_db
        return -slope, np.asarray(slope**2 / np.maximum(hears, 1e-9))
