"""A fresh database, and a moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gateway.offers.ledger import Ledger
from gateway.settings import StorageSettings
from gateway.storage import Store, open_store
from rules import Situation

NOON_S = 1_763_722_800.0


@pytest.fixture
def now_s() -> float:
    """2025-11-21 12:00 in Amsterdam."""
    return NOON_S


@pytest.fixture
def store(storage: StorageSettings) -> Iterator[Store]:
    """A fresh database."""
    opened = open_store(storage)
    yield opened
    opened.close()


@pytest.fixture
def ledger(store: Store) -> Ledger:
    """A ledger on it."""
    return Ledger(store, "etalage/demo-chain/demo/gw-1")


@pytest.fixture
def situation() -> Callable[..., Situation]:
    """A shopper who just walked into the wine zone."""

    def build(shopper: str = "s-1", at_s: float = NOON_S, **fields: Any) -> Situation:
        given = {
            "event": "enter",
            "zone": "wine",
            "dwell_s": 0.0,
            "visit": f"visit-of-{shopper}",
            "purposes": frozenset({"recognise", "offers"}),
            "language": "nl",
            "facts": {"stage": "fan", "path": frozenset({"bread", "wine"}), "visits_90d": 4},
            "fact_times": {"stage": at_s - 60},
            "history": (),
            "attention": 4.0,
            "exhausted": frozenset(),
        }
        return Situation(shopper=shopper, at_s=at_s, **{**given, **fields})

    return build
