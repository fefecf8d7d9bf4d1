"""The life of a rule book: draft → checked → approved → live → paused → archived, and back in one step.

A document never changes: another wording is another book, under another hash. At most one book is live everywhere, and one more may
be live before it in some zones only. No move in a book's life touches a promise that was made.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from gateway.storage import Connection, Store, books, vouchers
from rules import Book, CapKind, CodeKind, load_book

DRAFT: Final = "draft"
CHECKED: Final = "checked"
APPROVED: Final = "approved"
LIVE: Final = "live"
PAUSED: Final = "paused"
ARCHIVED: Final = "archived"


class LifeError(ValueError):
    """A book can't make that step; `str()` is one line: which, why, and what to do."""


def add(connection: Connection, text: str, person: str, at_s: float, zones: Collection[str]) -> str:
    """Keep a document (YAML or JSON) as a draft; its hash. The same document again changes nothing.

    `zones` are the store plan's. Raises BookError with every fault in it.
    """
    book = load_book(_as_text(text), zones)
    if books.find(connection, book.hash) is None:
        row = {"hash": book.hash, "name": book.id, "document": text, "author": person, "added_at_s": at_s, "state": DRAFT}
        books.add(connection, row | {"state_at_s": at_s, "zones": [], "before": None})
        _move(connection, book.hash, DRAFT, person, at_s)
    return book.hash


def check(connection: Connection, start: str, person: str, at_s: float, zones: Collection[str]) -> None:
    """Run the book's own cases; all right, and it counts as checked. Raises LifeError, BookError."""
    row = _in(connection, start, DRAFT, CHECKED)
    failed = [result.case.name for result in run_cases(load_book(_as_text(row.document), zones)) if not result.passed]
    if failed:
        raise LifeError(
            f"book {row.hash[:12]}: {len(failed)} of its cases fail ({'; '.join(failed[:5])}); mend the book or the cases"
        )
    _move(connection, row.hash, CHECKED, person, at_s)


def approve(connection: Connection, start: str, person: str, at_s: float, note: str = "") -> None:
    """Approve a checked book. One that may cost more than its `four_eyes_above` needs another person than its author.

    Raises LifeError.
    """
    row = _in(connection, start, CHECKED)
    book = load_book(_as_text(row.document))
    above, costs = book.document.four_eyes_above, exposure_cents(book) / 100
    if above is not None and costs > above and person == row.author:
        worth = "without limit" if math.isinf(costs) else f"up to € {costs:,.2f}"
        raise LifeError(
            f"book {row.hash[:12]}: it may cost {worth}, above € {above:,.2f}; somebody else than {person} must approve it"
        )
    _move(connection, row.hash, APPROVED, person, at_s, note)


def go_live(connection: Connection, start: str, person: str, at_s: float, zones: Collection[str] = ()) -> None:
    """Put an approved (or earlier live, or paused) book to work: everywhere, or in some `zones` first.

    Everywhere, it takes the place of every other book; in some zones, of another that was ahead there. Raises LifeError.
    """
    row = _in(connection, start, APPROVED, PAUSED, LIVE, ARCHIVED)
    wanted = sorted(zones)
    working = [other for other in books.in_states(connection, (LIVE, PAUSED)) if other.hash != row.hash]
    displaced = [other for other in working if not wanted or other.zones]
    same_scope = [other for other in displaced if bool(other.zones) == bool(wanted)]
    _fill_pools(connection, load_book(_as_text(row.document)), exact=not wanted)
    for other in displaced:
        _move(connection, other.hash, ARCHIVED, person, at_s, f"gave way to {row.hash[:12]}")
    before = same_scope[0].hash if same_scope else row.before
    _move(connection, row.hash, LIVE, person, at_s, zones=wanted, before=before)


def pause(connection: Connection, start: str, person: str, at_s: float, note: str = "") -> None:
    """Make no more offers from a live book; every promise made stands. Raises LifeError."""
    row = _in(connection, start, LIVE)
    _move(connection, row.hash, PAUSED, person, at_s, note)


def roll_back(connection: Connection, person: str, at_s: float) -> str | None:
    """Undo the latest going live, in one step; the hash of the book that is back (None: only the one ahead in zones left).

    Raises LifeError.
    """
    working = books.in_states(connection, (LIVE, PAUSED))
    ahead = next((row for row in working if row.zones), None)
    latest = ahead or next(iter(working), None)
    if latest is None or (latest.before is None and ahead is None):
        raise LifeError("there is no earlier book to go back to; `etalage books pause` stops the offers of this one")
    _move(connection, latest.hash, ARCHIVED, person, at_s, "rolled back")
    if latest.before is None:
        return None
    earlier = _in(connection, latest.before, ARCHIVED)
    _fill_pools(connection, load_book(_as_text(earlier.document)), exact=not latest.zones)
    _move(connection, earlier.hash, LIVE, person, at_s, "rolled back to", zones=latest.zones)
    return str(earlier.hash)


def exposure_cents(book: Book) -> float:
    """The most this book can cost, in cents: of each voucher its cost times its caps; infinite where nothing bounds one."""
    total = 0.0
    for rule in book.rules:
        if rule.worth is None:
            continue
        whole = [cap for cap in rule.caps if cap.every is None and not cap.per_shopper]
        counts = [cap.at_most * rule.cost_cents for cap in whole if cap.kind is not CapKind.BUDGET and rule.cost_cents]
        budgets = [cap.at_most for cap in whole if cap.kind is CapKind.BUDGET]
        total += min([*counts, *budgets], default=math.inf)
    return total


@dataclass(frozen=True, slots=True)
class Working:
    """The books that decide now."""

    everywhere: Book | None = None
    ahead: Mapping[str, Book] = MappingProxyType({})
    """Zone to the book that is live there before it is anywhere else."""

    def at(self, zone: str | None) -> Book | None:
        """The book that decides in a zone; None: no offers."""
        return self.ahead.get(zone or "", self.everywhere)


class Shelf:
    """The working books in memory, read again when their lives moved on; also by a command in another process."""

    def __init__(self, store: Store, zones: Collection[str]) -> None:
        self._store = store
        self._zones = zones
        self._mark: tuple[tuple[str, tuple[str, ...]], ...] = ()
        self.working = Working()

    def refresh(self) -> bool:
        """Read the live books if they changed; True: they did. Raises BookError when one doesn't fit the store plan."""
        with self._store.read() as connection:
            rows = books.in_states(connection, (LIVE,))
        mark = tuple((row.hash, tuple(row.zones)) for row in rows)
        if mark == self._mark:
            return False
        loaded = {row.hash: load_book(_as_text(row.document), self._zones) for row in rows}
        everywhere = next((loaded[row.hash] for row in rows if not row.zones), None)
        ahead = {zone: loaded[row.hash] for row in rows for zone in row.zones}
        self._mark, self.working = mark, Working(everywhere, MappingProxyType(ahead))
        return True


def _in(connection: Connection, start: str, *states: str) -> Any:
    row = books.find(connection, start)
    if row is None:
        raise LifeError(f"book {start}: no book's hash starts so, or more than one does; `etalage books list` shows them")
    if row.state not in states:
        raise LifeError(f"book {row.hash[:12]}: it is {row.state}; this step is for a book that is {' or '.join(states)}")
    return row


def _move(connection: Connection, book: str, state: str, person: str, at_s: float, note: str = "", **values: Any) -> None:
    step = {"book": book, "state": state, "person": person, "at_s": at_s, "note": note[:500]}
    books.move(connection, book, {"state": state, "state_at_s": at_s, **values}, step)


def _fill_pools(connection: Connection, book: Book, exact: bool) -> None:
    for rule in book.rules:
        if rule.codes is None or rule.codes.kind is not CodeKind.POOL:
            continue
        foreign = vouchers.fill_pool(connection, rule.id, rule.codes.pool, exact)
        if foreign is not None:
            raise LifeError(
                f"book {book.hash[:12]}, offer {rule.id}: code {foreign} is in another offer's pool; use each code once"
            )


def _as_text(document: str) -> str:
    """A document is never taken for a file name, whatever it says."""
    return document if "\n" in document else document + "\n"
