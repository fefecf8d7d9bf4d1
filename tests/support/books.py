"""Rule books as plain data, and situations to decide in: the smallest ones, to bend by keyword."""

from __future__ import annotations

import copy
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rules import PURPOSES, Book, BookError, Chosen, Situation, decide, load_data

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
LABEL = {"nl": "x", "en": "x"}
TEXT = {"nl": {"title": "Hallo"}, "en": {"title": "Hello"}}


def at(written: str) -> float:
    """Return the epoch seconds of a local time in Amsterdam, such as "2026-11-27T12:00"."""
    return datetime.fromisoformat(written).replace(tzinfo=AMSTERDAM).timestamp()


NOON_S = at("2026-11-27T12:00")


def offer(name: str = "hello", kind: str = "content", **changes: Any) -> dict[str, Any]:
    """Return an offer's data: a text on entering. Keywords replace or add; `if_` and `from_` stand for the words Python keeps."""
    plain = {"id": name, "kind": kind, "at": {"event": "enter"}, "content": copy.deepcopy(TEXT)}
    return plain | {key.rstrip("_"): value for key, value in changes.items()}


def voucher(name: str = "deal", *, codes: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """Return a voucher's data: ten per cent, good for five hours."""
    terms = {"worth": {"percent": 10}, "codes": codes or {"generated": 8}, "valid_for": "5h"}
    return offer(name, **({"kind": "voucher", "voucher": terms} | changes))


def document(*offers: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return a book's data around some offers."""
    return {"book": "test", "salt": "s", "offers": list(offers)} | changes


def book(*offers: dict[str, Any], **changes: Any) -> Book:
    """Load a book around some offers. Raises BookError."""
    return load_data(document(*offers, **changes))


def problems(data: dict[str, Any]) -> list[str]:
    """Return the codes of what is wrong with a book's data; empty when it loads."""
    try:
        load_data(data)
    except BookError as error:
        return [str(problem.code) for problem in error.problems]
    return []


def situation(at_s: float = NOON_S, **changes: Any) -> Situation:
    """Return a shopper who enters the wine zone, with every consent and no history. Facts are new."""
    facts = changes.get("facts", {})
    plain: dict[str, Any] = {
        "shopper": "s-1",
        "at_s": at_s,
        "event": "enter",
        "zone": "wine",
        "dwell_s": 0.0,
        "visit": "v",
        "purposes": frozenset(PURPOSES),
        "language": "nl",
        "facts": facts,
        "fact_times": dict.fromkeys(facts, at_s),
        "history": (),
        "attention": 6.0,
        "exhausted": frozenset(),
    }
    return Situation(**(plain | changes))


def first_choice(of: Book, where: Situation) -> Chosen:
    """Return the first offer that a book makes in a situation, or would make to somebody outside the control group."""
    decision = decide(of, where)
    return (*decision.chosen, *decision.ghosts)[0]


def gate(of: Book, where: Situation, name: str = "hello") -> str:
    """Return what stopped an offer, or "chosen"."""
    return {verdict.offer: verdict.gate.value for verdict in decide(of, where).verdicts}[name]
