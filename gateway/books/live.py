"""The books that decide now, in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from gateway.books.lifecycle import load
from gateway.storage import Store, books
from rules import Book


@dataclass(frozen=True, slots=True)
class BooksSnapshot:
    """The books that decide now; `ahead`: zone to the book that is live there before it is anywhere else."""

    everywhere: Book | None = None
    ahead: Mapping[str, Book] = field(default_factory=lambda: MappingProxyType({}))

    def at(self, zone: str | None) -> Book | None:
        """The book that decides in a zone; None: no offers are made there."""
        return self.ahead.get(zone or "", self.everywhere)

    def all(self) -> tuple[Book, ...]:
        """Every book that decides somewhere, once: what one of them reads may be stored."""
        found = {book.hash: book for book in (self.everywhere, *self.ahead.values()) if book is not None}
        return tuple(found.values())


class LiveBooks:
    """Holds the working books; reads them again when a life moved on, also by a command in another process."""

    def __init__(self, store: Store, zones: Collection[str]) -> None:
        self._store = store
        self._zones = zones
        self._mark: tuple[tuple[str, tuple[str, ...]], ...] = ()
        self.snapshot = BooksSnapshot()
        self.live_since_s = float("-inf")
        """When the latest of the working books went live."""

    def refresh(self) -> bool:
        """Read the live books if they changed; True: they did. Raises BookError when one doesn't fit the store plan.

        Looks at a handful of rows, so it may be called every second.
        """
        with self._store.read() as connection:
            mark = books.live(connection)
            if mark == self._mark:
                return False
            self.live_since_s = books.live_since_s(connection)
            loaded = {book: load(books.document(connection, book), self._zones) for book, _zones in mark}
        everywhere = next((loaded[book] for book, zones in mark if not zones), None)
        ahead = {zone: loaded[book] for book, zones in mark for zone in zones}
        self._mark, self.snapshot = mark, BooksSnapshot(everywhere, MappingProxyType(ahead))
        return True
