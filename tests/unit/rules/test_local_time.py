"""Local time with its summer time: windows, opening hours, quiet hours."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from rules.format.dates import duration_text, parse_clock, parse_date, parse_duration, parse_moment
from rules.local_time import WEEKDAYS, Local, Spans, closing, within

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
At = Callable[[str], float]


@pytest.mark.parametrize(
    ("window", "start"),
    [("hour", "2026-11-19T15:00"), ("day", "2026-11-19T00:00"), ("week", "2026-11-16T00:00"), ("month", "2026-11-01T00:00")],
)
def test_calendar_windows_begin_where_people_say(at: At, window: str, start: str) -> None:
    assert Local(at("2026-11-19T15:45"), AMSTERDAM).start_of(window) == at(start)


def test_a_day_lasts_23_hours_in_spring_and_25_in_autumn(at: At) -> None:
    for day, hours in (("2026-03-29T12:00", 23), ("2026-10-25T12:00", 25)):
        local = Local(at(day), AMSTERDAM)
        assert (local.end_of_day() - local.start_of("day")) / 3600 == hours


def test_the_repeated_hour_of_autumn_is_two_windows_of_an_hour_and_one_of_a_day() -> None:
    first = datetime(2026, 10, 25, 2, 30, tzinfo=AMSTERDAM).timestamp()
    second = datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=AMSTERDAM).timestamp()
    one, two = Local(first, AMSTERDAM), Local(second, AMSTERDAM)
    assert second - first == 3600
    assert (one.minute, one.key("day")) == (two.minute, two.key("day")) == (150, "2026-10-25")
    assert one.key("hour") != two.key("hour")
    assert one.start_of("hour") == first - 1800


@pytest.mark.parametrize(("window", "key"), [("day", "2027-01-01"), ("week", "2026-W53"), ("month", "2027-01")])
def test_windows_have_names(at: At, window: str, key: str) -> None:
    assert Local(at("2027-01-01T00:00"), AMSTERDAM).key(window) == key


def test_opening_hours_follow_the_wall_clock_through_summer_time(at: At) -> None:
    hours = {"sun": ((600, 1020),)}
    for sunday in ("2026-03-22", "2026-03-29", "2026-10-25"):
        assert closing(hours, Local(at(f"{sunday}T10:00"), AMSTERDAM)) == at(f"{sunday}T17:00")
        assert closing(hours, Local(at(f"{sunday}T09:59"), AMSTERDAM)) is None
        assert closing(hours, Local(at(f"{sunday}T17:00"), AMSTERDAM)) is None


def test_a_shop_may_be_open_past_midnight(at: At) -> None:
    hours = {"sat": ((1200, 120),), "sun": ()}
    assert closing(hours, Local(at("2026-11-21T23:00"), AMSTERDAM)) == at("2026-11-22T02:00")
    assert closing(hours, Local(at("2026-11-22T01:59"), AMSTERDAM)) == at("2026-11-22T02:00")
    assert closing(hours, Local(at("2026-11-22T02:00"), AMSTERDAM)) is None
    assert closing({"sat": ((540, 1440),)}, Local(at("2026-11-21T23:59"), AMSTERDAM)) == at("2026-11-22T00:00")


def test_quiet_hours_may_run_past_midnight() -> None:
    night = ((22 * 60, 7 * 60),)
    assert [within(night, hour * 60) for hour in (21, 22, 0, 6, 7)] == [False, True, True, True, False]


def test_durations_clocks_and_dates_are_read_strictly() -> None:
    assert [parse_duration(text) for text in ("15s", "90m", "2h", "30d", "4w", "1.5h")] == [
        15,
        5400,
        7200,
        2_592_000,
        2_419_200,
        5400,
    ]
    assert [parse_duration(wrong) for wrong in ("15", 15, "-3d", "3 days", "", None, "1e9d")] == [None] * 7
    assert [duration_text(seconds) for seconds in (15, 5400, 7200, 2_592_000, 2_419_200)] == ["15s", "90m", "2h", "30d", "4w"]
    assert [parse_clock(text) for text in ("00:00", "9:05", "24:00")] == [0, 545, 1440]
    assert [parse_clock(wrong) for wrong in ("24:01", "9.05", "7:5", 900, None)] == [None] * 5
    assert parse_date("2026-13-01") is None
    assert parse_moment("2026-11-21T10:00:00Z", AMSTERDAM) == parse_moment("2026-11-21T11:00", AMSTERDAM)


@pytest.mark.parametrize(
    ("hours", "now", "closes"),
    [
        ({"sat": ((1200, 1440),), "sun": ((0, 240),)}, "2026-11-28T21:00", "2026-11-29T04:00"),
        ({"sat": ((1200, 240),), "sun": ((240, 300),)}, "2026-11-28T21:00", "2026-11-29T05:00"),
        ({"sat": ((540, 720), (720, 1080))}, "2026-11-28T10:00", "2026-11-28T18:00"),
        ({"sat": ((540, 1080), (1020, 1260))}, "2026-11-28T17:30", "2026-11-28T21:00"),
        ({"sat": ((540, 720), (780, 1080))}, "2026-11-28T10:00", "2026-11-28T12:00"),
        ({"sat": ((540, 1440),), "2026-11-29": ()}, "2026-11-28T10:00", "2026-11-29T00:00"),
    ],
)
def test_spans_that_adjoin_are_one_opening(at: At, hours: dict[str, Spans], now: str, closes: str) -> None:
    assert closing(hours, Local(at(now), AMSTERDAM)) == at(closes)


def test_a_shop_that_never_closes_has_no_closing() -> None:
    always = dict.fromkeys(WEEKDAYS, ((0, 1440),))
    assert closing(always, Local(1.8e9, AMSTERDAM)) == math.inf


def test_closing_is_still_to_come_in_the_hour_that_comes_twice() -> None:
    hours = {"sun": ((60, 165),)}  # until 02:45
    for fold in (0, 1):
        now = datetime(2026, 10, 25, 2, 30, fold=fold, tzinfo=AMSTERDAM).timestamp()
        closes = closing(hours, Local(now, AMSTERDAM))
        assert closes is not None
        assert now < closes <= now + 900 + 3600
