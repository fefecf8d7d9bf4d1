"""Seeded chance in place of a thumb."""

from __future__ import annotations

from random import Random
from typing import Any

from firmware_sim.reactions import EVERYDAY, ReactionHabits, imagine

VOUCHER: dict[str, Any] = {"voucher": {"code": "A"}, "zone": "wine"}
ALWAYS = ReactionHabits(shown=1.0, tapped=1.0, dismissed=0.0, redeemed=1.0, purchased=1.0, pause_s=(1.0, 1.0))


def what(offer: dict[str, Any], habits: ReactionHabits, seed: int = 1) -> list[str]:
    return [reaction.what for reaction in imagine(offer, habits, Random(seed))]


def test_a_voucher_goes_the_whole_way() -> None:
    assert what(VOUCHER, ALWAYS) == ["shown", "tapped", "redeemed", "purchased"]


def test_what_is_no_voucher_is_not_redeemed() -> None:
    assert what({"voucher": None}, ALWAYS) == ["shown", "tapped"]


def test_what_is_dismissed_is_not_tapped() -> None:
    assert what(VOUCHER, ReactionHabits(shown=1.0, dismissed=1.0)) == ["shown", "dismissed"]


def test_a_question_is_answered_with_one_of_its_answers() -> None:
    [_, tapped] = imagine({"question": {"answers": {"red": "Rood", "white": "Wit"}}}, ALWAYS, Random(1))
    assert tapped.more["answer"] in {"red", "white"}


def test_the_same_seed_reacts_the_same() -> None:
    assert imagine(VOUCHER, EVERYDAY, Random(7)) == imagine(VOUCHER, EVERYDAY, Random(7))
    assert len({tuple(what(VOUCHER, EVERYDAY, seed)) for seed in range(50)}) > 3
