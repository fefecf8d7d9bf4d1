"""The event feed: the newest happenings, each with a sequence number, bounded whatever the shop does."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from gateway.dashboard.view import Happening

ROWS_MAX = 50
"""As many rows as a person reads; more only slow the browser down."""


class Feed:
    """A ring of the newest happenings. `tell` costs one append, whether or not anybody looks."""

    def __init__(self) -> None:
        self._rows: deque[tuple[int, Happening]] = deque(maxlen=ROWS_MAX)
        self._last = 0

    @property
    def last(self) -> int:
        """The number of the newest row; 0 before the first."""
        return self._last

    def tell(self, happening: Happening) -> None:
        """Add what just happened."""
        self._last += 1
        self._rows.append((self._last, happening))

    def after(self, sequence: int) -> Sequence[tuple[int, Happening]]:
        """What came after `sequence` and is still kept, oldest first."""
        missing = min(self._last - sequence, len(self._rows))
        return [self._rows[index] for index in range(-missing, 0)] if missing > 0 else []
