"""Corrects another scanner's times by the box's own. Pure: both times come in.

A sender's clock may be off by any amount, may step when the network sets it, and may claim anything once. What is known for sure is
when its message came, by this box's clock. Delay only ever adds; so of each message the newest stamp counts:

* within TOLERANCE_S of what is expected: all is well;
* right by this box's own clock: the sender's clock is right (again), at once;
* anything else is a delay, a backlog, an outlier or a clock that is off. Only a clock that is off is off by the same in a later
  message as well, which is then believed. Until then what seems old is old, and what claims to be from the future is refused.

A stamp of weeks ago is no backlog, for nothing keeps receptions so long: that clock was never set, and is corrected at once.

A backlog that arrives in a burst is never taken for a clock: its messages grow younger faster than time passes.
"""

from __future__ import annotations

TOLERANCE_S = 2.0
"""Stamps in whole seconds and the network's delay; a scanner that is further off has its times corrected."""
BACKLOG_MOST_S = 7 * 86_400.0
"""A broker or link that is away for longer has lost what it kept; clocks that were never set are off by months and years."""
LATER_S = 0.9
"""How much later a message must come to confirm another: the next of a scanner that sends every second."""


class SenderClock:
    """One sender's clock: what is added to its times to have them in this box's time."""

    def __init__(self) -> None:
        self.offset_s = 0.0
        self._suspected: tuple[float, float] | None = None
        """An offset that one message alone claims, and when that message came."""

    def note(self, newest_s: float, received_s: float) -> None:
        """Take in the newest stamp of a message, before any of its stamps is corrected."""
        difference_s = received_s - newest_s
        if abs(difference_s - self.offset_s) <= TOLERANCE_S:
            self._suspected = None
        elif abs(difference_s) <= TOLERANCE_S:
            self.offset_s, self._suspected = 0.0, None
        elif difference_s > BACKLOG_MOST_S:
            self.offset_s, self._suspected = difference_s, None
        elif self._suspected is None or abs(difference_s - self._suspected[0]) > TOLERANCE_S:
            self._suspected = difference_s, received_s
        elif received_s - self._suspected[1] >= LATER_S:
            self.offset_s, self._suspected = min(difference_s, self._suspected[0]), None

    def age_s(self, claimed_s: float, received_s: float) -> float:
        """Return how old an event was on arrival that the sender's clock puts at `claimed_s`; negative: it claims the future."""
        return received_s - claimed_s - self.offset_s
