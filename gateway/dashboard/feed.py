"""The event feed: the newest items, each with a sequence number, bounded whatever the shop does."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence

from gateway.dashboard.view import MOVE_KINDS, FeedItem

ROWS_MAX = 50
"""As many rows as a person reads; more only slow the browser down."""
MOVES_MAX = ROWS_MAX // 2
"""Moves come by the dozen; half of the rows stay for offers and what became of them."""
DWELL_MIN_S = 60.0
"""A shorter stay in a zone is passing by, and no news."""


class FeedRing:
    """A ring of the newest items. `tell` costs one append, whether or not anybody looks."""

    def __init__(self) -> None:
        self._moves: deque[tuple[int, FeedItem]] = deque(maxlen=MOVES_MAX)
        self._offers: deque[tuple[int, FeedItem]] = deque(maxlen=ROWS_MAX - MOVES_MAX)
        self._last = 0

    @property
    def last(self) -> int:
        """The number of the newest row; 0 before the first."""
        return self._last

    def tell(self, item: FeedItem) -> None:
        """Add what just happened, if a person would want to know."""
        if item.kind == "dwell" and item.dwell_s < DWELL_MIN_S:
            return
        self._last += 1
        (self._moves if item.kind in MOVE_KINDS else self._offers).append((self._last, item))

    def after(self, sequence: int) -> Sequence[tuple[int, FeedItem]]:
        """Return what came after `sequence` and is still kept, oldest first."""
        if sequence >= self._last:
            return ()
        return [row for row in heapq.merge(self._moves, self._offers) if row[0] > sequence]
