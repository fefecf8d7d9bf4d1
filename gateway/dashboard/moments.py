"""Times of the API: RFC 3339, as by MQTT (`ends_at`), beside the seconds since 1970 that came first (`ends_at_s`)."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import BaseModel, computed_field


def twin_of(name: str, *, maybe: bool = False) -> property:
    """Make the field that says the time in field `name` as RFC 3339; `maybe`: null where that is null."""

    def told(answer: BaseModel) -> datetime | None:
        at_s: float | None = getattr(answer, name)
        return None if at_s is None else datetime.fromtimestamp(at_s, UTC)

    twin: property = computed_field(return_type=(datetime | None) if maybe else datetime)(property(told))
    return twin
