"""A bad book is refused whole, with every fault at its place; a good one is the same book however it is laid out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rules import Book, BookError, load_book, load_data
from rules.texts import Language

Make = Callable[..., dict[str, Any]]
Faults = Callable[..., dict[str, str]]


@pytest.fixture
def faults(document: Make) -> Faults:
    """Path to code of everything wrong with a book around some offers."""

    def find(*offers: dict[str, Any], zones: set[str] | None = None, **changes: Any) -> dict[str, str]:
        with pytest.raises(BookError) as caught:
            load_data(document(*offers, **changes), zones)
        for problem in caught.value.problems:
            assert problem.text(Language.NL) != problem.text(Language.EN)
        return {problem.path: problem.code for problem in caught.value.problems}

    return find


def test_all_faults_are_told_at_once_with_file_line_offer_path_and_nearest_word(tmp_path: Path) -> None:
    file = tmp_path / "book.yaml"
    file.write_text(
        "book: shop\nsalt: x\noffers:\n"
        "  - id: cheese\n    kind: content\n    at: {event: enter, zone: cheeze}\n    if: stage == fann\n"
        "    content: {nl: {title: a}, en: {title: b}}\n"
        "  - id: wine\n    kind: content\n    at: {event: enter, zone: wine}\n    if: stagge == fan\n"
        "    content: {nl: {title: a}, en: {title: b}}\n"
    )
    with pytest.raises(BookError) as caught:
        load_book(file, zones={"cheese", "wine"})
    lines = str(caught.value).splitlines()
    assert lines[0] == f"{file}:6 offer cheese offers[0].at[0].zone: unknown zone `cheeze`; did you mean `cheese`?"
    assert lines[1].startswith(f"{file}:7 offer cheese offers[0].if: `fann` is no value of stage; allowed: ambassador")
    assert lines[1].endswith("did you mean `fan`?")
    assert lines[2] == f"{file}:12 offer wine offers[1].if: unknown field `stagge`; did you mean `stage`?"
    assert caught.value.problems[2].text(Language.NL).endswith("onbekend veld `stagge`; bedoelde u `stage`?")


def test_the_same_book_has_the_same_hash_as_yaml_and_as_json(document: Make, offer: Make) -> None:
    data = document(offer())
    as_yaml = (
        "salt: 'salt'\nbook: test  # a remark\noffers:\n- kind: content\n  id: hello\n"
        "  at: {zone: wine, event: enter}\n  content:\n    en: {title: Hello}\n    nl: {title: Hallo}\n"
    )
    assert load_book(as_yaml).hash == load_book(json.dumps(data)).hash == load_data(data).hash
    assert load_data(document(offer(), salt="other")).hash != load_data(data).hash


def test_a_missing_translation_is_refused(faults: Faults, offer: Make) -> None:
    assert faults(offer(content={"nl": {"title": "Hallo"}})) == {"offers[0].content.en": "translation"}


def test_two_offers_of_one_id_are_refused(faults: Faults, offer: Make) -> None:
    assert faults(offer("a"), offer("b"), offer("a")) == {"offers[2].id": "same_id"}


def test_a_circle_of_offers_that_give_way_is_refused(faults: Faults, offer: Make) -> None:
    circle = [offer("a", yields_to=["b"]), offer("b", yields_to=["c"]), offer("c", yields_to=["a"])]
    assert list(faults(*circle).values()) == ["loop"]
    assert list(faults(offer("a", yields_to=["a"])).values()) == ["loop"]


def test_a_pool_shorter_than_its_cap_is_refused(faults: Faults, voucher: Make) -> None:
    part = {"worth": {"amount": 1}, "codes": {"pool": ["A", "B"]}}
    assert faults(voucher(voucher=part, caps={"issues": 3})) == {"offers[0].voucher.codes.pool": "pool_short"}
    assert faults(voucher(voucher=part)) == {"offers[0].caps.issues": "pool_uncapped"}
    assert faults(voucher(voucher=part, caps={"issues": 2, "every": "day"})) == {"offers[0].caps.issues": "pool_uncapped"}
    twice = part | {"codes": {"pool": ["A", "A"]}}
    assert faults(voucher(voucher=twice, caps={"issues": 2})) == {"offers[0].voucher.codes.pool": "pool_twice"}


def test_codes_that_are_spelled_alike_are_one_code(faults: Faults, voucher: Make) -> None:
    twice = {"worth": {"percent": 10}, "codes": {"pool": ["A-1", "a1"]}}
    assert faults(voucher(voucher=twice, caps={"issues": 2})) == {"offers[0].voucher.codes.pool": "pool_twice"}


@pytest.mark.parametrize("single", ["\u2600", "ZOMER\u200b", " - "])
def test_a_code_that_no_till_can_type_is_refused(single: str, faults: Faults, voucher: Make) -> None:
    assert faults(voucher(voucher={"worth": {"percent": 10}, "codes": {"single": single}})) == {
        "offers[0].voucher.codes.single": "code_typed"
    }


def test_two_offers_share_a_code_only_where_they_promise_the_same(faults: Faults, voucher: Make) -> None:
    one = voucher(voucher={"worth": {"percent": 10}, "codes": {"single": "ZOMER"}})
    same = {**voucher(voucher={"worth": {"percent": 10}, "codes": {"single": "zomer"}}), "id": "other"}
    more = {**same, "voucher": {"worth": {"percent": 50}, "codes": {"single": "Zo-mer"}}}
    bad = {**same, "if": "nonsense is odd"}
    assert set(faults(one, bad)) == {"offers[1].if"}, "the same code for the same is no fault"
    assert faults(one, more) == {"offers[1].voucher.codes": "code_shared"}


def test_only_an_amount_with_a_code_of_its_own_can_be_spent_bit_by_bit(faults: Faults, voucher: Make) -> None:
    terms = {"partial": True, "minimum": 20, "categories": ["wine"]}
    amount = {"worth": {"amount": 10}, "codes": {"generated": 8}, "terms": terms}
    assert faults(voucher(voucher={**amount, "worth": {"percent": 10}})) == {"offers[0].voucher.terms.partial": "partial_worth"}
    shared = {**amount, "codes": {"single": "ZOMER"}}
    assert faults(voucher(voucher=shared)) == {"offers[0].voucher.terms.partial": "partial_worth"}


def test_an_end_before_its_start_is_refused(faults: Faults, voucher: Make) -> None:
    assert faults(voucher(from_="2026-12-01", until="2026-11-01")) == {"offers[0].until": "ends_before_start"}
    part = {"worth": {"amount": 1}, "codes": {"generated": 8}, "valid_until": "2026-11-01"}
    assert faults(voucher(from_="2026-12-01", voucher=part)) == {"offers[0].voucher.valid_until": "ends_before_start"}
    assert faults(voucher(until="tomorrow")) == {"offers[0].until": "moment_time"}


def test_a_was_price_needs_its_source(faults: Faults, voucher: Make) -> None:
    part = {"worth": {"amount": 1}, "codes": {"generated": 8}, "price": 5, "was_price": {"amount": 6}}
    assert faults(voucher(voucher=part)) == {"offers[0].voucher.was_price": "was_price"}
    low = part | {"was_price": {"amount": 5, "source": "30 days"}}
    assert faults(voucher(voucher=low)) == {"offers[0].voucher.was_price": "was_price_low"}


def test_a_budget_in_money_needs_what_a_redemption_costs(faults: Faults, voucher: Make, document: Make) -> None:
    part = {"worth": {"percent": 10}, "codes": {"generated": 8}}
    expected = {"offers[0].voucher.cost": "budget_cost"}
    assert faults(voucher(voucher=part, caps={"budget": 10})) == expected
    assert faults(voucher(voucher=part), caps={"budget": 10}) == expected
    invited = {"to": "share", "reward": {"gift": {"nl": "ijs", "en": "ice"}}, "friend": {"amount": 5}, "codes": {"generated": 8}}
    invitation = voucher(kind="invitation", voucher=None, invitation=invited, caps={"budget": 10})
    assert faults(invitation) == {"offers[0].invitation.cost": "budget_cost"}
    assert load_data(document(invitation | {"invitation": invited | {"cost": 7}})).rules[0].caps[0].amount == 700
    label = {"nl": "x", "en": "x"}
    assert faults(voucher(voucher=part, category="c"), categories={"c": {"label": label, "caps": {"budget": 1}}}) == expected


@pytest.mark.parametrize(
    ("changes", "path", "code"),
    [
        ({"kind": "vouchr"}, "kind", "wrong_choice"),
        ({"kind": "voucher"}, "voucher", "section_missing"),
        ({"kind": "question"}, "question", "section_missing"),
        ({"proof": {"type": "expert", "source": "x"}}, "proof", "section_extra"),
        ({"id": "Not An Id"}, "id", "id_expected"),
        ({"priority": 0}, "priority", "out_of_range"),
        ({"priority": "high"}, "priority", "number_expected"),
        ({"priority": float("inf")}, "priority", "number_expected"),
        ({"tier": 12}, "tier", "out_of_range"),
        ({"show_for": 30}, "show_for", "duration"),
        ({"show_for": "soon"}, "show_for", "duration"),
        ({"limits": [{"at_most": 1, "within": "1d", "every": "day"}]}, "limits[0]", "exactly_one"),
        ({"limits": {"at_most": 1}}, "limits", "list_expected"),
        ({"limits": [3]}, "limits[0]", "map_expected"),
        ({"at": {"event": "dwell", "zone": "wine"}}, "at[0].for", "missing"),
        ({"at": {"event": "enter", "for": "5s"}}, "at[0].for", "unknown_key"),
        ({"at": {"event": "enter", "of": ["wine"]}}, "at[0].of", "unknown_key"),
        ({"at": []}, "at", "out_of_range"),
        ({"category": "none"}, "category", "unknown_category"),
        ({"group": "none"}, "group", "unknown_group"),
        ({"yields_to": ["none"]}, "yields_to", "unknown_offer"),
        ({"content": {"nl": {"title": "{nobody}"}, "en": {"title": "x"}}}, "content.nl", "placeholder"),
        ({"content": {"nl": {"title": "{percent}"}, "en": {"title": "x"}}}, "content.nl", "placeholder_empty"),
        ({"content": {"nl": {"title": "x"}, "en": {"title": "a } b"}}}, "content.en", "placeholder"),
        ({"content": {"nl": {"title": "x"}, "en": {"title": "{zone.__class__}"}}}, "content.en", "placeholder"),
        ({"content": {"nl": {"title": 3}, "en": {"title": "x"}}}, "content.nl.title", "text_expected"),
        ({"content": {"nl": {"title": "x", "titel": "y"}, "en": {"title": "x"}}}, "content.nl.titel", "unknown_key"),
        ({"if": "stage in [fan"}, "if", "condition_syntax"),
    ],
)
def test_a_fault_in_an_offer_is_named_by_its_path(
    faults: Faults, offer: Make, changes: dict[str, Any], path: str, code: str
) -> None:
    assert faults(offer() | changes) == {f"offers[0].{path}": code}


@pytest.mark.parametrize(
    ("section", "code"),
    [
        ({"kind": "social_proof", "proof": {"type": "crowd", "source": "sales", "people": 14}}, "crowd_small"),
        ({"kind": "social_proof", "proof": {"type": "friend", "source": "a friend"}}, "friend_consent"),
        ({"kind": "social_proof", "proof": {"type": "friend", "source": "a friend", "consent": "open"}}, "friend_consent"),
        ({"kind": "invitation", "invitation": {"to": "share", "friend": {"amount": 5}}}, "share_code"),
        ({"kind": "invitation", "invitation": {"to": "share", "codes": {"generated": 8}}}, "missing"),
        ({"kind": "invitation", "invitation": {"to": "review", "reward": {"amount": 5, "percent": 5}}}, "exactly_one"),
        ({"kind": "voucher", "voucher": {"worth": {}, "codes": {"generated": 8}}}, "exactly_one"),
        ({"kind": "voucher", "voucher": {"worth": {"amount": 1}, "codes": {"generated": 8, "single": "X"}}}, "exactly_one"),
    ],
)
def test_each_kind_of_offer_has_its_own_demands(faults: Faults, offer: Make, section: dict[str, Any], code: str) -> None:
    assert list(faults(offer() | section).values()) == [code]


def test_a_question_asks_only_what_the_shopper_supplies_and_a_rule_reads(faults: Faults, offer: Make) -> None:
    label = {"nl": "x", "en": "x"}
    diet = {"type": "choice", "values": ["vegan", "all"], "label": label, "supplier": "shopper"}
    question = {"attribute": "diet", "valid_for": "52w", "answers": {"vegan": label, "all": label}}
    ask = offer("ask", kind="question", question=question)
    assert list(faults(ask, attributes={"diet": diet}).values()) == ["question_unread"]
    read = offer("read", if_="diet == vegan")
    assert load_data({"book": "b", "salt": "s", "attributes": {"diet": diet}, "offers": [ask, read]})
    assert list(faults(ask, read, attributes={"diet": diet | {"supplier": "backend"}}).values()) == ["question_supplier"]
    wrong = offer("ask", kind="question", question=question | {"answers": {"vegan": label, "al": label}})
    assert list(faults(wrong, read, attributes={"diet": diet}).values()) == ["not_in_domain"]


def test_faults_of_the_whole_book_are_named(faults: Faults, offer: Make) -> None:
    label = {"nl": "x", "en": "x"}
    found = faults(
        offer(),
        timezone="Europe/Amsterdm",
        hours={"monday": "09:00-18:00"},
        attributes={"stage": {"type": "text", "label": label, "supplier": "backend"}},
        shop_facts={"weather": {"type": "choice", "label": label}},
    )
    assert found == {
        "timezone": "timezone",
        "hours.monday": "hours_day",
        "attributes.stage": "field_taken",
        "shop_facts.weather.values": "missing",
    }
    assert faults(offer(), hours={"mon": "9-18"}) == {"hours.mon[0]": "hours_span"}


def test_faults_in_cases_are_named(faults: Faults, offer: Make) -> None:
    case = {
        "name": "x",
        "given": {"event": "enter", "at": "noon", "facts": {"stagge": "fan"}, "exhausted": ["helo"]},
        "chosen": ["nobody"],
        "because": {"hello": "moments"},
    }
    found = faults(offer(), cases=[case])
    assert sorted(found.values()) == ["case_words", "moment_time", "unknown_field", "unknown_offer", "unknown_offer"][: len(found)]
    assert "cases[0].given.at" in found


def test_a_book_without_offers_or_with_unknown_words_is_refused(faults: Faults, offer: Make) -> None:
    assert faults() == {"offers": "out_of_range"}
    assert faults(offer(), ofers=[]) == {"ofers": "unknown_key"}
    with pytest.raises(BookError):
        load_book("")
    with pytest.raises(BookError):
        load_book("just words\nin two lines")
    with pytest.raises(BookError, match="can't read the file"):
        load_book("no-such-book.yaml")


def test_half_a_character_is_refused(document: Make, offer: Make) -> None:
    for data in (document(offer(), **{"\ud800": 1}), document(offer(), salt="\ud800"), document(offer(**{"if": "\ud800"}))):
        with pytest.raises(BookError):
            load_data(data)
    with pytest.raises(BookError, match="characters that are not allowed"):
        load_book("book: \ud800\nsalt: x")


def test_the_live_book_stays_as_it_is_when_a_new_one_is_refused(book: Callable[..., Book], offer: Make) -> None:
    live = book(offer())
    before = live.hash
    with pytest.raises(BookError):
        book(offer(kind="nonsense"))
    assert live.hash == before
    with pytest.raises(AttributeError):
        live.hash = "other"  # type: ignore[misc]  # that it can't be set is the point


def test_zones_of_the_plan_bind_moments_and_conditions(document: Make, offer: Make) -> None:
    plan = {"wine", "bread"}
    assert load_data(document(offer(if_='"bread" in path and zone != bread')), plan)
    with pytest.raises(BookError, match="unknown zone"):
        load_data(document(offer(at={"event": "enter", "zone": "fish"})), plan)
    with pytest.raises(BookError, match="no value of path"):
        load_data(document(offer(if_='"fish" in path')), plan)


def test_a_book_says_what_it_needs_to_know(book: Callable[..., Book], offer: Make) -> None:
    label = {"nl": "x", "en": "x"}
    declared = {
        "diet": {"type": "choice", "values": ["vegan"], "label": label, "supplier": "shopper"},
        "unread": {"type": "flag", "label": label, "supplier": "backend"},
    }
    made = book(
        offer("a", at={"event": "dwell", "zone": "wine", "for": "15s"}, if_="diet == vegan or visits_30d > 2"),
        offer("b", at=[{"event": "dwell", "for": "2m"}, {"event": "returns", "zone": "fish"}]),
        offer("c", content={"nl": {"title": "Uw {stage}"}, "en": {"title": "Your {stage}"}}),
        attributes=declared,
    )
    assert {field.name for field in made.readers} == {"diet", "visits_30d", "stage", "entries", "open"}
    assert made.dwell_steps_s("wine") == (15.0, 120.0)
    assert made.dwell_steps_s("bread") == (120.0,)
    assert set(made.attributes) == {"diet", "unread"}
    assert made.attention.capacity > 0


def test_what_lies_beyond_every_calendar_is_refused(faults: Faults, offer: Make) -> None:
    assert faults(offer(show_for="600000w")) == {"offers[0].show_for": "out_of_range"}
    assert faults(offer(until="0001-01-01")) == {"offers[0].until": "moment_time"}


def test_limits_count_in_one_window_wherever_they_stand(faults: Faults, offer: Make) -> None:
    twice = {"at_most": 1, "per": "visit", "within": "1d"}
    label = {"nl": "x", "en": "x"}
    made = faults(offer(category="c", limits=[twice]), limits=[twice], categories={"c": {"label": label, "limits": [twice]}})
    assert set(made) == {"offers[0].limits[0]", "limits[0]", "categories.c.limits[0]"}
    assert set(made.values()) == {"exactly_one"}


def test_a_cases_situation_is_checked_when_the_book_is_loaded(faults: Faults, offer: Make) -> None:
    given: dict[str, Any] = {"event": "enter", "zone": "wien", "at": "noon", "facts": {"stage": "fann"}, "exhausted": ["hallo"]}
    given |= {"history": [{"offer": "hallo", "what": "shown", "ago": "1d"}]}
    made = faults(offer(), cases=[{"name": "x", "given": given}], zones={"wine"})
    assert made == {
        "cases[0].given.at": "moment_time",
        "cases[0].given.zone": "unknown_zone",
        "cases[0].given.facts.stage": "not_in_domain",
        "cases[0].given.exhausted": "unknown_offer",
        "cases[0].given.history[0].offer": "unknown_offer",
    }
