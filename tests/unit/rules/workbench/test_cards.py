"""Every card can be read before anybody gets it: in each language, filled, with what it gives and until when."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import rules
from rules import Book, Situation, load_book
from rules.workbench.cards import cards_in, cards_of

Make = Callable[..., dict[str, Any]]
BOOKS = sorted((Path(rules.__file__).parent / "books").glob("*.yaml"))


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_every_offer_of_the_examples_can_be_read_in_each_language_without_a_hole(path: Path) -> None:
    book = load_book(path)
    cards = cards_of(book, 1.8e9)
    assert {card.offer for card in cards} == set(book.by_offer)
    assert all("{" not in card.content.title + card.content.body for card in cards)
    staffs = {rule.id for rule in book.rules if rule.offer.kind == "staff_call"}
    assert all([card.language for card in cards if card.offer == offer] == ["nl", "en"] for offer in set(book.by_offer) - staffs)


def test_a_fact_that_no_case_gives_stands_as_its_name(book: Callable[..., Book], offer: Make, at: Callable[[str], float]) -> None:
    texts = {"nl": {"title": "Uw {visits}e bezoek"}, "en": {"title": "Visit {visits}"}}
    case = {
        "name": "c",
        "given": {"event": "enter", "zone": "wine", "at": "2026-11-21T11:00", "facts": {"visits": 3}},
        "chosen": ["a"],
    }
    without = cards_of(book(offer("a", content=texts)), at("2026-11-21T11:00"))
    assert [card.content.title for card in without] == ["Uw ‹visits›e bezoek", "Visit ‹visits›"]
    given = cards_of(book(offer("a", content=texts), cases=[case]), at("2026-11-21T11:00"))
    assert [card.content.title for card in given] == ["Uw 3e bezoek", "Visit 3"]


def test_a_dry_run_shows_what_it_brings_in_each_language(
    book: Callable[..., Book], voucher: Make, situation: Callable[..., Situation]
) -> None:
    texts = {"nl": {"title": "{amount} korting"}, "en": {"title": "{amount} off"}}
    cards = cards_in(book(voucher("deal", content=texts)), situation())
    assert [(card.language, card.content.title, card.worth, card.ends) for card in cards] == [
        ("nl", "€ 2,50 korting", "€ 2,50", "13:12"),
        ("en", "€2.50 off", "€2.50", "13:12"),
    ]
