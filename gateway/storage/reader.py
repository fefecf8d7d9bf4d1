"""The one reader: a thread that answers the event loop's questions to the database, so that the loop itself never waits for it.

A database that is away makes answers fail, never the reader: it takes the next question on a new connection. What nobody can use
any more when its turn comes isn't asked at all, so that after an outage the newest questions don't queue behind the oldest.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection

T = TypeVar("T")

WITHIN_S = 10.0
"""How long an answer is of use where the asker doesn't say: longer than a connection to a server that is away takes to fail."""
STUCK_S = 90.0
"""A connection that nobody answers on is given up by the network after 25 s; a question takes milliseconds."""
CLOSE_S = 10.0
"""How long the end waits for the question under way."""


class TooLate(TimeoutError):
    """The answer would have come when nobody could use it any more; or the reader was closed before."""

    def __init__(self) -> None:
        super().__init__("the database didn't answer in time")


@dataclass(slots=True)
class _Question(Generic[T]):
    work: Callable[[Connection], T]
    future: Future[T]
    until_s: float


class Reader:
    """Runs questions on the database in one thread, in the order they were asked. `read` opens a connection for reading."""

    def __init__(
        self, read: Callable[[], AbstractContextManager[Connection]], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._read = read
        self._monotonic = monotonic
        self._questions: queue.SimpleQueue[_Question[Any] | None] = queue.SimpleQueue()
        self._busy_since_s: float | None = None
        self._thread = threading.Thread(target=self._run, name="reader", daemon=True)

    def start(self) -> None:
        """Start answering; what was asked before is answered first."""
        self._thread.start()

    def submit(self, work: Callable[[Connection], T], within_s: float = WITHIN_S) -> Future[T]:
        """Hand over a question, from any thread. The Future carries the answer, what `work` raised, DatabaseError or TooLate.

        Its callbacks run in the reader's thread.
        """
        future: Future[T] = Future()
        self._questions.put(_Question(work, future, self._monotonic() + within_s))
        return future

    async def ask(self, work: Callable[[Connection], T], within_s: float = WITHIN_S) -> T:
        """Ask from the event loop and wait for the answer there. Raises what `submit`'s Future carries; TimeoutError when late."""
        return await asyncio.wait_for(asyncio.wrap_future(self.submit(work, within_s)), within_s)

    @property
    def failure(self) -> str | None:
        """Return why nothing is answered any more; None while it lives."""
        if not self._thread.is_alive():
            return "its thread has ended"
        return f"one question has taken {self.busy_s:.0f} s" if self.busy_s > STUCK_S else None

    @property
    def busy_s(self) -> float:
        """Seconds that the question under way has taken so far; 0 between questions."""
        since_s = self._busy_since_s
        return 0.0 if since_s is None else self._monotonic() - since_s

    @property
    def backlog(self) -> int:
        """Questions waiting."""
        return self._questions.qsize()

    def close(self) -> None:
        """Answer what was asked, and stop."""
        self._questions.put(None)
        if self._thread.is_alive():
            self._thread.join(CLOSE_S)

    def _run(self) -> None:
        while (question := self._questions.get()) is not None:
            if not question.future.set_running_or_notify_cancel():
                continue
            if self._monotonic() > question.until_s:
                question.future.set_exception(TooLate())
                continue
            self._busy_since_s = self._monotonic()
            self._answer(question)
            self._busy_since_s = None

    def _answer(self, question: _Question[T]) -> None:
        try:
            with self._read() as connection:
                answer = question.work(connection)
        except Exception as error:
            question.future.set_exception(error)
        else:
            question.future.set_result(answer)
