"""The logged decisions of the past days against a draft: who would have got what instead."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from rules.engine.book import Book
from rules.engine.decide import decide
from rules.situation import Situation


class LoggedDecision(NamedTuple):
    """A decision as it was logged: the situation, and the offers made or (in control) ghosted."""

    situation: Situation
    offers: tuple[str, ...]


class Difference(NamedTuple):
    """One decision that the draft makes differently."""

    at_s: float
    shopper: str
    zone: str | None
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(slots=True)
class ReplayReport:
    """What a draft changes. `gained` and `lost` count decisions by offer; `differences` keeps the first MOST_KEPT."""

    decisions: int = 0
    changed: int = 0
    gained: dict[str, int] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)


MOST_KEPT = 1000
"""Differences kept in full: as many as anyone reads, and a bound on memory for a month of decisions."""


def replay_decisions(draft: Book, logged: Iterable[LoggedDecision]) -> ReplayReport:
    """Decides every logged situation again with the draft and notes what differs.

    Each decision is taken with the history as it was: what the draft would have changed later is not carried forward.
    """
    report = ReplayReport()
    for situation, before in logged:
        decision = decide(draft, situation)
        after = tuple(chosen.offer for chosen in (*decision.chosen, *decision.ghosts))
        report.decisions += 1
        for offers, counts in (
            (set(after) - set(before), report.gained),
            (set(before) - set(after), report.lost),
            (set(before) & set(after), report.kept),
        ):
            for offer in offers:
                counts[offer] = counts.get(offer, 0) + 1
        if set(after) != set(before):
            report.changed += 1
            if len(report.differences) < MOST_KEPT:
                report.differences.append(Difference(situation.at_s, situation.shopper, situation.zone, before, after))
    return report
