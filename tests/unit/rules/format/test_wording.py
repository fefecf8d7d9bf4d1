"""Numbers, money, days and ends read as the reader writes them."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.decision import Worth
from rules.format.dates import Anniversary
from rules.format.wording import bound_text, day_text, end_text, money, number_text, value_text, worth_text
from rules.texts import Language

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NL, EN = Language.NL, Language.EN


def at(written: str) -> float:
    return datetime.fromisoformat(written).replace(tzinfo=AMSTERDAM).timestamp()


@pytest.mark.parametrize(
    ("number", "dutch", "english"),
    [
        (12345.67, "12345,67", "12345.67"),
        (3.000347, "3", "3"),
        (100 / 3, "33,33", "33.33"),
        (2.5, "2,5", "2.5"),
        (10.0, "10", "10"),
        (100, "100", "100"),
        (1234567.0, "1234567", "1234567"),
        (-0.001, "0", "0"),
        (0.005, "0,01", "0.01"),
        (0, "0", "0"),
        (-2.25, "-2,25", "-2.25"),
    ],
)
def test_a_number_has_at_most_two_decimals_and_the_mark_of_its_language(number: float, dutch: str, english: str) -> None:
    assert (number_text(number, NL), number_text(number, EN)) == (dutch, english)


@given(st.floats(-1e14, 1e14))
def test_a_number_is_never_in_powers_of_ten_and_never_off_by_more_than_half_a_cent(number: float) -> None:
    written = number_text(number, NL)
    assert set(written) <= set("-0123456789,")
    assert abs(float(written.replace(",", ".")) - number) <= 0.00501 + abs(number) * 1e-15


@pytest.mark.parametrize(
    ("amount", "currency", "dutch", "english"),
    [
        (2.5, "EUR", "€ 2,50", "€2.50"),
        (12345.6, "EUR", "€ 12345,60", "€12345.60"),
        (2.5, "GBP", "£ 2,50", "£2.50"),
        (2.5, "CHF", "CHF 2,50", "CHF 2.50"),
        (500, "HUF", "HUF 500", "HUF 500"),
    ],
)
def test_money_has_its_currency(amount: float, currency: str, dutch: str, english: str) -> None:
    assert (money(amount, NL, currency), money(amount, EN, currency)) == (dutch, english)


def test_a_worth_reads_and_travels_in_its_currency() -> None:
    assert worth_text(Worth(percent=100 / 3), NL) == "33,33%"
    assert worth_text(Worth(amount_cents=250, currency="DKK"), EN) == "DKK 2.50"
    assert worth_text(Worth(gift="een tas"), NL) == "een tas"
    assert Worth(amount_cents=250).as_message() == {"amount": 2.5}
    assert Worth(amount_cents=250, currency="DKK").as_message() == {"amount": 2.5, "currency": "DKK"}


@pytest.mark.parametrize(
    ("end", "dutch", "english"),
    [
        ("2026-11-27T18:00", "18:00", "18:00"),
        ("2026-11-28T00:00", "24:00", "24:00"),
        ("2026-11-29T00:00", "28 nov 24:00", "28 Nov 24:00"),
        ("2026-12-05T17:30", "5 dec 17:30", "5 Dec 17:30"),
        ("2027-01-01T00:00", "31 dec 24:00", "31 Dec 24:00"),
        ("2027-01-02T12:00", "2 jan 2027 12:00", "2 Jan 2027 12:00"),
    ],
)
def test_an_end_is_told_by_its_time_and_another_day_by_its_date(end: str, dutch: str, english: str) -> None:
    now = at("2026-11-27T12:00")
    assert (end_text(at(end), now, AMSTERDAM, NL), end_text(at(end), now, AMSTERDAM, EN)) == (dutch, english)


def test_days_and_bounds_read_as_written() -> None:
    assert day_text(date(2026, 12, 24), NL) == "24 dec 2026"
    assert day_text(Anniversary(5, 3), NL) == "3 mei"
    assert bound_text(at("2026-12-25T00:00"), AMSTERDAM, is_end=True) == "2026-12-24 24:00"
    assert bound_text(at("2026-12-25T00:00"), AMSTERDAM) == "2026-12-25 00:00"


def test_a_text_is_shown_without_what_turns_the_direction_of_reading() -> None:
    assert value_text("Jan\u202e\u0000 de Vries", NL) == "Jan de Vries"
