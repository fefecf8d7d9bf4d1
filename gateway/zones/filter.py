"""The Bayesian filter over a place's states, for many shoppers at once.

Per shopper: the joint probability of state and gait (standing or walking), and a Gaussian over the phone's own offset. One step
moves the probability by gait, asks the readings themselves whether somebody walks, and weighs every state by what all receivers
heard, and by what they did not. Three errors are integrated out in closed form, because they hit all receivers of one step
together: the phone's offset, and the two components of the shadow that the carrier's body throws. Shadows that hang in space are
the same from one second to the next, so belief also fades: evidence about a place counts for seconds, not for ever.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.zones.place import Place

Array = NDArray[np.float32]

STANDING, WALKING = 0, 1
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
    body_db: float = 5.0
    """Amplitude of the body's shadow as a cosine over direction: 8 dB between front and back."""
    phone_spread_db: float = 6.0
    """Phones differ by this before anything was heard of one."""
    phone_known_db: float = 2.0
    """However long a phone is heard, its offset is never known better than this: pockets and hands."""
    fades_standing_s: float = 15.0
    """Belief about somebody who stands fades this slowly: the same error is heard again and again, but nothing changes."""
    fades_walking_s: float = 3.0
    """And about somebody who walks: a shadow is 2 to 4 m long."""
    walks_off_s: float = 20.0
    """Mean time somebody stands."""
    stops_s: float = 8.0
    """Mean time somebody walks without a stop."""
    walk_change_db2: float = 30.0
    """Variance that two seconds of walking add to the change of a receiver's mean level."""
    gait_share: float = 0.4
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
    """The arithmetic; rows of every argument are shoppers. n states, r receivers, z zones."""

    def __init__(self, place: Place, physics: Physics, step_s: float) -> None:
        self.place, self.physics, self.step_s = place, physics, step_s
        off, stop = (1 - np.exp(-step_s / s) for s in (physics.walks_off_s, physics.stops_s))
        gait = np.array([[1 - off, off], [stop, 1 - stop]])
        fades = np.exp(-step_s / np.array([physics.fades_standing_s, physics.fades_walking_s]))
        times = range(1, MOST_STEPS_AT_ONCE + 1)
        self._roams = [np.linalg.matrix_power(place.roam, k).astype(np.float32) for k in times]
        self._gaits = [np.linalg.matrix_power(gait, k).astype(np.float32) for k in times]
        self._keeps = [(fades**k).astype(np.float32)[None, :, None] for k in times]
        self._zone_rows = np.zeros((len(place.zone_of_state), len(place.zones)), dtype=np.float32)
        inside = place.zone_of_state >= 0
        self._zone_rows[np.flatnonzero(inside), place.zone_of_state[inside]] = 1.0
        self._tables()

    def _tables(self) -> None:
        """Sums over receivers become matrix products: one table (r, n) for each term of the Gaussian's exponent."""
        level, weight = self.place.level_dbm, 1 / np.square(self.place.spread_db)
        cos, sin = np.cos(self.place.bearing), np.sin(self.place.bearing)
        ones = np.ones_like(cos)
        pairs = (ones, cos, sin, cos * cos, cos * sin, sin * sin)
        flat = [weight * term for term in pairs]
        tilted = [weight * level * term for term in (ones, cos, sin)]
        stacked = np.hstack([term.T for term in (*flat, *tilted, weight * level**2)])
        self._by_count = stacked.astype(np.float32)
        self._by_level = np.hstack([(weight * term).T for term in (ones, cos, sin)]).astype(np.float32)
        self._weight, self._weight_level = weight.T.astype(np.float32), (weight * level).T.astype(np.float32)
        self._log_weight = np.log(weight).T.astype(np.float32)
        self._typical = float(np.square(self.place.spread_db).mean())
        soft = level / self.physics.contest_db
        self._contest = (soft - np.logaddexp.reduce(soft, axis=1, keepdims=True)).T.astype(np.float32)
        self._level = level.T.astype(np.float32)
        offsets = np.arange(-LARGEST_OFFSET_DB, LARGEST_OFFSET_DB + 0.1, OFFSET_STEP_DB)
        self._mute = [np.log1p(-self._hears(self._level + np.float32(offset))) for offset in offsets]

    def fresh(self) -> Array:
        """The probability (2, n) of somebody of whom nothing is known."""
        share = self.place.share.astype(np.float32)
        return np.stack([share * 0.3, share * 0.7])

    def move(self, chance: Array, walking: Array, steps: int = 1) -> Array:
        """Some steps of walking and standing: (b, 2, n) to (b, 2, n). `walking` (b,) log odds from `gait`."""
        gait = self._gaits[steps - 1]
        standing = np.exp(-np.clip(walking, -self.physics.gait_most, self.physics.gait_most))
        moved = np.empty_like(chance)
        moved[:, STANDING] = chance[:, STANDING] * gait[0, 0] + chance[:, WALKING] * gait[1, 0]
        walks = chance[:, STANDING] * gait[0, 1] + chance[:, WALKING] * gait[1, 1]
        moved[:, WALKING] = walks @ self._roams[steps - 1]
        moved[:, STANDING] *= standing[:, None]
        np.maximum(moved, 1e-12, out=moved)
        moved /= moved.sum((1, 2), keepdims=True)
        faded = moved ** self._keeps[steps - 1]
        faded /= faded.sum((1, 2), keepdims=True)
        return faded

    def back(self, ratio: Array, walking: Array) -> Array:
        """The same step backwards: what a step later was learned (b, 2, n; smoothed over predicted), carried to this one."""
        gait = self._gaits[0]
        standing = np.exp(-np.clip(walking, -self.physics.gait_most, self.physics.gait_most))
        ratio = ratio ** self._keeps[0]
        stands = ratio[:, STANDING] * standing[:, None]
        walks = ratio[:, WALKING] @ self._roams[0].T
        back = np.stack([gait[0, 0] * stands + gait[0, 1] * walks, gait[1, 0] * stands + gait[1, 1] * walks], axis=1)
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
        """Weigh (b, 2, n) by one step's hearing; also the phones' new offsets (b,) and variances (b,).

        `mean_dbm` (b, r): mean RSSI where `count` (b, r) > 0. `alive` (r,): 1 where a receiver's silence means something.
        """
        heard = count > 0
        trust = np.where(heard, self._typical / (self._typical + self.physics.fading_db**2 / np.maximum(count, 1)), 0)
        above = np.where(heard, mean_dbm - offset_db[:, None], 0)
        log, shift, left = self._levels(trust.astype(np.float32), above.astype(np.float32), offset_var)
        log += 0.5 * (heard.astype(np.float32) @ self._log_weight)
        share = self.physics.contest_share
        log = (1 - share) * log + share * self.physics.contest_db * self._outcome(heard, above)
        log += self.physics.silence_share * self._silence(offset_db, count, alive)
        log *= self.step_s
        log -= log.max(1, keepdims=True)
        chance = chance * np.exp(log)[:, None, :]
        chance /= chance.sum((1, 2), keepdims=True)
        state = chance.sum(1)
        mean = (state * shift).sum(1)
        spread = left.mean(1) + (state * np.square(shift)).sum(1) - np.square(mean)
        low, high = self.physics.phone_known_db**2, self.physics.phone_spread_db**2
        return chance, offset_db + mean, np.clip(spread, low, high).astype(np.float32)

    def _levels(self, trust: Array, above: Array, offset_var: Array) -> tuple[Array, Array, Array]:
        """Gaussian log likelihood (b, n), the offset's shift (b, n) and its variance (b, n).

        The residual is offset + east·cos + north·sin + error: with Gaussian priors on the three the marginal likelihood is that
        of a small linear regression per state (Bishop, Pattern Recognition and Machine Learning, 3.3), solved by hand for 3 x 3.
        """
        n = len(self.place.zone_of_state)
        by_count = (trust @ self._by_count).reshape(len(trust), 10, n)
        one, c, s, cc, cs, ss, level, level_c, level_s, level2 = by_count.transpose(1, 0, 2)
        weighted = trust * above
        up, up_c, up_s = (weighted @ self._by_level).reshape(len(trust), 3, n).transpose(1, 0, 2)
        square = (weighted * above) @ self._weight - 2 * (weighted @ self._weight_level) + level2
        j0, j1, j2 = up - level, up_c - level_c, up_s - level_s
        body = 2 / self.physics.body_db**2
        a, d, f = one + 1 / offset_var[:, None], cc + body, ss + body
        m00, m01, m02 = d * f - cs * cs, cs * s - c * f, c * cs - d * s
        determinant = a * m00 + c * m01 + s * m02
        m11, m12, m22 = a * f - s * s, c * s - a * cs, a * d - c * c
        x0 = (m00 * j0 + m01 * j1 + m02 * j2) / determinant
        x1 = (m01 * j0 + m11 * j1 + m12 * j2) / determinant
        x2 = (m02 * j0 + m12 * j1 + m22 * j2) / determinant
        log = -0.5 * (square - j0 * x0 - j1 * x1 - j2 * x2) - 0.5 * np.log(determinant)
        return log, x0, m00 / determinant

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
