"""Crowd figures: how many people are where, so that no figure, and no two figures together, tell about one person. Pure.

- Below K people a zone's figure is only "fewer than K".
- Figures are rounded down to whole steps of K and held until the count has moved by K: two figures of one zone are equal, or K
  people lie between them. Who fell below K comes back only K above the lowest count since. That is the rule against
  differencing in time.
- Figures are taken once in PERIOD_S for all zones together, so no change can be tied to the person who just walked in.
- No figure is given for zones together (the shop): zones are disjoint, and with a sum a hidden zone could be worked out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

K = 15
"""The Dutch precedent for counts of people."""
PERIOD_S = 300.0
"""As long as a figure lives on the wire."""


@dataclass(frozen=True, slots=True)
class Figure:
    """What may be told of a zone: `count` people, or None: fewer than `fewer_than`."""

    count: int | None
    fewer_than: int | None


@dataclass(slots=True)
class Crowd:
    """Turns true counts into figures that may be told. State: for each zone of the plan, the count behind its last figure."""

    k: int = K
    period_s: float = PERIOD_S
    _held: dict[str, int] = field(default_factory=dict)
    _period: int | None = None

    def figures(self, counts: Mapping[str, int], at_s: float) -> dict[str, Figure]:
        """Zone to figure. Within one period the answer stays the same, whatever the counts are by then."""
        period = int(at_s // self.period_s)
        if period != self._period:
            self._period = period
            for zone, count in counts.items():
                self._held[zone] = self._hold(self._held.get(zone, 0), count)
        return {zone: self._figure(self._held.get(zone, 0)) for zone in counts}

    def _hold(self, held: int, count: int) -> int:
        """Return the count behind the next figure, after the one behind the last."""
        if count < self.k:
            return min(held, count)
        return count if abs(count - held) >= self.k else held

    def _figure(self, count: int) -> Figure:
        if count < self.k:
            return Figure(None, self.k)
        return Figure(count // self.k * self.k, None)
