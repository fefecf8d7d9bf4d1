"""What deciding, explaining and loading cost with a book of 200 offers, beside a plain Python floor in the same run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import rules
from rules import PURPOSES, Book, Happening, Situation, decide, explain, load_book

OFFERS = 200
ZONES = ("entrance", "fruit", "bread", "cheese", "meat", "fish", "wine", "ready_meals", "dairy", "frozen", "household", "checkout")
NOW = 1_795_256_000.0
DAY = 86_400.0

OFFER = """
  - id: offer-{number}
    kind: voucher
    category: savings
    tier: 5
    priority: {priority}
    at: {{event: dwell, zone: {zone}, for: 10s}}
    if: stage in [regular, fan] and visits_90d >= 3 and not seen("offer-{other}", 30d)
    limits: [{{at_most: 3, within: 30d}}]
    cooldown: {{shown: 1d, dismissed: 14d}}
    voucher: {{worth: {{percent: 10}}, cost: 1.5, codes: {{generated: 8}}, valid_for: 2h}}
    caps: {{issues: 100, per_shopper: 1}}
    content:
      nl: {{title: Proef de nieuwe Rioja, body: "Vandaag {{percent}} op alle rode wijn, tot {{ends}}."}}
      en: {{title: Taste the new Rioja, body: "Today {{percent}} off all red wine, until {{ends}}."}}
"""


def text_of(zone: Callable[[int], str]) -> str:
    """A book of 200 vouchers as YAML."""
    limits = "{savings: {label: {nl: w, en: w}, limits: [{at_most: 9, within: 1d}]}}"
    head = f"book: big\nsalt: big\ncontrol_share: 0.05\ncategories: {limits}\noffers:"
    body = (
        OFFER.format(number=number, other=(number + 1) % OFFERS, zone=zone(number), priority=10 + number % 80)
        for number in range(OFFERS)
    )
    return head + "".join(body)


@pytest.fixture(scope="module")
def spread() -> str:
    """200 offers over 12 zones: a supermarket's book."""
    return text_of(lambda number: ZONES[number % len(ZONES)])


@pytest.fixture(scope="module")
def crowded() -> Book:
    """The worst a book can be: all 200 offers wait in one zone."""
    return load_book(text_of(lambda number: "wine"))


@pytest.fixture
def situation() -> Situation:
    """A regular with a history of forty promises."""
    history = tuple(Happening(f"offer-{number}", "announced", NOW - number * 3 * DAY, "old") for number in range(1, 41))
    facts: dict[str, Any] = {"stage": "fan", "visits_90d": 5, "path": frozenset(ZONES[:6]), "intent": "browsing"}
    return Situation("s-1", NOW, "dwell", "wine", 12.0, "v-1", frozenset(PURPOSES), "nl", facts, {}, history, 5.0, frozenset())


def in_ms(benchmark: BenchmarkFixture, goal_ms: float | None = None) -> None:
    """Says the fastest round in milliseconds, beside its goal where it has one."""
    if benchmark.stats is not None:
        goal = {} if goal_ms is None else {"goal_ms": goal_ms}
        benchmark.extra_info |= {"ms": round(benchmark.stats.stats.min * 1e3, 3)} | goal


def test_floor_one_dictionary_look_up_per_offer(benchmark: BenchmarkFixture) -> None:
    table = {f"offer-{number}": number for number in range(OFFERS)}
    assert benchmark(lambda: [table[name] for name in table])[-1] == OFFERS - 1


def test_deciding_one_move_with_200_offers(benchmark: BenchmarkFixture, spread: str, situation: Situation) -> None:
    book = load_book(spread)
    decision = benchmark(decide, book, situation)
    assert len(decision.verdicts) == OFFERS
    assert len(decision.chosen) + len(decision.ghosts) == 1
    in_ms(benchmark, 0.3)


def test_deciding_one_move_with_200_offers_in_one_zone(benchmark: BenchmarkFixture, crowded: Book, situation: Situation) -> None:
    decision = benchmark(decide, crowded, situation)
    assert len(decision.chosen) + len(decision.ghosts) == 1
    in_ms(benchmark, 0.3)


def test_explaining_every_comparison_of_200_offers(benchmark: BenchmarkFixture, spread: str, situation: Situation) -> None:
    book = load_book(spread)
    explanations = benchmark(explain, book, situation)
    assert sum(len(one.leaves) for one in explanations) == 3 * OFFERS
    in_ms(benchmark, 5)


def test_loading_and_checking_200_offers(benchmark: BenchmarkFixture, spread: str) -> None:
    book = benchmark.pedantic(load_book, (spread,), rounds=5)
    assert len(book.rules) == OFFERS
    in_ms(benchmark, 100)


def test_loading_the_supermarkets_book(benchmark: BenchmarkFixture) -> None:
    supermarket = Path(rules.__file__).parent / "books" / "supermarket.yaml"
    assert benchmark.pedantic(load_book, (supermarket,), rounds=5).id == "supermarket"
