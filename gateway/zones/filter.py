"""The Bayesian filter over a place's states, for many shoppers at once.

Per shopper: the joint probability of where somebody is and what they do, standing or walking one of a few ways; and a Gaussian over
the phone's own offset. One step moves the probability, asks the readings themselves whether somebody walks, and weighs every
state by what all receivers heard, and by what they did not. Who walks faces where they go, so their body shadows what lies behind
them; of who stands the facing is unknown. Three errors are integrated out in closed form, because they hit all receivers of one
step together: the phone's offset, and by how much the body's shadow is another than expected, in two components. Shadows that hang
in space are the same from one second to the next, so belief also fades: evidence about a place counts for seconds, not for ever.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.zones.place import Place

Array = NDArray[np.float32]

STANDING = 0
"""What somebody does: 0 stands, 1 and on walks the place's ways."""
MOST_STEPS_AT_ONCE = 3
"""Somebody rarely heard is moved and weighed once in so many steps."""
MOST_SENT = 3.0
"""Packets of one step that count as independent chances to be heard."""
LARGEST_OFFSET_DB, OFFSET_STEP_DB = 24.0, 2.0
"""Range and grid of phone offsets for which silence is tabled."""
RECENT_STEPS_S = 2.0
"""Two means over so long, one after the other, tell walking from standing."""


@dataclass(frozen=True, slots=True)
class Physics:
    """What is assumed of phones and people, the same in every shop; taken from the literature, not fitted to one place."""

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
    course_s: float = 3.5
    """Mean time somebody who walks keeps their way."""
    veers: float = 0.75
    """Of the changes of way those to a neighbouring one; the others lead anywhere."""
    walk_change_db2: float = 30.0
    """Variance that two seconds of walking add to the change of a receiver's mean level."""
    gait_share: float = 0.2
    """Neighbouring receivers change together: the evidence for walking counts for this part."""
    gait_most: float = 3.0
    """And at most so much (log odds) in a step."""
    contest_db: float = 4.0
    """Softness of the contest `which receiver hears best`, whose outcome survives errors of the model's levels."""
    contest_share: float = 0.2
    """Part of the evidence that comes from the contest, the rest from the levels."""
    deaf_dbm: float = -88.0
    """At this mean level half of the packets are lost: fading and body push many below a receiver's -94."""
    deaf_slope_db: float = 5.0
    heard_share: float = 0.67
    """Of the packets of a strong phone, the share a good scanner reports."""
    silence_share: float = 0.5
    """Silence has many reasons that nobody modelled: its evidence counts for this part."""


class Filter:
    """The arithmetic; rows of every argument are shoppers. n states, r receivers, z zones, d doings (standing, and each way)."""

    def __init__(self, place: Place, physics: Physics, step_s: float) -> None:
        self.physics, self.step_s = physics, step_s
        self._walks_off, stops = (np.float32(1 - np.exp(-step_s / s)) for s in (physics.walks_off_s, physics.stops_s))
        self._stops = np.where(place.zone_of_state >= 0, stops, stops * physics.stops_between).astype(np.float32)
        self._course = _course(len(place.ways), physics, step_s).astype(np.float32)
        self._strides = place.strides.astype(np.float32)
        self._body = (physics.body_db * np.vstack([np.zeros(2), place.ways])).astype(np.float32)
        # What a doing's expected shadow adds to the regression in `_levels`: to the offset; to the likelihood, by the regression's
        # solution and covariance; and the constant that the expectation itself costs.
        self._tilts = self._body / np.float32(physics.body_spread_db**2)
        east, north = self._tilts.T
        self._pulls = np.column_stack([east, north, east**2 / 2, east * north, north**2 / 2])
        self._strange = ((self._body * self._tilts).sum(1) / 2)[:, None]
        self._zone_rows = np.zeros((len(place.zone_of_state), len(place.zones)), dtype=np.float32)
        inside = place.zone_of_state >= 0
        self._zone_rows[np.flatnonzero(inside), place.zone_of_state[inside]] = 1.0
        self.use(place)

    def use(self, place: Place) -> None:
        """Take up other levels and spreads of the same place.

        Sums over receivers become matrix products: one table (r, n) for each term of the Gaussian's exponent.
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
        known = np.clip(self.physics.plan_spread_db**2 / self._typical, 1, self.physics.fades_most)
        fades_s = np.array([self.physics.fades_standing_s, *[self.physics.fades_walking_s * known] * len(place.ways)])
        self._keeps = np.exp(-self.step_s / fades_s).astype(np.float32)[None, :, None]
        soft = level / self.physics.contest_db
        self._contest = (soft - np.logaddexp.reduce(soft, axis=1, keepdims=True)).T.astype(np.float32)
        self._level = level.T.astype(np.float32)
        offsets = np.arange(-LARGEST_OFFSET_DB, LARGEST_OFFSET_DB + 0.1, OFFSET_STEP_DB)
        self._mute = [np.log1p(-self._hears(self._level + np.float32(offset))) for offset in offsets]

    def fresh(self) -> Array:
        """The probability (d, n) of somebody of whom nothing is known: who comes, walks more often than not."""
        ways = len(self._strides)
        return np.outer([0.3, *[0.7 / ways] * ways], self.place.share).astype(np.float32)

    def move(self, chance: Array, walking: Array, steps: int = 1) -> Array:
        """Some steps of walking and standing: (b, d, n) to (b, d, n). `walking` (b,) log odds from `gait`."""
        for _ in range(steps):
            chance = self._stride(chance)
        chance[:, STANDING] *= self._standing(walking)
        return _normal(_normal(chance) ** self._keeps**steps)

    def _stride(self, chance: Array) -> Array:
        stands, walks = chance[:, STANDING], chance[:, STANDING + 1 :]
        stops = walks * self._stops
        onward = self._course.T @ (walks - stops) + (self._walks_off / len(self._strides) * stands)[:, None]
        moved = np.empty_like(chance)
        moved[:, STANDING] = (1 - self._walks_off) * stands + stops.sum(1)
        moved[:, STANDING + 1 :] = (onward.transpose(1, 0, 2) @ self._strides).transpose(1, 0, 2)
        return moved

    def _standing(self, walking: Array) -> Array:
        """How much the readings speak for standing, (b, 1)."""
        return np.asarray(np.exp(-np.clip(walking, -self.physics.gait_most, self.physics.gait_most)))[:, None]

    def back(self, ratio: Array, walking: Array) -> Array:
        """The same step backwards: what a step later was learned (b, d, n; smoothed over predicted), carried to this one."""
        ratio = ratio**self._keeps
        stands = ratio[:, STANDING] * self._standing(walking)
        ways = (ratio[:, STANDING + 1 :].transpose(1, 0, 2) @ self._strides.transpose(0, 2, 1)).transpose(1, 0, 2)
        back = np.empty_like(ratio)
        back[:, STANDING] = (1 - self._walks_off) * stands + self._walks_off * ways.mean(1)
        back[:, STANDING + 1 :] = self._stops * stands[:, None] + (1 - self._stops) * (self._course @ ways)
        return np.asarray(back / back.max((1, 2), keepdims=True))

    def gait(self, sums: Array, counts: Array) -> Array:
        """Log odds (b,) that somebody walks rather than stands, from `sums` and `counts` (2, b, r) of two spans in a row."""
        both = (counts[0] > 0) & (counts[1] > 0)
        change = sums[0] / np.maximum(counts[0], 1) - sums[1] / np.maximum(counts[1], 1)
        still = self.physics.fading_db**2 * (1 / np.maximum(counts[0], 1) + 1 / np.maximum(counts[1], 1)) + 1
        walk = still + self.physics.walk_change_db2
        odds = 0.5 * np.square(change) * (1 / still - 1 / walk) - 0.5 * np.log(walk / still)
        odds = np.where(both, odds, 0).sum(1) * self.physics.gait_share
        return np.asarray(np.where(both.sum(1) >= 2, odds, 0), dtype=np.float32)

    def weigh(
        self, chance: Array, offset_db: Array, offset_var: Array, mean_dbm: Array, count: Array, alive: Array
    ) -> tuple[Array, Array, Array]:
        """Weigh (b, d, n) by one step's hearing; also the phones' new offsets (b,) and variances (b,).

        `mean_dbm` (b, r): mean RSSI where `count` (b, r) > 0. `alive` (r,): 1 where a receiver's silence means something.
        """
        heard = count > 0
        trust = np.where(heard, self._typical / (self._typical + self.physics.fading_db**2 / np.maximum(count, 1)), 0)
        above = np.where(heard, mean_dbm - offset_db[:, None], 0)
        log, shift, left = self._levels(trust.astype(np.float32), above.astype(np.float32), offset_var)
        share = self.physics.contest_share
        where = (1 - share) * 0.5 * (heard.astype(np.float32) @ self._log_weight)
        where += share * self.physics.contest_db * self._outcome(heard, above)
        where += self.physics.silence_share * self._silence(offset_db, count, alive)
        log = ((1 - share) * log + where[:, None]) * np.float32(self.step_s)
        log -= log.max((1, 2), keepdims=True)
        chance = _normal(chance * np.exp(log))
        mean = (chance * shift).sum((1, 2))
        spread = left.mean(1) + (chance * np.square(shift)).sum((1, 2)) - np.square(mean)
        low, high = self.physics.phone_known_db**2, self.physics.phone_spread_db**2
        return chance, offset_db + mean, np.clip(spread, low, high).astype(np.float32)

    def _levels(self, trust: Array, above: Array, offset_var: Array) -> tuple[Array, Array, Array]:
        """Gaussian log likelihood (b, d, n), the offset's shift (b, d, n) and its variance (b, n).

        The residual is offset + east·cos + north·sin + error: with Gaussian priors on the three the marginal likelihood is that
        of a small linear regression per state (Bishop, Pattern Recognition and Machine Learning, 3.3), solved by hand for 3 x 3.
        The ways differ in the prior mean of (east, north) only, the shadow of a body that faces that way.
        """
        n = len(self.place.zone_of_state)
        by_count = (trust @ self._by_count).reshape(len(trust), 10, n)
        one, c, s, cc, cs, ss, level, level_c, level_s, level2 = by_count.transpose(1, 0, 2)
        weighted = trust * above
        up, up_c, up_s = (weighted @ self._by_level).reshape(len(trust), 3, n).transpose(1, 0, 2)
        square = (weighted * above) @ self._weight - 2 * (weighted @ self._weight_level) + level2
        j0, j1, j2 = up - level, up_c - level_c, up_s - level_s
        sure = np.float32(1 / self.physics.body_spread_db**2)
        a, d, f = one + 1 / offset_var[:, None], cc + sure, ss + sure
        m00, m01, m02 = d * f - cs * cs, cs * s - c * f, c * cs - d * s
        determinant = a * m00 + c * m01 + s * m02
        m00, m01, m02 = m00 / determinant, m01 / determinant, m02 / determinant
        m11, m12, m22 = (a * f - s * s) / determinant, (c * s - a * cs) / determinant, (a * d - c * c) / determinant
        x0, x1, x2 = m00 * j0 + m01 * j1 + m02 * j2, m01 * j0 + m11 * j1 + m12 * j2, m02 * j0 + m12 * j1 + m22 * j2
        still = -0.5 * (square - j0 * x0 - j1 * x1 - j2 * x2) - 0.5 * np.log(determinant)
        log = still[:, None] + self._pulls @ np.stack([x1, x2, m11, m12, m22], axis=1) - self._strange
        shift = x0[:, None] + self._tilts @ np.stack([m01, m02], axis=1)
        return log, shift, m00

    def bodies(self, weight: Array, chance: Array) -> NDArray[np.float64]:
        """What bodies are expected to add to levels, summed over shoppers: (r, n) dB, each reading by its `weight` (b, r)."""
        east, north = np.einsum("da,bdn->abn", self._body, chance)
        return np.asarray((weight.T @ east) * np.cos(self.place.bearing).T + (weight.T @ north) * np.sin(self.place.bearing).T)

    def _outcome(self, heard: NDArray[np.bool_], above: Array) -> Array:
        """Expected log chance (b, n) of who wins the contest."""
        soft = np.where(heard, above / self.physics.contest_db, -np.inf)
        wins = np.exp(soft - soft.max(1, keepdims=True))
        return np.asarray((wins / wins.sum(1, keepdims=True)) @ self._contest)

    def _silence(self, offset_db: Array, count: Array, alive: Array) -> Array:
        """Log chance (b, n) that the receivers which heard nothing would hear nothing; tabled by offset."""
        sent = np.minimum(count.max(1, keepdims=True), MOST_SENT)
        mute = (sent * ((count == 0) & (alive > 0))).astype(np.float32)
        table = np.rint((offset_db + LARGEST_OFFSET_DB) / OFFSET_STEP_DB).astype(int).clip(0, len(self._mute) - 1)
        result = np.zeros((len(count), self._level.shape[1]), dtype=np.float32)
        for index in np.unique(table):
            rows = table == index
            result[rows] = mute[rows] @ self._mute[index]
        return result

    def expected(self, state: Array, offset_db: Array, count: Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Packets that each receiver (r,) should have heard of all together, and the log chance (r,) of hearing none.

        `state` (b, n) the belief, whose mean level stands for it; `count` (b, r).
        """
        sent = count.max(1, keepdims=True)
        hears = self._hears(state @ self._level.T + offset_db[:, None])
        return (hears * sent).sum(0).astype(float), (np.log1p(-hears) * np.minimum(sent, MOST_SENT)).sum(0).astype(float)

    def _hears(self, level_dbm: Array) -> Array:
        margin = (level_dbm - self.physics.deaf_dbm) / self.physics.deaf_slope_db
        return np.asarray(self.physics.heard_share / (1 + np.exp(-margin)))

    def deafness(self, offset_db: float) -> tuple[Array, Array]:
        """What one packet's silence says of a mean level (r, n): slope of its log chance per dB, and information per dB²."""
        hears = self._hears(self._level + np.float32(offset_db))
        slope = hears * (1 - hears / self.physics.heard_share) / self.physics.deaf_slope_db
        information = slope**2 / np.maximum(hears * (1 - hears), 1e-9)
        return np.asarray(-slope / (1 - hears)), np.asarray(information)

    def zones(self, chance: Array) -> Array:
        """Probability per zone (b, z)."""
        return np.asarray(chance.sum(1) @ self._zone_rows)


LEAST_CHANCE = 1e-13
"""No state is ever ruled out, or no reading could bring it back."""


def _normal(chance: Array) -> Array:
    """Probabilities (b, d, n) that sum to 1, none of them zero."""
    chance = np.maximum(chance, np.float32(LEAST_CHANCE))
    return np.asarray(chance / chance.sum((1, 2), keepdims=True))


def _course(ways: int, physics: Physics, step_s: float) -> NDArray[np.float64]:
    """Which way somebody walks a step later (w, w): rows sum to 1."""
    keeps = np.exp(-step_s / physics.course_s)
    if ways == 1:
        return np.ones((1, 1))
    ahead = np.eye(ways)
    beside = (np.roll(ahead, 1, axis=1) + np.roll(ahead, -1, axis=1)) / 2
    return np.asarray(keeps * ahead + (1 - keeps) * (physics.veers * beside + (1 - physics.veers) / ways))
