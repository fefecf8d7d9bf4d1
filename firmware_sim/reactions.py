"""What a shopper does with an offer: seeded chance in place of a thumb. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any


@dataclass(frozen=True, slots=True)
class ReactionHabits:
    """How shoppers react: probabilities, each given the step before, and the pause before a step in seconds."""

    shown: float = 0.95
    tapped: float = 0.5
    dismissed: float = 0.25
    redeemed: float = 0.5
    purchased: float = 0.6
    pause_s: tuple[float, float] = (0.5, 4.0)


EVERYDAY = ReactionHabits()


@dataclass(frozen=True, slots=True)
class Reaction:
    """One thing a shopper does, `pause_s` after the one before; `more` is what the receipt says besides."""

    what: str
    pause_s: float
    more: Mapping[str, object] = field(default_factory=dict)


def imagine(offer: Mapping[str, Any], habits: ReactionHabits, rng: Random) -> list[Reaction]:
    """Imagine what happens to an announced offer (the message's `data`), in order."""
    reactions: list[Reaction] = []

    def does(what: str, chance: float, **more: object) -> bool:
        if rng.random() >= chance:
            return False
        reactions.append(Reaction(what, rng.uniform(*habits.pause_s), more))
        return True

    if not does("shown", habits.shown) or does("dismissed", habits.dismissed):
        return reactions
    question = offer.get("question")
    answer = {"answer": rng.choice(sorted(question["answers"]))} if question else {}
    if does("tapped", habits.tapped, **answer) and offer.get("voucher") and does("redeemed", habits.redeemed):
        does("purchased", habits.purchased, products=[str(offer.get("zone") or "groceries")])
    return reactions
