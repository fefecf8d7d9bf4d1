"""What a rule book may say, and what the words of it mean."""

from __future__ import annotations

from pathlib import Path

from gateway.shoppers import attention
from gateway.shoppers.profiles import answer_value, declared_attributes
from rules import Book, BookError, decide, load_book
from rules.engine.assignment import in_control
from rules.workbench.cases import run_cases
from tests.support.books import LABEL, NOON_S, at, book, document, first_choice, gate, offer, problems, situation, voucher

BOOKS = Path(__file__).parent / "books"


def failed_cases(name: str) -> list[str]:
    """Load a book and run the cases it carries; return the names of those that came out otherwise. Raises BookError."""
    return [result.name for result in run_cases(load_book(BOOKS / name)).results if not result.passed]


def refused(name: str) -> list[str]:
    """Return the codes for which a book is refused, none if it loads."""
    try:
        load_book(BOOKS / name)
    except BookError as error:
        return [str(problem.code) for problem in error.problems]
    return []


def test_a_last_day_includes_itself() -> None:
    assert failed_cases("last-day.yaml") == []


def test_an_offer_may_last_one_day() -> None:
    assert failed_cases("one-day.yaml") == []


def test_a_day_of_the_hours_that_is_no_date_is_obeyed_or_refused() -> None:
    assert refused("christmas.yaml") or failed_cases("christmas.yaml") == []


def test_closing_is_when_a_shop_that_is_open_across_midnight_closes() -> None:
    terms = {"worth": {"percent": 10}, "codes": {"generated": 8}, "valid_until": "closing"}
    night = book(voucher(voucher=terms), hours={"sat": ["20:00-24:00"], "sun": ["00:00-04:00"]})
    chosen = first_choice(night, situation(at("2026-11-28T21:00")))
    assert chosen.voucher is not None
    assert chosen.voucher.ends_at == at("2026-11-29T04:00")


def question(attribute: str, *answers: str) -> dict[str, object]:
    """A question's data."""
    return {"attribute": attribute, "answers": dict.fromkeys(answers, LABEL), "valid_for": "365d"}


def test_who_answers_yes_to_a_flag_has_it() -> None:
    kids = {"kids": {"type": "flag", "label": LABEL, "supplier": "shopper"}}
    offers = offer("ask", "question", question=question("kids", "ja", "nee")), offer("o", if_="kids")
    if not problems(document(*offers, attributes=kids)):
        asked: Book = book(*offers, attributes=kids)
        assert answer_value(declared_attributes([asked]).questions["ask"], "ja") is True


def test_answers_that_an_attribute_can_never_hold_are_refused() -> None:
    number = {"n": {"type": "number", "label": LABEL, "supplier": "shopper"}}
    asked = document(offer("ask", "question", question=question("n", "1-2", "3+")), offer("o", if_="n >= 3"), attributes=number)
    assert problems(asked)


def test_a_question_is_read_only_where_its_attribute_stands_not_where_its_letters_do() -> None:
    assert "question_unread" in refused("unread.yaml")


def test_a_cost_below_the_amount_and_an_amount_below_a_cent_are_refused() -> None:
    assert refused("cost.yaml")


def test_numbers_are_worded_as_the_reader_writes_them() -> None:
    text = {"nl": {"title": "{saldo} euro gespaard, {days_since_visit} dagen"}, "en": {"title": "x"}}
    saved = book(offer(content=text), attributes={"saldo": {"type": "number", "label": LABEL, "supplier": "backend"}})
    chosen = first_choice(saved, situation(facts={"saldo": 12345.67, "days_since_visit": 3.000347}))
    assert chosen.content.title == "12345,67 euro gespaard, 3 dagen"


def test_who_is_in_the_control_group_gets_help_all_the_same() -> None:
    helping = book(offer("help", "staff_call", attention=0), control_share=0.5)
    shopper = next(f"s-{number}" for number in range(99) if in_control("s", 0.5, f"s-{number}"))
    assert decide(helping, situation(shopper=shopper)).chosen


def test_nobody_ranks_what_a_shopper_loves_below_what_is_unknown() -> None:
    """One scale everywhere: 0 or more, 1 is neutral; or 0 to 1, and unknown is below all of it."""
    two = book(offer("loved"), offer("unknown"))
    assert first_choice(two, situation(facts={"affinity.loved": 1.1})).offer == "loved"
    assert first_choice(two, situation(facts={"affinity.loved": 0.9})).offer == "loved"


def test_attention_that_a_leap_of_the_clock_spent_comes_back_with_the_right_time() -> None:
    class Budget:
        capacity, refill_per_day, dismissal_cost, engagement_refill = 6, 3, 2, 1

    ahead_s = NOON_S + 3650 * 86400
    spent = attention.spent(attention.full(Budget, NOON_S), Budget, 6, ahead_s)
    assert attention.at(spent, Budget, NOON_S + 30 * 86400).tokens > 0


def test_a_fact_from_the_future_is_stale() -> None:
    wet = {"wet": {"type": "flag", "label": LABEL, "fresh_for": "1h"}}
    rainy = book(offer(if_="wet"), shop_facts=wet)
    assert gate(rainy, situation(facts={"wet": True}, fact_times={"wet": NOON_S + 3650 * 86400})) == "unknown"
