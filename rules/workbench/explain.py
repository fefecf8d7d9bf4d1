"""Why and why not: for every offer the gate that decided, the path of what decided there, expected and actual, and each comparison.

The gate comes from the decision itself; the comparisons are evaluated here once more, all of them and without shortcuts. A property
test holds the two together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from rules.decision import Decision, Gate
from rules.engine.book import Book
from rules.engine.decide import decide
from rules.engine.evaluate import SHOP, FactsView, combine, count_happenings
from rules.engine.ranking import Ranker, by_priority_and_affinity
from rules.format.conditions import Compare, Count, IsKnown, Leaf, Node, Not
from rules.format.dates import Anniversary, duration_text
from rules.format.fields import Field, FieldType
from rules.format.operators import OPERATORS, Wants
from rules.local_time import Local
from rules.situation import Situation
from rules.texts import Language, in_each, text
from rules.texts.messages import GATES, phrase
from rules.workbench.reasons import Reason, reason_of


class LeafTruth(NamedTuple):
    """One comparison of a condition: what it asked, what was there (None: unknown), and its truth (None: unknown)."""

    leaf: Leaf
    actual: object
    truth: bool | None

    @property
    def path(self) -> str:
        """Return where it stands in the offer."""
        return self.leaf.path

    def expected_text(self, language: Language) -> str:
        """Return what it asked, as it could be written in the book."""
        return _leaf_text(self.leaf, language)

    def actual_text(self, language: Language) -> str:
        """Return what was there."""
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

    def text(self, language: Language = Language.EN) -> str:
        """One line for people."""
        why = self.reason
        detail = f" {why.path}: {why.expected[language]} ← {why.actual[language]}" if why.path else ""
        return f"{self.offer}: {text(language, GATES[self.gate])}{detail}"


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
        truth, decisive, leaves = evaluate(rule.node, view)
        gate = gates[rule.id]
        why = _leaf_reason(decisive) if gate in (Gate.CONDITION, Gate.UNKNOWN) else None
        if why is None:
            why = reason_of(rule, gate, book, situation, view, local, decision)
        found.append(Explanation(rule.id, gate, why, truth, leaves))
    return tuple(found)


class NodeTruth(NamedTuple):
    """The truth of a condition, the comparison that decided it, and every comparison in reading order."""

    truth: bool | None
    decisive: LeafTruth | None
    leaves: tuple[LeafTruth, ...]


def evaluate(node: Node, view: FactsView) -> NodeTruth:
    """Return the truth of a condition with every comparison looked at, without shortcuts."""
    if isinstance(node, Compare | Count | IsKnown):
        leaf = _leaf_truth(node, view)
        return NodeTruth(leaf.truth, leaf, (leaf,))
    parts = [evaluate(part, view) for part in ((node.part,) if isinstance(node, Not) else node.parts)]
    truth = combine(node, [part.truth for part in parts])
    decided = parts[0].decisive if isinstance(node, Not) else next((one.decisive for one in parts if one.truth is truth), None)
    return NodeTruth(truth, decided, tuple(leaf for one in parts for leaf in one.leaves))


def _leaf_truth(leaf: Leaf, view: FactsView) -> LeafTruth:
    if isinstance(leaf, Count):
        actual: object = count_happenings(view.happenings(leaf.offer or SHOP), leaf.what, view.at_s - leaf.within_s)
    else:
        actual = view.values.get(leaf.field.name)
    if actual is None:
        return LeafTruth(leaf, None, None)
    if isinstance(leaf, IsKnown):
        return LeafTruth(leaf, actual, True)
    return LeafTruth(leaf, actual, OPERATORS[leaf.operator].holds(actual, leaf.value, view.day))


def _leaf_reason(leaf: LeafTruth | None) -> Reason | None:
    if leaf is None:
        return None
    return Reason(leaf.path, in_each(leaf.expected_text), in_each(leaf.actual_text))


def _leaf_text(leaf: Leaf, language: Language) -> str:
    if isinstance(leaf, IsKnown):
        return phrase("known", language, field=leaf.field.name)
    if isinstance(leaf, Count):
        offer = leaf.offer or phrase("any_offer", language)
        within = f", {duration_text(leaf.within_s)}" if leaf.within_s < math.inf else ""
        return phrase(
            "count", language, what=leaf.what, offer=offer, within=within, operator=leaf.operator, value=f"{leaf.value:.12g}"
        )
    row = OPERATORS[leaf.operator]
    wanted = f"{leaf.value}d" if row.wants is Wants.DAYS else _value_text(leaf.field, leaf.value)
    return row.text.format(field=leaf.field.name, sign=row.sign, wanted=wanted)


def _value_text(field: Field, value: Any) -> str:
    if isinstance(value, frozenset):
        return f"[{', '.join(sorted(_value_text(field, one) for one in value))}]"
    if field.type is FieldType.CLOCK:
        return f"{value // 60:02}:{value % 60:02}"
    if field.type is FieldType.DATE:
        return str(value) if isinstance(value, Anniversary) else date.fromordinal(value).isoformat()
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.12g}" if isinstance(value, float) else str(value)
