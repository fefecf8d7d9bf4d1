"""The books that decide now, in memory."""

from __future__ import annotations

from collections.abc import Collection
from types import MappingProxyType
from typing import NamedTuple

from gateway.books.reading import load
from gateway.model import BooksSnapshot
from gateway.storage import Connection, Store, books

Mark = tuple[tuple[str, tuple[str, ...]], ...]
"""Which books are live where: (hash, zones; none: everywhere) each."""


class BooksFound(NamedTuple):
    """What a look at the database found."""

    mark: Mark
    live_since_s: float
    snapshot: BooksSnapshot


class LiveBooks:
    """Holds the live books; reads them again when a life moved on, also by a command in another process."""

    def __init__(self, store: Store, zones: Collection[str]) -> None:
        self._store = store
        self._zones = zones
        self._mark: Mark = ()
        self.snapshot = BooksSnapshot()
        self.live_since_s = float("-inf")
        """When the latest of the live books went live."""

    def refresh(self) -> bool:
        """Read the live books if they changed, and hold them; True: they did. Raises BookError."""
        with self._store.read() as connection:
            found = self.read(connection)
        return self.take(found)

    def read(self, connection: Connection) -> BooksFound | None:
        """Read the live books; None where they are those that are held. Raises BookError when one doesn't fit the store plan.

        Looks at a handful of rows, so it may be called every second, from any thread.
        """
        mark = books.live(connection)
        if mark == self._mark:
            return None
        loaded = {book: load(books.document(connection, book), self._zones) for book, _zones in mark}
        everywhere = next((loaded[book] for book, zones in mark if not zones), None)
        ahead = {zone: loaded[book] for book, zones in mark for zone in zones}
        return BooksFound(mark, books.live_since_s(connection), BooksSnapshot(everywhere, MappingProxyType(ahead)))

    def take(self, found: BooksFound | None) -> bool:
        """Hold what was read; True: it is something new."""
        if found is None:
            return False
        self._mark, self.live_since_s, self.snapshot = found
        return True
