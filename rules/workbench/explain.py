"""Why and why not: for every offer the gate that decided, the path of what decided there, expected and actual, and each comparison.

The gate comes from the decision itself; the comparisons are evaluated here once more, all of them and without shortcuts. A property
test holds the two together.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from rules.decision import Decision, Gate
from rules.engine.book import Book
from rules.engine.decide import decide
from rules.engine.evaluate import SHOP, FactsView, combine, count_happenings
from rules.engine.local_time import Local
from rules.engine.ranking import Ranker, by_priority_and_affinity
from rules.format.conditions import Compare, Count, IsKnown, Leaf, Node, Not
from rules.format.fields import Field, FieldType
from rules.format.literals import duration_text
from rules.situation import Situation
from rules.words import GATES, Language, phrase
from rules.workbench.reasons import Reason, reason_of

_HOLDS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda actual, wanted: actual in wanted,
    "not in": lambda actual, wanted: actual not in wanted,
    "has": lambda actual, wanted: wanted in actual,
    "lacks": lambda actual, wanted: wanted not in actual,
}


class LeafTruth(NamedTuple):
    """One comparison of a condition: what it asked, what was there (None: unknown), and its truth (None: unknown)."""

    leaf: Leaf
    actual: Any
    truth: bool | None

    @property
    def path(self) -> str:
        """Where it stands in the offer."""
        return self.leaf.path

    def expected_text(self, language: Language) -> str:
        """What it asked, as it could be written in the book."""
        return _leaf_text(self.leaf, language)

    def actual_text(self, language: Language) -> str:
        """What was there."""
        if self.actual is None:
            return phrase("unknown", language)
        return _value_text(self.leaf.field, self.actual) if not isinstance(self.leaf, Count) else str(self.actual)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one offer was made, or why not."""

    offer: str
    gate: Gate
    reason: Reason
    """Path, expected and actual of what decided at that gate, in both languages."""
    condition: bool | None
    """The truth of the whole condition, worked out even where an earlier gate decided."""
    leaves: tuple[LeafTruth, ...]

    def text(self, language: Language = "en") -> str:
        """One line for people."""
        why = self.reason
        detail = f" {why.path}: {why.expected[language]} ← {why.actual[language]}" if why.path else ""
        return f"{self.offer}: {GATES[self.gate][language]}{detail}"


def explain(book: Book, situation: Situation, ranker: Ranker = by_priority_and_affinity) -> tuple[Explanation, ...]:
    """One explanation for every offer of the book, in the book's order; the gates are those of `decide`."""
    return explain_decision(book, situation, decide(book, situation, ranker))


def explain_decision(book: Book, situation: Situation, decision: Decision) -> tuple[Explanation, ...]:
    """The explanations of a decision that this book made in this situation."""
    local = Local(situation.at_s, book.zone)
    view = book.view_of(situation, local)
    gates = {verdict.offer: verdict.gate for verdict in decision.verdicts}
    found = []
    for rule in book.rules:
        leaves: list[LeafTruth] = []
        truth, decisive = _evaluate(rule.node, view, leaves)
        gate = gates[rule.id]
        why = _leaf_reason(decisive) if gate in (Gate.CONDITION, Gate.UNKNOWN) else None
        if why is None:
            why = reason_of(rule, gate, book, situation, view, local, decision)
        found.append(Explanation(rule.id, gate, why, truth, tuple(leaves)))
    return tuple(found)


def _evaluate(node: Node, view: FactsView, leaves: list[LeafTruth]) -> tuple[bool | None, LeafTruth | None]:
    """The truth of a node with every comparison looked at, and the comparison that decided it."""
    if isinstance(node, Compare | Count | IsKnown):
        leaf = _leaf_truth(node, view)
        leaves.append(leaf)
        return leaf.truth, leaf
    parts = [_evaluate(part, view, leaves) for part in ((node.part,) if isinstance(node, Not) else node.parts)]
    truth = combine(node, [part for part, _ in parts])
    if isinstance(node, Not):
        return truth, parts[0][1]
    return truth, next((decisive for part, decisive in parts if part is truth), None)


def _leaf_truth(leaf: Leaf, view: FactsView) -> LeafTruth:
    if isinstance(leaf, Count):
        actual: Any = count_happenings(view.happenings(leaf.offer or SHOP), leaf.what, view.at_s - leaf.within_s)
    else:
        actual = view.values.get(leaf.field.name)
    if actual is None:
        return LeafTruth(leaf, None, None)
    return LeafTruth(leaf, actual, isinstance(leaf, IsKnown) or _HOLDS[leaf.operator](actual, leaf.value))


def _leaf_reason(leaf: LeafTruth | None) -> Reason | None:
    if leaf is None:
        return None
    return Reason(
        leaf.path,
        {"nl": leaf.expected_text("nl"), "en": leaf.expected_text("en")},
        {"nl": leaf.actual_text("nl"), "en": leaf.actual_text("en")},
    )


def _leaf_text(leaf: Leaf, language: Language) -> str:
    if isinstance(leaf, IsKnown):
        return phrase("known", language, field=leaf.field.name)
    if isinstance(leaf, Count):
        offer = leaf.offer or phrase("any_offer", language)
        within = f", {duration_text(leaf.within_s)}" if leaf.within_s < math.inf else ""
        return phrase(
            "count", language, what=leaf.what, offer=offer, within=within, operator=leaf.operator, value=f"{leaf.value:g}"
        )
    wanted = _value_text(leaf.field, leaf.value)
    if leaf.operator in ("has", "lacks"):
        return f"{wanted} {'in' if leaf.operator == 'has' else 'not in'} {leaf.field.name}"
    return f"{leaf.field.name} {leaf.operator} {wanted}"


def _value_text(field: Field, value: Any) -> str:
    if isinstance(value, frozenset):
        return f"[{', '.join(sorted(_value_text(field, one) for one in value))}]"
    if field.type is FieldType.CLOCK:
        return f"{value // 60:02}:{value % 60:02}"
    if field.type is FieldType.DATE:
        return date.fromordinal(value).isoformat()
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
