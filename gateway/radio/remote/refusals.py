"""Counts what was not taken of other scanners' messages, by scanner and reason; and remembers who isn't in the store plan. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from rules.format.errors import nearest

UNKNOWN_MAX = 16
"""Names kept of scanners that the plan doesn't know: enough to find a misspelt one, too few to fill the memory."""
LATELY_S = 60.0
"""What was refused within one to two of these is told to people; all that ever was, to machines."""


class RefusalReason(StrEnum):
    """Why something was not taken."""

    MALFORMED = "malformed"
    """It couldn't be read."""
    LATE = "late"
    """It was too old on arrival."""
    REPEATED = "repeated"
    """It came once more."""
    IMPOSSIBLE = "impossible"
    """Its time can't be: in the future, or no time at all."""
    UNKNOWN = "unknown scanner"
    """The store plan doesn't know who sent it."""
    RETAINED = "retained"
    """A broker kept it from some earlier time, and gave it out on subscription."""


@dataclass(frozen=True, slots=True)
class UnknownScanner:
    """Somebody who reports like a scanner, by a name that the store plan doesn't have."""

    name: str
    kind: str
    nearest: str | None
    """The plan's name that this one resembles, if any: perhaps it is misspelt."""


class Refusals:
    """The counts. `sources`: a scanner's id, or the format's name where it isn't clear who spoke."""

    def __init__(self, scanners: Iterable[str], names: Iterable[str] = ()) -> None:
        self._right_names = (*scanners, *names)
        self.total: Counter[tuple[str, RefusalReason]] = Counter()
        """Since the start."""
        self._now: Counter[tuple[str, RefusalReason]] = Counter()
        self._before: Counter[tuple[str, RefusalReason]] = Counter()
        self._turns_s = float("-inf")
        self._unknown: dict[str, tuple[UnknownScanner, float]] = {}

    def count(self, source: str, reason: RefusalReason, times: int = 1) -> None:
        """Add to a count."""
        self.total[source, reason] += times
        self._now[source, reason] += times

    def from_unknown(self, name: str, kind: str, at_s: float) -> None:
        """Count a message of somebody whom the plan doesn't know."""
        self.count(kind, RefusalReason.UNKNOWN)
        known = self._unknown.get(name)
        if known is not None:
            self._unknown[name] = known[0], at_s
        elif len(self._unknown) < UNKNOWN_MAX:
            self._unknown[name] = UnknownScanner(name, kind, nearest(name, self._right_names)), at_s

    def by_source(self) -> dict[str, dict[str, int]]:
        """Return all counts since the start: source → reason → how often."""
        return {source: self.of(source) for source in sorted({who for who, _ in self.total})}

    def sum_of(self, reason: RefusalReason) -> int:
        """Return how often it was this reason, whoever spoke."""
        return sum(times for (_, why), times in self.total.items() if why is reason)

    def of(self, source: str) -> dict[str, int]:
        """Return one source's counts since the start, by reason."""
        return {str(why): times for (who, why), times in self.total.items() if who == source}

    def lately(self, source: str) -> dict[str, int]:
        """Return one source's counts of the last minute or two, by reason."""
        return {str(why): times for (who, why), times in (self._now + self._before).items() if who == source}

    def unknown_scanners(self) -> list[UnknownScanner]:
        """Return who isn't in the plan and spoke in the last minute or two."""
        return [one for one, _ in self._unknown.values()]

    def tick(self, now_s: float) -> None:
        """Let time pass, by any clock."""
        if abs(now_s - self._turns_s) < LATELY_S:
            return
        self._turns_s, self._before, self._now = now_s, self._now, Counter()
        recent = {name: (who, at_s) for name, (who, at_s) in self._unknown.items() if abs(now_s - at_s) <= 2 * LATELY_S}
        self._unknown = recent
