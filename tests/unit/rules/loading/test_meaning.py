"""What a book may mean: answers that fit, codes that can be typed, true costs, readable words; and all faults at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rules import BookError, Gate, Situation, decide, load_data
from rules.loading.checks import unchecked_zones

Make = Callable[..., dict[str, Any]]
Situate = Callable[..., Situation]
Faults = Callable[..., dict[str, str]]
LABEL = {"nl": "x", "en": "x"}
TEXT = {"nl": {"title": "x"}, "en": {"title": "x"}}


@pytest.fixture
def faults(document: Make) -> Faults:
    """Path to code of everything that is wrong with a book."""

    def find(*offers: dict[str, Any], **changes: Any) -> dict[str, str]:
        try:
            load_data(document(*offers, **changes))
        except BookError as error:
            return {problem.path: problem.code for problem in error.problems}
        return {}

    return find


def asking(kind: str, *answers: str, **declared: Any) -> dict[str, Any]:
    """An attribute of a type, and a question about it."""
    attribute = {"type": kind, "label": LABEL, "supplier": "shopper"} | declared
    return {
        "attributes": {"told": attribute},
        "question": {"attribute": "told", "answers": dict.fromkeys(answers, LABEL), "valid_for": "1d"},
    }


@pytest.mark.parametrize(
    ("asked", "wrong"),
    [
        (asking("flag", "ja", "nee"), []),
        (asking("flag", "Yes", "no"), []),
        (asking("flag", "misschien", "nee"), ["misschien"]),
        (asking("number", "1", "2.5"), []),
        (asking("number", "1-2", "3+"), ["1-2", "3+"]),
        (asking("number", "1", "nan"), ["nan"]),
        (asking("choice", "a", "b", values=["a", "b"]), []),
        (asking("choice", "a", "c", values=["a", "b"]), ["c"]),
        (asking("set", "a", "c", values=["a", "b"]), ["c"]),
        (asking("date", "2026-12-05", "5 december"), ["5 december"]),
        (asking("text", "a", " "), [" "]),
    ],
)
def test_answers_of_a_question_fit_its_attribute(faults: Faults, offer: Make, asked: dict[str, Any], wrong: list[str]) -> None:
    reads = offer("reads", content={"nl": {"title": "x"}, "en": {"title": "x"}}, if_="seen(any)")
    del reads["if"]
    kind = asked["attributes"]["told"]["type"]
    reads["if"] = {"flag": "told", "number": "told > 1", "set": "a in told", "date": "told > '2026-01-01'"}.get(kind, "told == a")
    ask = offer("ask", kind="question", question=asked["question"])
    found = faults(ask, reads, attributes=asked["attributes"])
    assert sorted(found) == sorted(f"offers[0].question.answers.{one}" for one in wrong)


def test_who_did_not_consent_to_what_an_answer_is_for_is_not_asked(document: Make, offer: Make, situation: Situate) -> None:
    asked = asking("flag", "ja", "nee", purpose="purchases")
    ask = offer("ask", kind="question", question=asked["question"])
    book = load_data(document(ask, offer("reads", if_="told"), attributes=asked["attributes"]))
    assert dict(decide(book, situation()).verdicts)["ask"] is Gate.CHOSEN
    without = situation(purposes=frozenset({"recognise", "offers"}))
    assert dict(decide(book, without).verdicts)["ask"] is Gate.CONSENT


@pytest.mark.parametrize(
    "code", [" ZOMER ", "ZÖMER", "ZO MER", "ZOMER–26", "ＺＯＭＥＲ", "ZO\u200bMER", "-", "ZOMER-", "ZOMER.26", "ZOMER%"]
)
def test_a_code_that_nobody_can_type_is_refused(faults: Faults, voucher: Make, code: str) -> None:
    part = {"worth": {"amount": 1}, "codes": {"single": code}}
    assert faults(voucher(voucher=part)) == {"offers[0].voucher.codes.single": "code_typed"}
    pool = {"worth": {"amount": 1}, "codes": {"pool": ["GOOD-1", code]}}
    assert faults(voucher(voucher=pool, caps={"issues": 2})) == {"offers[0].voucher.codes.pool[1]": "code_typed"}


def test_a_code_of_two_offers_is_worth_the_same_in_both(faults: Faults, voucher: Make) -> None:
    half, tenth = ({"worth": {"percent": percent}, "codes": {"single": code}} for percent, code in ((50, "ZOMER"), (10, "zo-mer")))
    assert faults(voucher("a", voucher=half), voucher("b", voucher=tenth)) == {"offers[1].voucher.codes": "code_shared"}
    assert faults(voucher("a", voucher=half), voucher("b", voucher=half)) == {}


def test_what_differs_only_in_its_case_is_one_code_of_a_pool(faults: Faults, voucher: Make) -> None:
    part = {"worth": {"amount": 1}, "codes": {"pool": ["AB-1", "ab1"]}}
    assert faults(voucher(voucher=part, caps={"issues": 2})) == {"offers[0].voucher.codes.pool": "pool_twice"}


@pytest.mark.parametrize(
    ("worth", "cost", "expected"),
    [
        ({"amount": 5}, {"cost": 0.01}, "offers[0].voucher.cost"),
        ({"amount": 5}, {"cost": 4.99, "cost_reason": " "}, "offers[0].voucher.cost"),
        ({"amount": 5}, {"cost": 4.99, "cost_reason": "the maker pays the rest"}, None),
        ({"amount": 5}, {"cost": 5}, None),
        ({"percent": 10}, {"cost": 0.01}, None),
        ({"amount": 0.004}, {}, "offers[0].voucher.worth.amount"),
        ({"amount": 2.505}, {}, "offers[0].voucher.worth.amount"),
    ],
)
def test_a_cost_is_not_below_what_is_given(
    faults: Faults, voucher: Make, worth: dict[str, float], cost: dict[str, Any], expected: str | None
) -> None:
    part = {"worth": worth, "codes": {"generated": 8}} | cost
    assert list(faults(voucher(voucher=part, caps={"budget": 10}))) == ([] if expected is None else [expected])


def test_the_cost_of_an_invitation_covers_both_sides(faults: Faults, offer: Make) -> None:
    terms = {"to": "share", "friend": {"amount": 2}, "reward": {"amount": 3}, "codes": {"generated": 8}}
    assert faults(offer("i", kind="invitation", invitation=terms | {"cost": 4.5})) == {"offers[0].invitation.cost": "cost_low"}
    assert faults(offer("i", kind="invitation", invitation=terms | {"cost": 5})) == {}


@pytest.mark.parametrize(
    ("title", "code"),
    [
        (" ", "blank"),
        ("\u200b\u2800", "blank"),
        ("a\u0000b", "unprintable"),
        ("a\u202eb", "unprintable"),
        ("a\u2067b", "unprintable"),
    ],
)
def test_words_that_show_nothing_or_turn_the_reading_are_refused(faults: Faults, offer: Make, title: str, code: str) -> None:
    assert faults(offer(content={"nl": {"title": title}, "en": {"title": "x"}})) == {"offers[0].content.nl.title": code}


@pytest.mark.parametrize("title", ["Nu {percent} %", "Nu {percent}% korting"])
def test_a_sign_that_the_placeholder_brings_along_is_refused(faults: Faults, voucher: Make, title: str) -> None:
    part = {"worth": {"percent": 10}, "codes": {"generated": 8}}
    texts = {"nl": {"title": title}, "en": {"title": "x"}}
    assert faults(voucher(voucher=part, content=texts)) == {"offers[0].content.nl": "unit_twice"}


def test_an_offer_for_adults_needs_the_yes(faults: Faults, document: Make, offer: Make, situation: Situate) -> None:
    wine = offer("wine", adults_only=True)
    assert faults(wine) == {"offers[0].adults_only": "adult_missing"}
    adult = {"adult": {"type": "flag", "label": LABEL, "supplier": "backend"}}
    book = load_data(document(wine, attributes=adult))
    verdicts = [dict(decide(book, situation(facts=facts)).verdicts)["wine"] for facts in ({"adult": True}, {"adult": False}, {})]
    assert verdicts == [Gate.CHOSEN, Gate.CONDITION, Gate.UNKNOWN]


def test_what_is_made_to_everybody_is_no_test(faults: Faults, offer: Make) -> None:
    trial = {"id": "t", "share": 0.5}
    assert faults(offer("a", always_made=True, test=trial)) == {"offers[0].test": "exempt_test"}
    assert faults(offer("a", kind="staff_call", test=trial)) == {"offers[0].test": "exempt_test"}


def test_what_a_book_marks_is_made_in_the_control_group_too(document: Make, offer: Make, situation: Situate) -> None:
    book = load_data(
        document(offer("recall", always_made=True, at={"event": "enter"}), offer("deal"), control_share=0.5, offers_per_move=2)
    )
    for number in range(20):
        decision = decide(book, situation(shopper=f"s-{number}"))
        assert "recall" in {one.offer for one in decision.chosen}
        assert next(one.propensity for one in decision.chosen if one.offer == "recall") == 1.0


@pytest.mark.parametrize(
    ("condition", "hint"),
    [
        ("visits > 1 && stage == fan", "`and`"),
        ("visits > 1 || stage == fan", "`or`"),
        ("visits > 1 AND NOT open", "`and`"),
        ("stage = fan", "`==`"),
        ("visits => 2", "`>=`"),
        ("visits <> 2", "`!=`"),
        ("!open", "`not`"),
        ("date >= 2026-12-01", '`"2026-12-01"`'),
        ("time > 17:00", '`"17:00"`'),
    ],
)
def test_what_other_languages_write_is_refused_with_our_word_for_it(document: Make, offer: Make, condition: str, hint: str) -> None:
    with pytest.raises(BookError) as caught:
        load_data(document(offer(if_=condition)))
    assert f"did you mean {hint}?" in str(caught.value)


def test_a_wrong_spelling_does_not_hide_the_other_slips_of_its_line(document: Make, offer: Make) -> None:
    with pytest.raises(BookError) as caught:
        load_data(document(offer(if_="stagge = fan && visits > many")))
    assert [problem.code for problem in caught.value.problems] == [
        "condition_spelling",
        "condition_spelling",
        "unknown_field",
        "wrong_type",
    ]


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("stage in []", "empty_list"),
        ("stage == fan # only they", "condition_comment"),
        ("stage == fan  # only they\nand visits > 3", "condition_comment"),
        ("told within_next 36h", "whole_days"),
        ("told within_next soon", "whole_days"),
        ("told within_next", "condition_syntax"),
        ("visits within_next 7d", "operator_type"),
    ],
)
def test_a_condition_that_means_nothing_is_refused(document: Make, offer: Make, condition: str, code: str) -> None:
    told = {"told": {"type": "date", "label": LABEL, "supplier": "backend"}}
    with pytest.raises(BookError) as caught:
        load_data(document(offer(if_=condition), attributes=told))
    assert [problem.code for problem in caught.value.problems] == [code]


def test_a_mark_inside_quotes_is_only_text(document: Make, offer: Make) -> None:
    told = {"told": {"type": "text", "label": LABEL, "supplier": "backend"}}
    line = "told == \"A && B # 2026-12-01 = x\" and told != 'AND @'"
    assert load_data(document(offer(if_=line), attributes=told))


@pytest.mark.parametrize("name", ["any", "not", "true", "seen", "within_next", "has"])
def test_a_word_of_the_conditions_is_no_name_of_an_attribute(faults: Faults, offer: Make, name: str) -> None:
    declared = {name: {"type": "flag", "label": LABEL, "supplier": "backend"}}
    assert faults(offer(), attributes=declared) == {f"attributes.{name}": "field_taken"}


def test_all_faults_are_told_at_once(faults: Faults, offer: Make, voucher: Make) -> None:
    found = faults(
        offer("a", tier=99, if_="stagge == fan"),
        voucher("b", until="20261224", voucher={"worth": {"amount": 5}, "codes": {"single": "Z Z"}}),
        offer("c", if_="broken == 1"),
        attributes={"broken": {"type": "numbr", "label": LABEL, "supplier": "backend"}},
        hours={"monday": "closed"},
        quiet="nine to five",
        currency="EURO",
    )
    assert found == {
        "offers[0].tier": "out_of_range",
        "offers[0].if": "unknown_field",
        "offers[1].until": "moment_time",
        "offers[1].voucher.codes.single": "code_typed",
        "attributes.broken.type": "wrong_choice",
        "hours.monday": "hours_day",
        "quiet[0]": "hours_span",
        "currency": "out_of_range",
    }


def test_an_amount_in_a_currency_without_decimals_has_none(faults: Faults, voucher: Make) -> None:
    part = {"worth": {"amount": 500.5}, "codes": {"generated": 8}}
    assert faults(voucher(voucher=part, caps={"budget": 9000.5}), currency="HUF") == {
        "offers[0].caps.budget": "whole_amount",
        "offers[0].voucher.worth.amount": "whole_amount",
    }
    assert faults(voucher(voucher=part | {"worth": {"amount": 500}}), currency="HUF") == {}


def test_one_end_and_values_where_they_mean_something(faults: Faults, offer: Make, voucher: Make) -> None:
    part = {"worth": {"amount": 1}, "codes": {"generated": 8}, "valid_for": "2h", "valid_until": "closing"}
    assert faults(voucher(voucher=part)) == {"offers[0].voucher.valid_until": "exactly_one"}
    number = {"type": "number", "values": ["1", "2"], "label": LABEL, "supplier": "backend"}
    assert faults(offer(), attributes={"told": number}) == {"attributes.told.values": "values_extra"}


def test_zones_that_nothing_was_checked_against_are_named(document: Make, offer: Make) -> None:
    book = document(offer(if_='zone in [bread, wnie] and "fish" in path'))
    assert unchecked_zones(load_data(book)) == ("bread", "fish", "wine", "wnie")
    assert unchecked_zones(load_data(book, ["wine", "bread", "wnie", "fish"])) == ()


def test_an_unknown_currency_is_refused_with_the_nearest(document: Make, offer: Make) -> None:
    with pytest.raises(BookError, match="did you mean `CHF`"):
        load_data(document(offer(), currency="CHR"))
