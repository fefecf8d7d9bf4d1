"""One offer made ready to decide about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from rules.decision import CapKind, Codes, Worth
from rules.engine.evaluate import LimitRule, Test
from rules.engine.ranking import Candidate
from rules.format import document
from rules.format.conditions import Compare, IsKnown, Node, fields_of, leaves
from rules.format.fields import BUILT_IN, Field
from rules.format.kinds.kind import Asking, Giving
from rules.format.operators import OPERATORS
from rules.format.templates import CardTemplate
from rules.texts import Language


class Trigger(NamedTuple):
    """A moment of an offer: its event comes from the index, the rest is looked at here."""

    event: str
    zones: frozenset[str]
    dwell_s: float
    returns: bool
    of: frozenset[str]


class CapRule(NamedTuple):
    """A cap before its window is known."""

    key: str
    kind: CapKind
    at_most: int
    amount: int
    per_shopper: bool
    every: str | None


@dataclass(frozen=True, slots=True)
class Rule:
    """An offer compiled. Its own `voucher_limits` make a fallback step in, its own `limits` silence it altogether;
    `shared_limits` are those of its category, group and shop."""

    index: int
    offer: document.Offer
    triggers: tuple[Trigger, ...]
    node: Node
    tests: tuple[Test, ...]
    """Its condition: all of these must be true."""
    from_s: float
    until_s: float
    voucher_until_s: float
    """The written end of its voucher; infinite where that is worked out for each promise."""
    limits: tuple[LimitRule, ...]
    shared_limits: tuple[LimitRule, ...]
    voucher_limits: tuple[LimitRule, ...]
    cooldowns: tuple[tuple[str, float], ...]
    looks_back_s: float
    """What happened longer ago, and not in this visit, none of its own cool-downs and limits counts."""
    caps: tuple[CapRule, ...]
    yields_to: frozenset[str]
    asks: Asking | None
    """What its card asks."""
    purposes: frozenset[str]
    """What the shopper must have consented to: the offer's purpose, and that of the attribute it asks for."""
    always_made: bool
    """Made in control groups too."""
    cards: Mapping[Language, CardTemplate]
    fallback: Mapping[Language, CardTemplate] | None
    worth: Mapping[Language, Worth] | None
    codes: Codes | None
    giving: Giving | None
    """What a promise of it gives, as written; `worth` and `codes` are the same, ready."""
    cost_cents: int
    # what `decide` reads for every candidate, without a detour through the model
    id: str
    family: str
    """Category and group: offers that have both in common share all limits but their own."""
    tier: int
    attention: float
    affinity: Field
    candidate: Candidate
    """Among the candidates where the backend says nothing of the shopper's affinity."""

    def reads(self) -> dict[str, Field]:
        """The fields that its condition, words and moments read."""
        found = fields_of(self.node)
        if any(trigger.returns for trigger in self.triggers):
            found["entries"] = BUILT_IN["entries"]
        if any(trigger.of for trigger in self.triggers):
            found["purchase"] = BUILT_IN["purchase"]
        return found

    def reads_in_full(self) -> set[str]:
        """Return the dates of which it asks more than their day in any year."""
        read = (leaf for leaf in leaves(self.node) if isinstance(leaf, Compare | IsKnown))
        return {leaf.field.name for leaf in read if isinstance(leaf, IsKnown) or not OPERATORS[leaf.operator].is_yearly}
