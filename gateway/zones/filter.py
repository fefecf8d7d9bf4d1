"""A Bayesian filter over a place's states, for many shoppers at once.

Per shopper it holds the joint probability of where they are and what they do, standing or walking along one of a few headings,
and a Gaussian over the phone's own offset. One step advances the probability, asks the readings whether somebody walks, and
weighs every state by what the scanners heard and did not hear. Who walks faces where they go, so their body shadows what lies
behind them; of who stands the facing is unknown. Three errors are integrated out in closed form, because they hit all scanners
of one step together: the phone's offset, and the two components by which the body's shadow differs from the expected one.
Shadows of shelves stay the same from one second to the next, so belief also fades: evidence about a place counts for seconds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.zones.observation import EXPOSURE, OFFSET, PACKETS, VARIANCE, ObservationModel, Readings
from gateway.zones.parameters import ModelParameters
from gateway.zones.place_model import PlaceModel

Array = NDArray[np.float32]

STANDING = 0
"""Index of the motion state `standing`; from 1 on somebody walks along one of the place's headings."""
MOST_STEPS_AT_ONCE = 3
"""Somebody rarely heard is predicted and updated once in so many steps."""
RECENT_STEPS_S = 2.0
"""Two means over so long, one after the other, tell walking from standing."""


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
        self._zone_rows = np.zeros((len(place.zone_of_state), len(place.zones)), dtype=np.float32)
        inside = place.zone_of_state >= 0
        self._zone_rows[np.flatnonzero(inside), place.zone_of_state[inside]] = 1.0
        self.observations = ObservationModel(place, parameters, step_s)
        self.use(place)

    def use(self, place: PlaceModel) -> None:
        """Take up other levels and spreads of the same place."""
        self.place = place
        self.observations.use(place)
        known = np.clip(self.parameters.plan_spread_db**2 / self.observations.typical_db2, 1, self.parameters.fades_most)
        fades_s = np.array([self.parameters.fades_standing_s, *[self.parameters.fades_walking_s * known] * len(place.headings)])
        self._keeps = np.exp(-self.step_s / fades_s).astype(np.float32)[None, :, None]

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
        self, belief: Array, phone: Array, readings: Readings, reception: Array, steps: int = 1
    ) -> tuple[Array, Array, Array]:
        """Update belief (b, d, n) and what is believed of phones (4, b) by one step's readings.

        Return both anew, and the packets (b, r) that scanners as good as the best would have heard of each shopper in the step.
        `reception` (r,): the share of a good scanner's packets that each reports, 0 where its silence means nothing.
        """
        log, shift, left = self.observations.log_likelihood(readings, phone, reception, steps)
        log -= log.max((1, 2), keepdims=True)
        belief = _normal(belief * np.exp(log))
        mean = (belief * shift).sum((1, 2))
        spread = left.mean(1) + (belief * np.square(shift)).sum((1, 2)) - np.square(mean)
        low, high = self.parameters.phone_known_db**2, self.parameters.phone_spread_db**2
        phone = phone.copy()
        phone[OFFSET] += mean
        phone[VARIANCE] = np.clip(spread, low, high)
        hears = self.observations.heard_share(belief.sum(1), phone[OFFSET])
        sends = readings.counts.any(1)  # who is only measured otherwise says nothing of reception
        phone[PACKETS:, sends] *= np.float32(np.exp(-self.step_s * steps / self.parameters.packets_fade_s))
        phone[PACKETS] += readings.counts @ (reception > 0).astype(np.float32)
        phone[EXPOSURE] += np.where(sends, hears @ reception, 0) * np.float32(self.step_s * steps)
        return belief, phone, hears * np.where(sends, self.observations.packets(phone) * np.float32(steps), 0)[:, None]

    def new_phone(self) -> Array:
        """Return what is believed of a phone (4,) of which nothing was heard."""
        p = self.parameters
        return np.array([0.0, p.phone_spread_db**2, p.packets_per_s * p.packets_prior_s, p.packets_prior_s], dtype=np.float32)

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
