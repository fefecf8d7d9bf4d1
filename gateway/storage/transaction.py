"""Work in a transaction: what it is given, what it came to, and whose fault it is when it doesn't come to anything."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, OperationalError

T = TypeVar("T")


class Transaction:
    """What work in the writer is given: the connection to do it on, and a place for what is to follow once it is on disk."""

    __slots__ = ("_calls", "connection")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._calls: list[Callable[[], None]] = []

    def after_commit(self, call: Callable[[], None]) -> None:
        """Have `call` made once all of this is on disk; never for work that was taken back."""
        self._calls.append(call)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Take back what is done within, and let nothing follow from it, where it raises."""
        before = len(self._calls)
        try:
            with self.connection.begin_nested():
                yield
        except BaseException:
            del self._calls[before:]
            raise

    @property
    def calls(self) -> Sequence[Callable[[], None]]:
        """Return what is to follow, in order."""
        return self._calls


@dataclass(slots=True)
class Job(Generic[T]):
    """A piece of work, and where its outcome goes."""

    work: Callable[[Transaction], T]
    future: Future[T]


AnyJob = Job[Any]  # those in a queue return what each likes, and a Future is invariant


class Attempt(NamedTuple):
    """What one piece of work came to when it was tried."""

    value: object
    failure: Exception | None
    calls: Sequence[Callable[[], None]]


def do(job: Job[T], connection: Connection) -> Attempt:
    """Do the work on this connection. Raises what it raises."""
    transaction = Transaction(connection)
    return Attempt(job.work(transaction), None, transaction.calls)


def do_or_take_back(job: Job[T], connection: Connection) -> Attempt:
    """Return what the work returned or raised. Raises what is not its own fault: then all of it is run again."""
    try:
        return do(job, connection)
    except Exception as error:
        if passes(error):
            raise
        connection.exec_driver_sql("ROLLBACK TO SAVEPOINT work")
        return Attempt(None, error, ())


def passes(error: Exception) -> bool:
    """Return whether the disk, a lock or the connection is in the way, and not the work: SQL that can never run fails by itself."""
    if isinstance(error, OperationalError):
        return getattr(error.orig, "sqlite_errorcode", None) != sqlite3.SQLITE_ERROR
    return isinstance(error, DBAPIError) and error.connection_invalidated
