"""A Bayesian filter over a place's states, for many shoppers at once.

Per shopper it holds the joint probability of where they are and what they do, standing or walking along one of a few headings,
and a Gaussian over the phone's own offset. One step advances the probability, asks the readings whether somebody walks, and
weighs every state by what the scanners heard and did not hear. Who walks faces where they go, so their body shadows what lies
behind them; of who stands the facing is unknown. Three errors are integrated out in closed form, because they hit all scanners
of one step together: the phone's offset, and the two components by which the body's shadow differs from the expected one.
Shadows of shelves stay the same from one second to the next, so belief also fades: evidence about a place counts for seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.zones.place_model import PlaceModel

Array = NDArray[np.float32]

STANDING = 0
"""Index of the motion state `standing`; from 1 on somebody walks along one of the place's headings."""
MOST_STEPS_AT_ONCE = 3
"""Somebody rarely heard is predicted and updated once in so many steps."""
MOST_SENT = 3.0
"""Packets of one step that count as independent chances to be heard."""
LARGEST_OFFSET_DB, OFFSET_STEP_DB = 24.0, 2.0
"""Range and grid of phone offsets for which silence is tabled."""
RECENT_STEPS_S = 2.0
"""Two means over so long, one after the other, tell walking from standing."""


@dataclass(frozen=True, slots=True)
class ModelParameters:
    """Holds what is assumed of phones and people in every shop; taken from the literature, not fitted to one place."""

    fading_db: float = 3.0
    """Spread of a single reading around its place's mean (Rician, K about 2)."""
    body_db: float = 2.5
    """Amplitude of the body's shadow as a cosine over direction: 5 dB between front and back of who walks."""
    body_spread_db: float = 2.5
    """Of that amplitude from one to the next, each component: hands, bags and back pockets, and robots that have no body."""
    phone_spread_db: float = 6.0
    """Phones differ by this before anything was heard of one."""
    phone_known_db: float = 2.0
    """However long a phone is heard, its offset is never known better than this: pockets and hands."""
    fades_standing_s: float = 15.0
    """Belief about somebody who stands fades this slowly: the same error is heard again and again, but nothing changes."""
    fades_walking_s: float = 4.0
    """And about somebody who walks: a shadow is 2 to 4 m long."""
    plan_spread_db: float = 6.0
    """Levels spread like this where only the plan is known. Where more is known, belief of who walks fades slower,"""
    fades_most: float = 2.0
    """by the ratio of the variances, but at most so many times."""
    walks_off_s: float = 20.0
    """Mean time somebody stands."""
    stops_s: float = 8.0
    """Mean time somebody walks without a stop."""
    stops_between: float = 0.25
    """Stops between zones, for one in a zone: people stop at things, and things are in zones."""
    heading_kept_s: float = 3.5
    """Mean time somebody who walks keeps their heading."""
    veers_share: float = 0.75
    """Share of the changes of heading that go to a neighbouring one; the others lead anywhere."""
    walk_change_db2: float = 30.0
    """Variance that two seconds of walking add to the change of a scanner's mean level."""
    gait_share: float = 0.2
    """Neighbouring scanners change together: the evidence for walking counts for this part."""
    gait_most: float = 3.0
    """And at most so much (log odds) in a step."""
    strongest_softness_db: float = 4.0
    """Softness of `which scanner hears best`: that order survives errors of the modelled levels."""
    strongest_share: float = 0.2
    """Part of the evidence that comes from that order, the rest from the levels."""
    deaf_dbm: float = -88.0
    """At this mean level half of the packets are lost: fading and body push many below a scanner's -94."""
    deaf_slope_db: float = 5.0
    heard_share: float = 0.67
    """Of the packets of a strong phone, the share a good scanner reports."""
    silence_share: float = 0.5
    """Silence has many reasons that nobody modelled: its evidence counts for this part."""


class Filter:
    """Does the arithmetic; rows of every argument are shoppers.

    n states, r scanners, z zones, d motion states (standing, and walking along each heading).
    """

    def __init__(self, place: PlaceModel, parameters: ModelParameters, step_s: float) -> None:
        self.parameters, self.step_s = parameters, step_s
        self._walks_off, stops = (np.float32(1 - np.exp(-step_s / s)) for s in (parameters.walks_off_s, parameters.stops_s))
        self._stops = np.where(place.zone_of_state >= 0, stops, stops * parameters.stops_between).astype(np.float32)
        self._heading_changes = _heading_changes(len(place.headings), parameters, step_s).astype(np.float32)
        self._transitions = place.transitions.astype(np.float32)
        self._body = (parameters.body_db * np.vstack([np.zeros(2), place.headings])).astype(np.float32)
        # What a motion state's expected shadow adds to the regression in `_levels`: to the offset; to the likelihood, by the
        # regression's solution and covariance; and the constant that the expectation itself costs.
        self._offset_terms = self._body / np.float32(parameters.body_spread_db**2)
        east, north = self._offset_terms.T
        self._likelihood_terms = np.column_stack([east, north, east**2 / 2, east * north, north**2 / 2])
        self._mean_cost = ((self._body * self._offset_terms).sum(1) / 2)[:, None]
        self._zone_rows = np.zeros((len(place.zone_of_state), len(place.zones)), dtype=np.float32)
        inside = place.zone_of_state >= 0
        self._zone_rows[np.flatnonzero(inside), place.zone_of_state[inside]] = 1.0
        self.use(place)

    def use(self, place: PlaceModel) -> None:
        """Take up other levels and spreads of the same place.

        Sums over scanners become matrix products: one table (r, n) for each term of the Gaussian's exponent.
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
        self._typical = float(np.square(place.spread_db).mean())
        known = np.clip(self.parameters.plan_spread_db**2 / self._typical, 1, self.parameters.fades_most)
        fades_s = np.array([self.parameters.fades_standing_s, *[self.parameters.fades_walking_s * known] * len(place.headings)])
        self._keeps = np.exp(-self.step_s / fades_s).astype(np.float32)[None, :, None]
        soft = level / self.parameters.strongest_softness_db
        self._log_strongest = (soft - np.logaddexp.reduce(soft, axis=1, keepdims=True)).T.astype(np.float32)
        self._level = level.T.astype(np.float32)
        offsets = np.arange(-LARGEST_OFFSET_DB, LARGEST_OFFSET_DB + 0.1, OFFSET_STEP_DB)
        self._log_unheard = [np.log1p(-self._hears(self._level + np.float32(offset))) for offset in offsets]

    def initial_belief(self) -> Array:
        """Return the belief (d, n) about somebody who just came: they walk more often than not."""
        headings = len(self._transitions)
        return np.outer([0.3, *[0.7 / headings] * headings], self.place.prior).astype(np.float32)

    def predict(self, belief: Array, walking: Array, steps: int = 1) -> Array:
        """Advance belief (b, d, n) by some steps of walking and standing. `walking` (b,) log odds from `walking_log_odds`."""
        for _ in range(steps):
            belief = self._walk_step(belief)
        belief[:, STANDING] *= self._standing(walking)
        return _normal(_normal(belief) ** self._keeps**steps)

    def _walk_step(self, belief: Array) -> Array:
        stands, walks = belief[:, STANDING], belief[:, STANDING + 1 :]
        stops = walks * self._stops
        onward = self._heading_changes.T @ (walks - stops) + (self._walks_off / len(self._transitions) * stands)[:, None]
        moved = np.empty_like(belief)
        moved[:, STANDING] = (1 - self._walks_off) * stands + stops.sum(1)
        moved[:, STANDING + 1 :] = (onward.transpose(1, 0, 2) @ self._transitions).transpose(1, 0, 2)
        return moved

    def _standing(self, walking: Array) -> Array:
        """Return the likelihood ratio (b, 1) of standing against walking."""
        return np.asarray(np.exp(-np.clip(walking, -self.parameters.gait_most, self.parameters.gait_most)))[:, None]

    def backward_step(self, ratio: Array, walking: Array) -> Array:
        """Carry what a later step told (b, d, n; smoothed over predicted) one step back."""
        ratio = ratio**self._keeps
        stands = ratio[:, STANDING] * self._standing(walking)
        walks = (ratio[:, STANDING + 1 :].transpose(1, 0, 2) @ self._transitions.transpose(0, 2, 1)).transpose(1, 0, 2)
        back = np.empty_like(ratio)
        back[:, STANDING] = (1 - self._walks_off) * stands + self._walks_off * walks.mean(1)
        back[:, STANDING + 1 :] = self._stops * stands[:, None] + (1 - self._stops) * (self._heading_changes @ walks)
        return np.asarray(back / back.max((1, 2), keepdims=True))

    def walking_log_odds(self, sums: Array, counts: Array) -> Array:
        """Return the log odds (b,) of walking against standing, from `sums` and `counts` (2, b, r) of two spans in a row."""
        both = (counts[0] > 0) & (counts[1] > 0)
        change = sums[0] / np.maximum(counts[0], 1) - sums[1] / np.maximum(counts[1], 1)
        still = self.parameters.fading_db**2 * (1 / np.maximum(counts[0], 1) + 1 / np.maximum(counts[1], 1)) + 1
        walk = still + self.parameters.walk_change_db2
        odds = 0.5 * np.square(change) * (1 / still - 1 / walk) - 0.5 * np.log(walk / still)
        odds = np.where(both, odds, 0).sum(1) * self.parameters.gait_share
        return np.asarray(np.where(both.sum(1) >= 2, odds, 0), dtype=np.float32)

    def update(
        self, belief: Array, offset_db: Array, offset_var: Array, mean_dbm: Array, count: Array, alive: Array
    ) -> tuple[Array, Array, Array]:
        """Update belief (b, d, n) by one step's readings; return also the phones' new offsets (b,) and variances (b,).

        `mean_dbm` (b, r): mean RSSI where `count` (b, r) > 0. `alive` (r,): 1 where a scanner's silence means something.
        """
        heard = count > 0
        trust = np.where(heard, self._typical / (self._typical + self.parameters.fading_db**2 / np.maximum(count, 1)), 0)
        above = np.where(heard, mean_dbm - offset_db[:, None], 0)
        log, shift, left = self._levels(trust.astype(np.float32), above.astype(np.float32), offset_var)
        share = self.parameters.strongest_share
        where = (1 - share) * 0.5 * (heard.astype(np.float32) @ self._log_weight)
        where += share * self.parameters.strongest_softness_db * self._strongest_scanner(heard, above)
        where += self.parameters.silence_share * self._silence(offset_db, count, alive)
        log = ((1 - share) * log + where[:, None]) * np.float32(self.step_s)
        log -= log.max((1, 2), keepdims=True)
        belief = _normal(belief * np.exp(log))
        mean = (belief * shift).sum((1, 2))
        spread = left.mean(1) + (belief * np.square(shift)).sum((1, 2)) - np.square(mean)
        low, high = self.parameters.phone_known_db**2, self.parameters.phone_spread_db**2
        return belief, offset_db + mean, np.clip(spread, low, high).astype(np.float32)

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

    def _strongest_scanner(self, heard: NDArray[np.bool_], above: Array) -> Array:
        """Return the expected log probability (b, n) of which scanner hears best."""
        soft = np.where(heard, above / self.parameters.strongest_softness_db, -np.inf)
        wins = np.exp(soft - soft.max(1, keepdims=True))
        return np.asarray((wins / wins.sum(1, keepdims=True)) @ self._log_strongest)

    def _silence(self, offset_db: Array, count: Array, alive: Array) -> Array:
        """Return the log probability (b, n) that the scanners which heard nothing would hear nothing; tabled by offset."""
        sent = np.minimum(count.max(1, keepdims=True), MOST_SENT)
        unheard = (sent * ((count == 0) & (alive > 0))).astype(np.float32)
        table = np.rint((offset_db + LARGEST_OFFSET_DB) / OFFSET_STEP_DB).astype(int).clip(0, len(self._log_unheard) - 1)
        result = np.zeros((len(count), self._level.shape[1]), dtype=np.float32)
        for index in np.unique(table):
            rows = table == index
            result[rows] = unheard[rows] @ self._log_unheard[index]
        return result

    def expected(self, state: Array, offset_db: Array, count: Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the packets that each scanner (r,) should have heard of all together, and the log probability (r,) of none.

        `state` (b, n) the belief, whose mean level stands for it; `count` (b, r).
        """
        sent = count.max(1, keepdims=True)
        hears = self._hears(state @ self._level.T + offset_db[:, None])
        return (hears * sent).sum(0).astype(float), (np.log1p(-hears) * np.minimum(sent, MOST_SENT)).sum(0).astype(float)

    def _hears(self, level_dbm: Array) -> Array:
        margin = (level_dbm - self.parameters.deaf_dbm) / self.parameters.deaf_slope_db
        return np.asarray(self.parameters.heard_share / (1 + np.exp(-margin)))

    def silence_information(self, offset_db: float) -> tuple[Array, Array]:
        """Return what one unheard packet says of a mean level (r, n): slope of its log probability per dB, information per dB²."""
        hears = self._hears(self._level + np.float32(offset_db))
        slope = hears * (1 - hears / self.parameters.heard_share) / self.parameters.deaf_slope_db
        information = slope**2 / np.maximum(hears * (1 - hears), 1e-9)
        return np.asarray(-slope / (1 - hears)), np.asarray(information)

    def zones(self, belief: Array) -> Array:
        """Return the probability per zone (b, z)."""
        return np.asarray(belief.sum(1) @ self._zone_rows)


LEAST_PROBABILITY = 1e-13
"""No state is ever ruled out, or no reading could bring it back."""


def _normal(belief: Array) -> Array:
    """Scale probabilities (b, d, n) to sum to 1, none of them zero."""
    belief = np.maximum(belief, np.float32(LEAST_PROBABILITY))
    return np.asarray(belief / belief.sum((1, 2), keepdims=True))


def _heading_changes(headings: int, parameters: ModelParameters, step_s: float) -> NDArray[np.float64]:
    """Return the probability (w, w) of each heading a step later: rows sum to 1."""
    keeps = np.exp(-step_s / parameters.heading_kept_s)
    if headings == 1:
        return np.ones((1, 1))
    ahead = np.eye(headings)
    beside = (np.roll(ahead, 1, axis=1) + np.roll(ahead, -1, axis=1)) / 2
    return np.asarray(keeps * ahead + (1 - keeps) * (parameters.veers_share * beside + (1 - parameters.veers_share) / headings))
