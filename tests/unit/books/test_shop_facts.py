"""What the shop says of itself: set by staff, checked by the live books, read by the line."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.books.shop_facts import ShopFacts
from gateway.settings import StorageSettings
from gateway.storage import Store, open_store
from rules import Book, BookError, Gate, Situation, decide, load_book
from rules.texts import Language

HOUR_S = 3600.0
OFFER = """
offers:
  - id: umbrella
    kind: content
    at: {event: enter}
    if: weather == rain and stock > 3
    content: {nl: {title: Paraplu}, en: {title: Umbrella}}
"""
BOOK = (
    """
book: shop
salt: shop-tests
shop_facts:
  weather: {type: choice, values: [sun, rain], label: {nl: Weer, en: Weather}, fresh_for: 3h}
  stock: {type: number, label: {nl: Voorraad, en: Stock}}
  raining: {type: flag, label: {nl: Het regent, en: It rains}}
  came_in: {type: set, values: [fish, wine], label: {nl: Net binnen, en: Just in}}
  slogan: {type: text, label: {nl: Leus, en: Slogan}}
"""
    + OFFER
)
SNOW = BOOK.replace("[sun, rain]", "[sun, rain, snow]")
"""The same, with a word more: live in a zone ahead of the rest."""


@pytest.fixture
def book() -> Book:
    return load_book(BOOK)


@pytest.fixture
def shop(store: Store) -> ShopFacts:
    return ShopFacts(store, lambda at_s: None)


def test_a_fact_is_in_the_line_at_the_next_look_with_the_moment_it_was_set(shop: ShopFacts, book: Book, now_s: float) -> None:
    shop.set([book], "weather", "rain", now_s, "anna")
    assert shop.at(now_s, book) == ({}, {})
    shop.refresh()
    assert shop.at(now_s + 60, book) == ({"weather": "rain"}, {"weather": now_s})


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("stock", 12, 12),
        ("stock", -2.5, -2.5),
        ("raining", False, False),
        ("came_in", ["wine", "fish", "wine"], frozenset({"fish", "wine"})),
        ("came_in", [], frozenset()),
        ("slogan", "Vers & lekker", "Vers & lekker"),
    ],
)
def test_each_type_reaches_the_rules_as_its_own(
    shop: ShopFacts, book: Book, now_s: float, name: str, value: Any, read: Any
) -> None:
    shop.set([book], name, value, now_s, "anna")
    shop.refresh()
    facts, _ = shop.at(now_s, book)
    assert facts == {name: read}
    assert type(facts[name]) is type(read)
    assert book.fields[name].admits(facts[name])


def test_what_another_process_says_and_takes_back_is_seen(
    shop: ShopFacts, book: Book, now_s: float, storage: StorageSettings
) -> None:
    other_store = open_store(storage)
    other = ShopFacts(other_store, lambda at_s: None)
    other.set([book], "stock", 4, now_s, "bert")
    shop.refresh()
    assert shop.at(now_s, book)[0] == {"stock": 4}
    assert other.clear([book], "stock") is True
    shop.refresh()
    assert shop.at(now_s, book) == ({}, {})
    other_store.close()


def test_the_last_word_counts(shop: ShopFacts, book: Book, now_s: float) -> None:
    shop.set([book], "stock", 4, now_s, "anna")
    shop.set([book], "stock", 0, now_s + 5, "bert")
    (stock,) = (fact for fact in shop.every([book]) if fact.name == "stock")
    assert (stock.value, stock.set_at_s, stock.set_by) == (0, now_s + 5, "bert")


@pytest.mark.parametrize(
    ("name", "value", "language", "words"),
    [
        ("wether", "rain", "en", "unknown field `wether`; did you mean `weather`?"),
        ("wether", "rain", "nl", "onbekend veld `wether`; bedoelde u `weather`?"),
        ("weather", "rian", "en", "allowed: rain, sun; did you mean `rain`?"),
        ("stock", "four", "en", "`four` is no number, which stock needs"),
        ("stock", True, "en", "`True` is no number, which stock needs"),
        ("stock", [4], "en", "is no number, which stock needs"),
        ("stock", [], "en", "is no number, which stock needs"),
        ("raining", 1, "en", "`1` is no flag, which raining needs"),
        ("came_in", ["fish", "cheese"], "en", "`cheese` is no value of came_in; allowed: fish, wine"),
        ("open", True, "en", "unknown field `open`"),
    ],
)
def test_what_no_live_book_takes_is_refused_with_the_nearest_right_word(
    shop: ShopFacts, book: Book, now_s: float, name: str, value: Any, language: Language, words: str
) -> None:
    with pytest.raises(BookError) as refused:
        shop.set([book], name, value, now_s, "anna")
    (problem,) = refused.value.problems
    assert words in problem.text(language)
    assert [fact.value for fact in shop.every([book])] == [None] * 5


def test_without_a_live_book_there_is_nothing_to_say(shop: ShopFacts, now_s: float) -> None:
    assert shop.every([]) == []
    with pytest.raises(BookError, match="unknown field"):
        shop.set([], "weather", "rain", now_s, "anna")


def test_a_word_that_only_the_book_of_one_zone_knows_is_taken_and_unknown_to_the_other(
    shop: ShopFacts, book: Book, now_s: float
) -> None:
    ahead = load_book(SNOW)
    shop.set([book, ahead], "weather", "snow", now_s, "anna")
    (weather,) = (fact for fact in shop.every([book, ahead]) if fact.name == "weather")
    assert weather.counts_at(now_s)
    assert weather.field == ahead.fields["weather"]
    (weather,) = (fact for fact in shop.every([book]) if fact.name == "weather")
    assert not weather.counts_at(now_s)


def test_a_fact_that_no_book_declares_any_more_is_kept_from_the_rules_shown_and_can_be_cleared(
    shop: ShopFacts, book: Book, now_s: float
) -> None:
    shop.set([book], "slogan", "Vers", now_s, "anna")
    shop.refresh()
    later = load_book(BOOK.replace("slogan", "motto"))
    assert shop.at(now_s, later) == ({}, {})
    (left_over,) = (fact for fact in shop.every([later]) if fact.name == "slogan")
    assert left_over.field is None
    assert not left_over.counts_at(now_s)
    assert shop.clear([later], "slogan") is True
    assert "slogan" not in [fact.name for fact in shop.every([later])]


def test_a_shop_fact_never_passes_for_an_attribute_of_a_shopper(shop: ShopFacts, book: Book, now_s: float) -> None:
    shop.set([book], "raining", True, now_s, "anna")
    shop.refresh()
    attribute = "attributes:\n  raining: {type: flag, label: {nl: Nat, en: Wet}, supplier: backend}\n"
    plain = "book: other\nsalt: s\n" + attribute + OFFER.replace("weather == rain and stock > 3", "raining")
    assert shop.at(now_s, load_book(plain)) == ({}, {})


def test_clearing_what_was_never_said_changes_nothing_and_a_wrong_name_is_refused(shop: ShopFacts, book: Book) -> None:
    assert shop.clear([book], "stock") is False
    with pytest.raises(BookError, match="did you mean `stock`"):
        shop.clear([book], "stok")


def test_whether_the_shop_is_open_is_asked_of_the_hours_each_time(store: Store, book: Book, now_s: float) -> None:
    shop = ShopFacts(store, lambda at_s: at_s < now_s)
    assert shop.at(now_s - 1, book)[0] == {"open": True}
    assert shop.at(now_s, book)[0] == {"open": False}
    assert ShopFacts(store, lambda at_s: None).at(now_s, book)[0] == {}


def test_rules_go_by_a_fact_as_long_as_it_is_fresh(shop: ShopFacts, book: Book, now_s: float, situation: Any) -> None:
    shop.set([book], "weather", "rain", now_s, "anna")
    shop.set([book], "stock", 9, now_s, "anna")
    shop.refresh()

    def gate(at_s: float) -> Gate:
        facts, fact_times = shop.at(at_s, book)
        here: Situation = situation(at_s=at_s, facts=facts, fact_times=fact_times)
        return decide(book, here).verdicts[0].gate

    (weather,) = (fact for fact in shop.every([book]) if fact.name == "weather")
    assert (gate(now_s + 3 * HOUR_S), weather.counts_at(now_s + 3 * HOUR_S)) == (Gate.CHOSEN, True)
    assert (gate(now_s + 3 * HOUR_S + 1), weather.counts_at(now_s + 3 * HOUR_S + 1)) == (Gate.UNKNOWN, False)
