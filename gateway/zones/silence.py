"""Judges which scanners hear: a dead one's silence is no evidence, and its zones are unknown, not empty.

A scanner begins unheard, and may be dead: it hears from its first reading on, or once the radio's own watch says that it does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.zones.place_model import PlaceModel

Array = NDArray[np.float32]

SURELY_DEAF = -12.0
"""Log probability of a scanner's silence at which it is held for deaf: 1 in 160,000, were all well."""
SUSPECT = -4.0
"""And already here its silence stops counting against anybody's whereabouts."""
STEP_MOST = -2.5
"""One step says at most so much: what silences a scanner for a second is often just bad luck, for everybody at once."""
FORGETS = 0.995
"""Share of the record of heard and expected packets that a step keeps: minutes."""
CREDIT_PACKETS = 20.0
"""A scanner must have heard so many packets before it can be held for deaf; its measured reception starts from one of so many."""
MISSED_PACKETS = 5.0
"""A scanner not heard yet is taken for one that hears until so many packets should have reached it: most scanners live."""
BEST_RECEPTION = 1.5
"""A scanner hears at most so many times what the others do."""


class ScannerSilence:
    """Keeps count per scanner (r) of what it should have heard, and what it did."""

    def __init__(self, place: PlaceModel) -> None:
        count = len(place.scanners)
        self._place = place
        self._unheard = set(range(count))
        self._down = np.ones(count, dtype=bool)
        self._score = np.zeros(count)
        self._heard = np.zeros(count)
        self._expected = np.zeros(count)
        self._own = place.zones_of_scanner

    @property
    def alive(self) -> NDArray[np.bool_]:
        """Tell which scanners (r,) are believed to hear."""
        return ~self._down & (self._score > SURELY_DEAF)

    @property
    def trusted(self) -> NDArray[np.bool_]:
        """Tell which scanners' (r,) silence is evidence about people."""
        return ~self._down & (self._score > SUSPECT)

    @property
    def reception(self) -> Array:
        """Return the share (r,) of what it should hear that each scanner reports, as measured; 0 where its silence says nothing."""
        share = (self._heard + CREDIT_PACKETS) / (self._expected + CREDIT_PACKETS)
        known = np.where(self.trusted, np.minimum(share, BEST_RECEPTION), 0)
        unheard = np.isin(np.arange(len(share)), list(self._unheard)) & (self._expected < MISSED_PACKETS)
        return np.where(unheard, 1.0, known).astype(np.float32)

    def told(self, scanner: int, hears: bool) -> None:
        """Take the word of the radio's own watch that a scanner is down, or up again."""
        self._unheard.discard(scanner)
        self._down[scanner] = not hears
        self._score[scanner] = 0.0

    def heard(self, scanner: int) -> None:
        """Take a reading for a proof that a scanner hears of which nothing was known before."""
        if scanner in self._unheard:
            self.told(scanner, hears=True)

    def listen(self, heard: NDArray[np.float64], expected: NDArray[np.float64]) -> None:
        """Take in one step: packets heard, and those expected of a good scanner (r,)."""
        self._heard = FORGETS * self._heard + heard
        self._expected = FORGETS * self._expected + expected
        quality = np.clip(self._heard / np.maximum(self._expected, 1e-6), 0.0, 1.0)
        quality[self._heard < CREDIT_PACKETS] = 0.0
        step = np.maximum(-expected * quality, STEP_MOST)
        self._score = np.where(heard > 0, 0.0, self._score + step)

    def blind(self) -> frozenset[int]:
        """Return the zones (indices) of which nothing can be known: every scanner that answers for them is deaf."""
        answered: set[int] = set()
        for scanner in np.flatnonzero(self.alive):
            answered |= self._own[scanner]
        return frozenset(range(len(self._place.zones))) - answered
