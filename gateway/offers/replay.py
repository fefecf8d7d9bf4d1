"""What a draft would have done: the logged decisions once more, with the draft in place of the book that was live."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.offers import logbook
from gateway.storage import Connection, decisions
from rules import Book, decide

SHOWN_MAX = 200
"""Differences listed one by one; beyond it they are only counted."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One decision that would have gone otherwise. Offers by id; a ghost counts, for it was decided alike."""

    decision: str
    at_s: float
    shopper: str
    event: str
    zone: str | None
    was: tuple[str, ...]
    would_be: tuple[str, ...]


@dataclass(slots=True)
class Replay:
    """All logged decisions of a span against a draft."""

    decisions: int = 0
    same: int = 0
    was: Counter[str] = field(default_factory=Counter)
    would_be: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)


def replay(connection: Connection, draft: Book, from_s: float) -> Replay:
    """Decide again, with a draft, what was decided since a moment.

    Each decision stands by itself, with the history and facts as they were: what the draft would have changed in a later history
    isn't followed. A fact that no rule read at the time was not logged, so it is unknown to the draft too.
    """
    outcome = Replay()
    for difference in _decided_again(connection, draft, from_s):
        outcome.decisions += 1
        outcome.was.update(difference.was)
        outcome.would_be.update(difference.would_be)
        if set(difference.was) == set(difference.would_be):
            outcome.same += 1
        elif len(outcome.differences) < SHOWN_MAX:
            outcome.differences.append(difference)
    return outcome


def _decided_again(connection: Connection, draft: Book, from_s: float) -> Iterator[Difference]:
    for row in decisions.since(connection, from_s):
        again = decide(draft, logbook.unpack(row.inputs))
        was = tuple(one["offer"] for one in (*row.outcome["chosen"], *row.outcome["ghosts"]))
        would_be = tuple(one.offer for one in (*again.chosen, *again.ghosts))
        yield Difference(row.id, row.at_s, row.shopper, row.event, row.zone, was, would_be)
