"""Rule books with their lives: every document ever added, which state it is in, and who moved it there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import JSON, Column, Connection, Float, Index, Integer, String, Table, Text, func, insert, select, update

from gateway.storage.metadata import metadata

books = Table(
    "books",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("document", Text, nullable=False),
    Column("author", String(64), nullable=False),
    Column("added_at_s", Float, nullable=False),
    Column("state", String(12), nullable=False),
    Column("state_at_s", Float, nullable=False),
    Column("approved_by", String(64)),
    Column("zones", JSON, nullable=False),  # where it is live or paused; empty: everywhere
    Column("was_live", Integer, nullable=False),  # 1: it has been live
    Column("before", String(64)),
    Index("ix_books_state", "state"),
)
"""One row for each document, by the hash of its content; a changed document is another book. `before`: whose place it took."""

book_steps = Table(
    "book_steps",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("book", String(64), nullable=False),
    Column("state", String(12), nullable=False),
    Column("person", String(64), nullable=False),
    Column("at_s", Float, nullable=False),
    Column("note", String(500), nullable=False),
    Index("ix_book_steps_book", "book"),
)
"""Who put which book in which state, when. Only ever added to."""


class BookRecord(NamedTuple):
    """A document with its place in the life of a book."""

    hash: str
    name: str
    document: str
    author: str
    added_at_s: float
    state: str
    state_at_s: float
    approved_by: str | None
    zones: Sequence[str]
    """Where it is live or paused; none: everywhere."""
    was_live: int
    """1: it has been live."""
    before: str | None
    """Whose place it took."""


class BookStepRecord(NamedTuple):
    """Who put a book in which state, when."""

    book: str
    state: str
    person: str
    at_s: float
    note: str


def add(connection: Connection, book: BookRecord, step: BookStepRecord) -> None:
    """Keep a new document, and note who brought it."""
    connection.execute(insert(books), book._asdict())
    connection.execute(insert(book_steps), step._asdict())


def find(connection: Connection, start: str) -> BookRecord | None:
    """The book whose hash starts so; None when there is none, or more than one."""
    found = connection.execute(select(books).where(books.c.hash.startswith(start, autoescape=True)).limit(2)).all()
    return BookRecord._make(found[0]) if len(found) == 1 else None


def every(connection: Connection) -> Sequence[BookRecord]:
    """All books, the latest moved first."""
    rows = connection.execute(select(books).order_by(books.c.state_at_s.desc(), books.c.hash))
    return [BookRecord._make(row) for row in rows]


def live(connection: Connection) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """(hash, zones) of the books that are live, the latest moved first; no zones: everywhere."""
    rows = select(books.c.hash, books.c.zones).where(books.c.state == "live").order_by(books.c.state_at_s.desc(), books.c.hash)
    return tuple((row.hash, tuple(row.zones)) for row in connection.execute(rows))


def live_since_s(connection: Connection) -> float:
    """Return when the latest of the live books went live; minus infinity when none is."""
    latest = connection.execute(select(func.max(books.c.state_at_s)).where(books.c.state == "live")).scalar()
    return float("-inf") if latest is None else float(latest)


def document(connection: Connection, book: str) -> str:
    """A book's document."""
    return str(connection.execute(select(books.c.document).where(books.c.hash == book)).scalar_one())


def move(connection: Connection, book: BookRecord, step: BookStepRecord) -> None:
    """Let a book stand as it says, and note who put it there. Its document and author never change."""
    moved = {name: getattr(book, name) for name in ("state", "state_at_s", "approved_by", "zones", "was_live", "before")}
    connection.execute(update(books).where(books.c.hash == book.hash).values(**moved))
    connection.execute(insert(book_steps), step._asdict())


def steps(connection: Connection, book: str) -> Sequence[BookStepRecord]:
    """A book's life so far, oldest first."""
    columns = (book_steps.c[name] for name in BookStepRecord._fields)
    rows = connection.execute(select(*columns).where(book_steps.c.book == book).order_by(book_steps.c.seq))
    return [BookStepRecord._make(row) for row in rows]
