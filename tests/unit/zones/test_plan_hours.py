"""Opening hours: by the shop's own clock, through summer time, past midnight."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.zones.plan import PlanError, StorePlan, parse_plan


def plan(timezone: str = "Europe/Amsterdam", **hours: Any) -> StorePlan:
    zones, scanners = [{"id": "wine"}], [{"id": "pi-1", "zone": "wine"}]
    return parse_plan({"store": "s", "zones": zones, "scanners": scanners, "hours": hours, "timezone": timezone}, "plan.yaml")


def at(local: str, fold: int = 0, timezone: str = "Europe/Amsterdam") -> float:
    return datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(timezone), fold=fold).timestamp()


def test_a_plan_without_hours_does_not_say_whether_the_shop_is_open() -> None:
    assert plan().open_at(at("2026-11-23T12:00")) is None


def test_the_shop_is_open_from_the_first_minute_to_the_last() -> None:
    monday = plan(mon=["09:00", "17:30"])
    moments = ("08:59:59", "09:00:00", "17:29:59", "17:30:00")
    assert [monday.open_at(at(f"2026-11-23T{moment}")) for moment in moments] == [False, True, True, False]


def test_a_day_that_is_not_listed_is_closed_like_one_that_says_so() -> None:
    some = plan(mon=["09:00", "17:30"], sun=None)
    assert some.open_at(at("2026-11-22T12:00")) is False  # Sunday
    assert some.open_at(at("2026-11-24T12:00")) is False  # Tuesday


def test_24_00_is_the_end_of_the_day_and_both_days_may_join() -> None:
    around = plan(fri=["08:00", "24:00"], sat=["00:00", "24:00"])
    moments = ("2026-11-20T23:59:59", "2026-11-21T00:00", "2026-11-21T23:59:59", "2026-11-22T00:00")
    assert [around.open_at(at(moment)) for moment in moments] == [True, True, True, False]


def test_hours_that_end_before_they_begin_run_into_the_next_day_even_a_closed_one() -> None:
    late = plan(sat=["18:00", "02:00"], sun=None)
    moments = ("2026-11-21T01:00", "2026-11-21T17:59", "2026-11-21T18:00", "2026-11-22T01:59", "2026-11-22T02:00")
    assert [late.open_at(at(moment)) for moment in moments] == [False, False, True, True, False]


@pytest.mark.parametrize("sunday", ["2026-03-22", "2026-03-29", "2026-10-18", "2026-10-25"])
def test_nine_o_clock_is_nine_o_clock_on_both_sides_of_a_clock_change(sunday: str) -> None:
    week = plan(sun=["09:00", "17:00"])
    moments = ("08:59", "09:00", "16:59", "17:00")
    assert [week.open_at(at(f"{sunday}T{moment}")) for moment in moments] == [False, True, True, False]


def test_summer_time_moves_the_opening_by_an_hour_of_the_world_s_clock() -> None:
    week = plan(sun=["09:00", "17:00"])
    winter_s, summer_s = at("2026-03-22T08:30"), at("2026-03-29T08:30")
    assert summer_s - winter_s == 7 * 86_400 - 3_600
    eight_utc = datetime.fromisoformat("2026-03-29T07:30+00:00").timestamp()
    assert week.open_at(eight_utc) is True
    assert week.open_at(eight_utc - 7 * 86_400) is False


def test_the_hour_that_spring_skips_closes_a_night_shop_at_its_time_and_autumn_s_hour_counts_twice() -> None:
    night = plan(sat=["22:00", "02:30"])
    assert night.open_at(at("2026-03-29T01:59:59")) is True
    assert night.open_at(at("2026-03-29T01:59:59") + 1) is False  # 03:00: half past two never came
    assert night.open_at(at("2026-10-25T02:29", fold=0)) is True
    assert night.open_at(at("2026-10-25T02:31", fold=0)) is False
    assert night.open_at(at("2026-10-25T02:29", fold=1)) is True


def test_all_day_covers_the_days_of_23_and_25_hours() -> None:
    sunday = plan(sun=["00:00", "24:00"])
    for day, following in (("2026-03-29", "2026-03-30"), ("2026-10-25", "2026-10-26")):
        first_s, last_s = at(f"{day}T00:00"), at(f"{following}T00:00")
        assert [sunday.open_at(moment) for moment in (first_s - 1, first_s, last_s - 1, last_s)] == [False, True, True, False]


def test_the_hours_are_those_of_the_plan_s_own_zone() -> None:
    noon_in_curacao_s = at("2026-11-23T12:00", timezone="America/Curacao")
    assert plan("America/Curacao", mon=["09:00", "16:00"]).open_at(noon_in_curacao_s) is True
    assert plan("Europe/Amsterdam", mon=["09:00", "16:00"]).open_at(noon_in_curacao_s) is False


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        ({"mon": ["09:00", "09:00"]}, "hours.mon: opens and closes at 09:00; write 00:00 and 24:00 for all day"),
        ({"sun": None}, "hours: no day has opening hours; a day that isn't listed is closed"),
    ],
)
def test_hours_that_could_be_meant_two_ways_are_refused(hours: dict[str, Any], words: str) -> None:
    with pytest.raises(PlanError) as refused:
        plan(**hours)
    assert str(refused.value).startswith(f"plan.yaml: {words}")
