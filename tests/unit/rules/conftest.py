"""A small book to bend, and a situation in it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rules import PURPOSES, Book, Situation, load_data

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
TEXT = {"nl": {"title": "Hallo"}, "en": {"title": "Hello"}}


@pytest.fixture
def at() -> Callable[[str], float]:
    """Epoch seconds of a local time in Amsterdam."""
    return lambda written: datetime.fromisoformat(written).replace(tzinfo=AMSTERDAM).timestamp()


@pytest.fixture
def offer() -> Callable[..., dict[str, Any]]:
    """The plainest offer: a text on entering the wine zone; keywords replace or add."""

    def make(name: str = "hello", **changes: Any) -> dict[str, Any]:
        plain = {"id": name, "kind": "content", "at": {"event": "enter", "zone": "wine"}, "content": copy.deepcopy(TEXT)}
        return plain | {key.rstrip("_"): value for key, value in changes.items()}

    return make


@pytest.fixture
def voucher(offer: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """The plainest voucher."""

    def make(name: str = "deal", **changes: Any) -> dict[str, Any]:
        part = {"worth": {"amount": 2.5}, "codes": {"generated": 8}, "valid_for": "2h"}
        return offer(name, **({"kind": "voucher", "voucher": part} | changes))

    return make


@pytest.fixture
def document() -> Callable[..., dict[str, Any]]:
    """A book's plain data around some offers."""

    def make(*offers: dict[str, Any], **changes: Any) -> dict[str, Any]:
        return {"book": "test", "salt": "salt", "offers": list(offers)} | changes

    return make


@pytest.fixture
def book(document: Callable[..., dict[str, Any]]) -> Callable[..., Book]:
    """A loaded book around some offers."""
    return lambda *offers, **changes: load_data(document(*offers, **changes))


@pytest.fixture
def situation() -> Callable[..., Situation]:
    """Somebody enters the wine zone on a Saturday at 11:12 local time, with every consent and no history."""

    def make(**changes: Any) -> Situation:
        plain: dict[str, Any] = {
            "shopper": "s-1",
            "at_s": datetime(2026, 11, 21, 11, 12, tzinfo=AMSTERDAM).timestamp(),
            "event": "enter",
            "zone": "wine",
            "dwell_s": 0.0,
            "visit": "v-1",
            "purposes": frozenset(PURPOSES),
            "language": "nl",
            "facts": {},
            "fact_times": {},
            "history": (),
            "attention": 5.0,
            "exhausted": frozenset(),
        }
        return Situation(**(plain | changes))

    return make
