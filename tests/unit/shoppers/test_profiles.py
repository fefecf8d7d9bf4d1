"""What may be kept of a profile, and why the rest is left out."""

from __future__ import annotations

import math

import pytest
from pydantic import JsonValue

from gateway.shoppers.profiles import answer_value, declared_attributes
from rules import load_data
from rules.engine.book import Book

EVERYTHING = frozenset({"recognise", "offers", "purchases", "aftercare", "measure"})


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("segment", "family", None),
        ("basket", ["wine"], None),
        ("segment", "pensioner", "wrong_value"),
        ("segment", 3, "wrong_value"),
        ("basket", ["wine", "gold"], "wrong_value"),
        ("diet", "vegan", "not_yours"),
        ("shoe_size", 43, "unread"),
        ("shoe_colour", "red", "undeclared"),
        ("segment", None, "wrong_value"),
        ("segment", {"family": True}, "wrong_value"),
        ("basket", [["wine"]], "wrong_value"),
        ("basket", ["wine", 3], "wrong_value"),
        ("segment", "x" * 201, "wrong_value"),
    ],
)
def test_each_value_is_kept_or_left_out_for_one_reason(book: Book, name: str, value: JsonValue, code: str | None) -> None:
    kept, left_out = declared_attributes([book]).sift({name: value}, {}, EVERYTHING)
    assert [refusal.code for refusal in left_out] == ([code] if code else [])
    assert kept == ({} if code else {name: value})


def test_a_value_without_the_shoppers_consent_to_its_purpose_is_left_out(book: Book) -> None:
    kept, left_out = declared_attributes([book]).sift(
        {"segment": "family", "basket": ["wine"]}, {}, frozenset({"recognise", "offers"})
    )
    assert kept == {"segment": "family"}
    assert [(refusal.path, refusal.code) for refusal in left_out] == [("data.attributes.basket", "no_consent")]


def test_affinities_are_kept_for_the_live_books_offers_alone(book: Book) -> None:
    kept, left_out = declared_attributes([book]).sift({}, {"wine-tasting": 0.8, "gone": 0.3, "ask-diet": math.inf}, EVERYTHING)
    assert kept == {"affinity.wine-tasting": 0.8}
    assert {refusal.path: refusal.code for refusal in left_out} == {
        "data.affinities.gone": "undeclared",
        "data.affinities.ask-diet": "wrong_value",
    }


def test_affinity_is_0_or_more_and_1_is_neutral(book: Book) -> None:
    sent = {"wine-tasting": 1.4, "vegan-week": 0, "ask-diet": -0.1}
    kept, left_out = declared_attributes([book]).sift({}, sent, EVERYTHING)
    assert kept == {"affinity.wine-tasting": 1.4, "affinity.vegan-week": 0}
    assert [(refusal.path, refusal.code) for refusal in left_out] == [("data.affinities.ask-diet", "wrong_value")]


@pytest.mark.parametrize("affinity", [True, "1.2", [], None, 10**400, math.nan])
def test_an_affinity_that_is_no_number_is_left_out_by_itself(book: Book, affinity: JsonValue) -> None:
    kept, left_out = declared_attributes([book]).sift({"segment": "family"}, {"wine-tasting": affinity}, EVERYTHING)
    assert kept == {"segment": "family"}
    assert [refusal.code for refusal in left_out] == ["wrong_value"]


def test_a_name_that_is_none_is_left_out_without_being_repeated(book: Book) -> None:
    kept, left_out = declared_attributes([book]).sift({"segment": "family", "Jan Jansen": "x"}, {}, EVERYTHING)
    assert kept == {"segment": "family"}
    assert [(refusal.path, refusal.code) for refusal in left_out] == [("data", "undeclared")]


def test_without_a_live_book_nothing_is_kept() -> None:
    kept, left_out = declared_attributes([]).sift({"segment": "family"}, {"wine-tasting": 1.0}, EVERYTHING)
    assert kept == {}
    assert [refusal.code for refusal in left_out] == ["undeclared", "undeclared"]


def test_the_register_says_who_reads_an_attribute(book: Book) -> None:
    declared = declared_attributes([book])
    assert declared.read_by["segment"] == ("wine-tasting",)
    assert declared.read_by["diet"] == ("vegan-week", "ask-diet")
    assert "shoe_size" not in declared.read_by


def test_an_answer_fills_the_attribute_and_an_unknown_one_doesnt(book: Book) -> None:
    asked = declared_attributes([book]).questions["ask-diet"]
    assert answer_value(asked, "vegan") == "vegan"
    assert answer_value(asked, "carnivore") is None
    assert asked.valid_for_s == 30 * 86_400


def dated(*conditions: str) -> Book:
    """A book that asks a birthday of the backend and a wedding day of the shopper."""
    label, title = {"nl": "x", "en": "x"}, {"nl": {"title": "x"}, "en": {"title": "x"}}
    plain = {"at": {"event": "enter"}, "content": title}
    ask = {"attribute": "married", "answers": {"2020-02-29": label, "2021-06-01": label}, "valid_for": "365d"}
    offers = [{"id": f"o{number}", "kind": "content", "if": one, **plain} for number, one in enumerate(conditions)]
    declared = {"born": {"type": "date", "label": label, "supplier": "backend"}}
    declared |= {"married": {"type": "date", "label": label, "supplier": "shopper"}}
    question = {"id": "ask", "kind": "question", "question": ask, **plain}
    return load_data({"book": "b", "salt": "s", "attributes": declared, "offers": [*offers, question]})


def test_a_date_that_is_only_looked_at_yearly_is_kept_without_its_year() -> None:
    asked = declared_attributes([dated("born yearly_within_next 7d", "married yearly_within_next 7d")])
    assert asked.sift({"born": "1980-12-05"}, {}, EVERYTHING)[0] == {"born": "--12-05"}
    assert answer_value(asked.questions["ask"], "2020-02-29") == "--02-29"


def test_a_date_is_kept_whole_where_some_rule_asks_for_its_year() -> None:
    yearly = dated("born yearly_within_next 7d", "married yearly_within_next 7d")
    since = dated("born within_last 30d", "married < '2022-01-01'")
    for books in (
        [since],
        [yearly, since],
        [dated("born yearly_within_next 7d and born < '2000-01-01'", "married within_last 1d")],
    ):
        asked = declared_attributes(books)
        assert asked.sift({"born": "1980-12-05"}, {}, EVERYTHING)[0] == {"born": "1980-12-05"}
        assert asked.sift({"born": "5 december"}, {}, EVERYTHING)[0] == {}


@pytest.mark.parametrize(("answer", "value"), [("ja", True), ("nee", False)])
def test_a_flag_is_answered_in_either_language(answer: str, value: bool) -> None:
    label, title = {"nl": "x", "en": "x"}, {"nl": {"title": "x"}, "en": {"title": "x"}}
    plain = {"at": {"event": "enter"}, "content": title}
    ask = {"attribute": "kids", "answers": {"ja": label, "nee": label}, "valid_for": "365d"}
    declared = {"kids": {"type": "flag", "label": label, "supplier": "shopper"}}
    offers = [{"id": "ask", "kind": "question", "question": ask, **plain}, {"id": "o", "kind": "content", "if": "kids", **plain}]
    book = load_data({"book": "b", "salt": "s", "attributes": declared, "offers": offers})
    assert answer_value(declared_attributes([book]).questions["ask"], answer) is value
