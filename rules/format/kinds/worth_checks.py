"""What must hold wherever something is given away: one worth, a cost that isn't below it, codes that can be typed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rules.format.errors import BookProblem
from rules.format.schema_parts import Part, WorthPart

_TYPEABLE = re.compile(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*", re.ASCII)


def exactly_one(part: Part | None, path: str, keys: tuple[str, ...]) -> Iterator[BookProblem]:
    """Yield a problem unless just one of the keys is given."""
    if part is not None and sum(getattr(part, key) is not None for key in keys) != 1:
        yield BookProblem("exactly_one", path, values={"keys": ", ".join(keys)})


def check_worth(part: WorthPart | None, path: str) -> Iterator[BookProblem]:
    """Yield a problem unless a worth is one of percent, amount or gift."""
    yield from exactly_one(part, path, ("percent", "amount", "gift"))


def check_cost(
    given: Sequence[WorthPart | None], cost: float | None, reason: str, section: str, budgeted: bool
) -> Iterator[BookProblem]:
    """Yield a problem where a budget or four eyes would count less than is given away, or can't count it at all."""
    worths = [worth for worth in given if worth is not None]
    amount = sum(worth.amount or 0.0 for worth in worths)
    if cost is not None and round(cost, 2) < round(amount, 2) and not reason.strip():
        yield BookProblem("cost_low", "cost", values={"cost": f"{cost:.2f}", "amount": f"{amount:.2f}", "section": section})
    if cost is None and budgeted and any(worth.amount is None for worth in worths):
        yield BookProblem("budget_cost", "cost", values={"section": section})


def check_code(code: str, path: str) -> Iterator[BookProblem]:
    """Yield a problem for a code that nobody can read out and type at a till."""
    if not _TYPEABLE.fullmatch(code):
        yield BookProblem("code_typed", path, values={"code": code})
