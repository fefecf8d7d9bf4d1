"""One spelling of a day, an end that includes what it names, and birthdays without a year."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from rules.format.dates import Anniversary, parse_date, parse_end, parse_fact_date, parse_moment, without_year

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def at(written: str) -> float:
    return datetime.fromisoformat(written).replace(tzinfo=AMSTERDAM).timestamp()


@pytest.mark.parametrize(
    "other",
    ["20261225", "2026-W52-5", "2026-360", "26-12-25", "2026-12-5", "2026-13-01", "2026-02-30", "25-12-2026", "２０２６-12-25",
     " 2026-12-25", "2026-12-25\n", "2026-12-25T10", "20261225T1000", "2026-12-25T10:00:00.5", "2026-12-25T24:30", "tomorrow", ""],
)  # fmt: skip
def test_a_day_has_one_spelling(other: str) -> None:
    assert parse_date(other) is None
    assert parse_moment(other, AMSTERDAM) is None
    assert parse_end(other, AMSTERDAM) is None


def test_a_day_begins_at_midnight_and_as_an_end_lasts_until_the_next() -> None:
    assert parse_moment("2026-12-24", AMSTERDAM) == at("2026-12-24T00:00")
    assert parse_end("2026-12-24", AMSTERDAM) == at("2026-12-25T00:00")
    assert parse_end("2026-10-25", AMSTERDAM) == at("2026-10-26T00:00")  # a day of 25 hours
    assert parse_end("2026-12-24T17:30", AMSTERDAM) == at("2026-12-24T17:30")


def test_an_hour_that_comes_twice_ends_the_second_time() -> None:
    assert parse_end("2026-10-25T02:30", AMSTERDAM) == parse_moment("2026-10-25T02:30", AMSTERDAM) + 3600  # type: ignore[operator]


def test_a_birthday_may_lack_its_year() -> None:
    assert parse_fact_date("1980-02-29") == date(1980, 2, 29).toordinal()
    assert parse_fact_date("--02-29") == Anniversary(2, 29)
    assert [parse_fact_date(wrong) for wrong in ("--02-30", "--2-9", "02-29", "--13-01", 19800229)] == [None] * 5
    assert without_year("1980-02-29") == "--02-29"
    assert without_year("--02-29") == "--02-29"
