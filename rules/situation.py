"""What the engine is told about one shopper at one moment. Everything it may use is in here; it looks nothing up itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

Value = str | float | int | bool | frozenset[str]
"""What a fact can be. A fact that is absent is unknown, and unknown never makes anyone eligible."""

EVENTS = ("visit_start", "enter", "dwell", "exit", "purchase")
HAPPENINGS = ("announced", "shown", "tapped", "dismissed", "redeemed", "purchased", "reviewed", "shared")
PURPOSES = ("recognise", "offers", "purchases", "aftercare", "measure")


class Happening(NamedTuple):
    """One thing that happened with an offer to this shopper. Ghosts count as announced: both arms are measured alike."""

    offer: str
    what: str
    at_s: float
    visit: str


@dataclass(frozen=True, slots=True)
class Situation:
    """One shopper at one moment. Times in seconds since the epoch; `at_s` is the moment of the event itself."""

    shopper: str
    at_s: float
    event: str
    zone: str | None
    dwell_s: float
    visit: str
    purposes: frozenset[str]
    language: str
    facts: Mapping[str, Value]
    """Field to value. Absent is unknown."""
    fact_times: Mapping[str, float]
    """Field to the moment of its datum, needed only where the book declares how fresh it must be."""
    history: Sequence[Happening]
    attention: float
    """Tokens left in the shopper's attention budget."""
    exhausted: frozenset[str]
    """Offers whose cap the ledger knows is reached."""
