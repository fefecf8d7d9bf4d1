"""Which receivers can be trusted to be hearing: a dead one's silence is no evidence, and its zones are unknown, not empty."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.zones.place import Place

Array = NDArray[np.float32]

SURELY_DEAF = -12.0
"""Log chance of a receiver's silence at which it is held for deaf: 1 in 160,000, were all well."""
SUSPECT = -4.0
"""And already here its silence stops counting against anybody's whereabouts."""
STEP_MOST = -2.5
"""One step says at most so much: what silences a receiver for a second is often just bad luck, for everybody at once."""
FORGETS = 0.995
"""Share of the record of heard and expected packets that a step keeps: minutes."""
CREDIT_PACKETS = 20.0
"""A receiver must have heard so many packets before its silence means anything."""


class Ears:
    """Keeps score per receiver (r): what it should have heard, and what it did."""

    def __init__(self, place: Place) -> None:
        count = len(place.receivers)
        self._place = place
        self._told_down = np.zeros(count, dtype=bool)
        self._score = np.zeros(count)
        self._heard = np.zeros(count)
        self._expected = np.zeros(count)
        self._own = place.zones_of_receiver

    @property
    def alive(self) -> NDArray[np.bool_]:
        """Which receivers are held to be hearing (r,)."""
        return ~self._told_down & (self._score > SURELY_DEAF)

    @property
    def trusted(self) -> NDArray[np.bool_]:
        """Which receivers' silence is evidence about people (r,)."""
        return ~self._told_down & (self._score > SUSPECT)

    def told(self, receiver: int, hears: bool) -> None:
        """Somebody who knows (the radio's own watch) says a receiver is down, or up again."""
        self._told_down[receiver] = not hears
        self._score[receiver] = 0.0

    def listen(self, heard: NDArray[np.float64], expected: NDArray[np.float64], silence: NDArray[np.float64]) -> None:
        """One step: packets heard and expected (r,), and the log chance (r,) of hearing nothing at all."""
        self._heard = FORGETS * self._heard + heard
        self._expected = FORGETS * self._expected + expected
        quality = np.clip(self._heard / np.maximum(self._expected, 1e-6), 0.0, 1.0)
        quality[self._heard < CREDIT_PACKETS] = 0.0
        step = np.maximum(silence * quality, STEP_MOST)
        self._score = np.where(heard > 0, 0.0, self._score + step)

    def blind(self) -> frozenset[int]:
        """Zones (indices) of which nothing can be known: every receiver that answers for them is deaf."""
        answered: set[int] = set()
        for receiver in np.flatnonzero(self.alive):
            answered |= self._own[receiver]
        return frozenset(range(len(self._place.zones))) - answered
