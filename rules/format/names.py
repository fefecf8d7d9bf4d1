"""The names that a book may use, and the refusal of any other with the nearest right one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple
from zoneinfo import ZoneInfo

from rules.format.errors import BookProblem, nearest
from rules.format.fields import Field


class KnownNames(NamedTuple):
    """The names a book may use."""

    offers: Collection[str]
    zones: Collection[str] | None
    fields: Mapping[str, Field]
    zone: ZoneInfo


def check_known(kind: str, path: str, value: str, known: Collection[str]) -> Iterator[BookProblem]:
    """Yield a problem when a name is none of the known ones."""
    if value not in known:
        yield BookProblem(f"unknown_{kind}", path, nearest=nearest(value, known), values={"value": value})
