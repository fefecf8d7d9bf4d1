"""Why and why not, in both languages, with path, expected and actual."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rules import Book, Gate, Happening, Situation, explain
from rules.texts import Language

Make = Callable[..., dict[str, Any]]
Load = Callable[..., Book]
Situate = Callable[..., Situation]


def test_a_condition_names_the_comparison_that_decided_and_shows_them_all(book: Load, offer: Make, situation: Situate) -> None:
    made = book(offer(if_="stage in [fan, regular] and (visits >= 3 or bread in path)"))
    facts = {"stage": "fan", "visits": 2, "path": frozenset({"wine", "entrance"})}
    one = explain(made, situation(facts=facts))[0]
    assert (one.gate, one.condition) == (Gate.CONDITION, False)
    assert one.reason.path == "if.all[1].any[0]"
    assert (one.reason.expected[Language.NL], one.reason.actual[Language.NL]) == ("visits >= 3", "2")
    assert [(leaf.path, leaf.expected_text(Language.EN), leaf.actual_text(Language.EN), leaf.truth) for leaf in one.leaves] == [
        ("if.all[0]", "stage in [fan, regular]", "fan", True),
        ("if.all[1].any[0]", "visits >= 3", "2", False),
        ("if.all[1].any[1]", "bread in path", "[entrance, wine]", False),
    ]


def test_unknown_is_said_to_be_unknown(book: Load, offer: Make, situation: Situate) -> None:
    one = explain(book(offer(if_="not visits > 3")), situation())[0]
    assert (one.gate, one.condition, one.reason.path) == (Gate.UNKNOWN, None, "if.not")
    assert (one.reason.expected[Language.EN], one.reason.actual) == ("visits > 3", {"nl": "onbekend", "en": "unknown"})


@pytest.mark.parametrize(
    ("changes", "given", "gate", "path", "expected", "actual"),
    [
        ({}, {"zone": "bread"}, Gate.MOMENT, "at", "enter in wine", "enter in bread"),
        ({}, {"zone": None}, Gate.MOMENT, "at", "enter in wine", "enter in nowhere"),
        ({"until": "2026-11-01"}, {}, Gate.VALIDITY, "until", "until 2026-11-01 24:00", "2026-11-21 11:12"),
        ({"from_": "2026-12-01"}, {}, Gate.VALIDITY, "from", "from 2026-12-01 00:00", "2026-11-21 11:12"),
        ({}, {"facts": {"open": False}}, Gate.HOURS, "hours", "open", "sat 11:12"),
        ({"purpose": "aftercare"}, {"purposes": frozenset({"offers"})}, Gate.CONSENT, "purpose", "consent to aftercare", "offers"),
        ({"attention": 3}, {"attention": 0.5}, Gate.ATTENTION, "attention", "at least 3 attention", "0.5"),
        ({}, {"exhausted": frozenset({"hello"})}, Gate.EXHAUSTED, "caps", "some left", "all gone"),
        ({"priority": 1}, {"facts": {"affinity.hello": 0}}, Gate.SILENCE, "priority", "score above 0", "0"),
        ({"test": {"id": "t", "share": 0}}, {}, Gate.GHOST, "test", "not in a control group", "in a control group"),
        ({}, {}, Gate.CHOSEN, "", "every gate", "every gate"),
    ],
)
def test_every_gate_says_what_it_asked_and_found(
    book: Load,
    offer: Make,
    situation: Situate,
    changes: dict[str, Any],
    given: dict[str, Any],
    gate: Gate,
    path: str,
    expected: str,
    actual: str,
) -> None:
    one = explain(book(offer(**changes)), situation(**given))[0]
    assert (one.gate, one.reason.path, one.reason.expected[Language.EN], one.reason.actual[Language.EN]) == (
        gate,
        path,
        expected,
        actual,
    )
    assert one.text(Language.NL) != one.text(Language.EN)


def test_limits_and_cool_downs_say_how_often(book: Load, offer: Make, situation: Situate) -> None:
    at_s = situation().at_s
    history = tuple(Happening("hello", "announced", at_s - age, "old") for age in (100.0, 200.0))
    made = book(offer(limits=[{"at_most": 5, "every": "day"}, {"at_most": 2, "within": "7d"}]))
    one = explain(made, situation(history=history))[0]
    assert (one.gate, one.reason.path) == (Gate.LIMIT, "limits[1]")
    assert (one.reason.expected[Language.EN], one.reason.actual[Language.EN]) == ("less than 2 × seen (1w)", "2 ×")
    one = explain(book(offer(cooldown={"shown": "1h"})), situation(history=history))[0]
    assert (one.gate, one.reason.path) == (Gate.COOLDOWN, "cooldown.shown")
    assert one.reason.expected[Language.NL] == "niet seen in 1h"


def test_losers_are_told_who_won(book: Load, offer: Make, situation: Situate) -> None:
    made = book(
        offer("first", tier=2, priority=90, group="g"),
        offer("same-group", tier=2, group="g"),
        offer("polite", tier=2, yields_to=["first"]),
        offer("later", tier=3),
        groups={"g": {}},
        offers_per_move=2,
    )
    found = {one.offer: (one.gate, one.reason.actual[Language.EN]) for one in explain(made, situation())}
    assert found["same-group"] == (Gate.GROUP, "first")
    assert found["polite"] == (Gate.YIELDED, "first")
    assert found["later"] == (Gate.TIER, "tier 3")


def test_a_limit_that_fills_up_within_one_move_is_explained(book: Load, offer: Make, situation: Situate) -> None:
    made = book(offer("a", priority=90), offer("b"), offers_per_move=2, limits=[{"at_most": 1, "per": "visit"}])
    one = explain(made, situation())[1]
    assert (one.gate, one.reason.path) == (Gate.LIMIT, "limits[0]")
