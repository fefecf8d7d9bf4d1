"""The form about the shop itself: name, time zone, opening hours as people write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, StringConstraints

from gateway.dashboard.forms import Control, FieldRefused
from gateway.zones.plan import StorePlan
from rules.texts import N_

DAYS: Mapping[str, str] = {
    "mon": N_("Monday"),
    "tue": N_("Tuesday"),
    "wed": N_("Wednesday"),
    "thu": N_("Thursday"),
    "fri": N_("Friday"),
    "sat": N_("Saturday"),
    "sun": N_("Sunday"),
}
_TIME = r"(\d{1,2})(?:[:.](\d{2}))?"
_HOURS = re.compile(rf"{_TIME}\s*[-–—]\s*{_TIME}")
Hours = Annotated[str, StringConstraints(max_length=20)]


class ShopForm(BaseModel):
    """What the shop is called, and when it is open."""

    name: Annotated[
        str, StringConstraints(min_length=1, max_length=60), Control(N_("Name of the shop"), autocomplete="organization")
    ]
    timezone: Annotated[str, StringConstraints(min_length=1, max_length=64), Control(N_("Time zone"), N_("Like Europe/Amsterdam."))]
    mon: Annotated[Hours, Control(DAYS["mon"], N_("Like 9:00-18:00; empty: closed. No hours at all: not known."))] = ""
    tue: Annotated[Hours, Control(DAYS["tue"])] = ""
    wed: Annotated[Hours, Control(DAYS["wed"])] = ""
    thu: Annotated[Hours, Control(DAYS["thu"])] = ""
    fri: Annotated[Hours, Control(DAYS["fri"])] = ""
    sat: Annotated[Hours, Control(DAYS["sat"])] = ""
    sun: Annotated[Hours, Control(DAYS["sun"])] = ""

    def hours(self) -> dict[str, list[str]]:
        """Return the hours by day, as the settings have them. Raises FieldRefused."""
        typed = {day: getattr(self, day) for day in DAYS}
        return {day: _read(day, hours) for day, hours in typed.items() if hours}


def now_of(plan: StorePlan) -> dict[str, str]:
    """Return what stands now, by field."""
    hours = {day: f"{span.opens}-{span.closes}" for day, span in plan.hours.items() if span is not None}
    return {"name": plan.store, "timezone": plan.timezone, **{day: hours.get(day, "") for day in DAYS}}  # type: ignore[call-overload]


def _read(day: str, typed: str) -> list[str]:
    found = _HOURS.fullmatch(typed.strip())
    if found is None:
        raise FieldRefused(day, N_("Write the hours like 9:00-18:00, or leave the day empty."))
    opens_hour, opens_minute, closes_hour, closes_minute = found.groups(default="00")
    times = [(int(opens_hour), int(opens_minute)), (int(closes_hour), int(closes_minute))]
    if any(time > (24, 0) or time[1] > 59 for time in times):
        raise FieldRefused(day, N_("A day has 24 hours of 60 minutes."))
    return [f"{hour:02d}:{minute:02d}" for hour, minute in times]
