"""The one writer: a thread that runs pieces of work, many to a commit, so that a promise costs a share of a disk sync."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Protocol, TypeVar

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from gateway.safe_error import safe_error
from gateway.storage import waiting
from gateway.storage.engines import cure, reason
from gateway.storage.transaction import AnyJob, Attempt, Job, Transaction, do, do_or_take_back, passes
from gateway.storage.work_queue import WorkQueue

T = TypeVar("T")

log = structlog.get_logger(__name__)


Deliver = Callable[[Callable[[], None]], None]
"""Has a call made where it belongs: at once, or soon and in order in another thread."""


def at_once(call: Callable[[], None]) -> None:
    """Make a call here and now, in the writer's thread: for commands and tests, which have no loop."""
    call()


class Companion(Protocol):
    """Goes along with every commit, in the writer's thread."""

    def before_commit(self, connection: Connection) -> None:
        """Add to a transaction after its work. The commit is made without it where it or some work raises."""

    def committed(self) -> None:
        """Hear that a commit is on disk; must return at once."""


class WriterClosed(Exception):
    """Work was handed to a writer that has been closed: the gateway is shutting down."""


class Writer:
    """Runs work on the database in one thread, in the order it was handed over, in group commits; cancelled work is left out.

    Work that is said to be patient stands in a queue of its own, of which each group takes a few: however much of it there is,
    all other work waits for one such group at most.

    Each piece of work stands in a savepoint of its own: what one raises takes back that one alone, and its Future carries it. A
    Future is resolved only once the commit is on disk. When a commit itself fails (disk full, database locked), every piece in it
    is run again from the start, so work must have no effect but its SQL, its return value, and what it asks for after the commit.
    `deliver` has those calls made; what one raises is logged and counted, and stops nobody. `companion` goes along.
    """

    FIRST_RETRY_S = 0.05
    """Pause before the first repetition: a scrub or a checkpoint that held the file for a moment is over by then."""
    RETRY_S = 0.5
    """Pause before a failed commit is tried again: long enough not to spin on a full disk, short for a person who just freed it."""

    def __init__(
        self, engine: Engine, group_commit_max: int = 256, deliver: Deliver = at_once, companion: Companion | None = None
    ) -> None:
        self._engine = engine
        self._deliver = deliver
        self._companion = companion
        self._jobs = WorkQueue(group_commit_max)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self.last_failure: str | None = None
        """Why the latest commit failed, as a message of the catalogue; None while commits succeed. Shown in health."""
        self._failure: str | None = None
        self._in_hand: list[AnyJob] = []
        self.calls_failed = 0
        """Calls after a commit that raised. Shown in health."""
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def start(self) -> None:
        """Begin; what was handed over before is done first."""
        self._thread.start()

    def submit(self, work: Callable[[Connection], T]) -> Future[T]:
        """Hand over `work`; the Future resolves to what it returned, once committed. Raises WriterClosed."""
        return self.transact(lambda transaction: work(transaction.connection))

    def transact(self, work: Callable[[Transaction], T], *, patient: bool = False) -> Future[T]:
        """Hand over `work` from which something follows; before its Future resolves, that is delivered. Raises WriterClosed.

        `patient`: it may be one of very many, and wait for what is done meanwhile.
        """
        future: Future[T] = Future()
        with self._lock:
            if self._closing.is_set():
                raise WriterClosed
            self._jobs.put(Job(work, future), patient=patient)
        return future

    async def write(self, work: Callable[[Connection], T], within_s: float = waiting.WITHIN_S) -> T:
        """Have `work` done from the event loop and wait for it there. Raises what it raised, NotInTime or WriterClosed."""
        return await waiting.in_loop(self.submit(work), within_s)

    def write_blocking(self, work: Callable[[Connection], T], within_s: float = waiting.WITHIN_S) -> T:
        """Have `work` done from any thread but the event loop's and wait for it. Raises as `write` does."""
        return waiting.in_thread(self.submit(work), within_s)

    @property
    def failure(self) -> str | None:
        """Return why the writer has died; None while it lives. It can't be mended: nobody knows what was left half done."""
        return self._failure

    @property
    def backlog(self) -> int:
        """Pieces of work waiting."""
        return len(self._jobs)

    def close(self) -> None:
        """Commit what has been handed over, then stop; what a broken disk doesn't take fails with the disk's error."""
        with self._lock:
            if not self._closing.is_set():
                self._closing.set()
                self._jobs.close()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            last = False
            while not last:
                jobs, last = self._jobs.next_group(len(self._in_hand))
                # Who asked may have gone (a closed web page); from here on a Future can't be cancelled.
                self._in_hand = [job for job in jobs if job.future.set_running_or_notify_cancel()]
                if self._in_hand:
                    self._commit(self._in_hand)
        except Exception as error:
            self._failure = safe_error(error)
            log.error("the writer has died; nothing is written any more", because=self._failure)
        finally:
            self._refuse_the_rest()

    def _refuse_the_rest(self) -> None:
        """Let nobody wait for a writer that has gone."""
        with self._lock:
            self._closing.set()
        for job in self._in_hand:
            if not job.future.done():
                job.future.set_exception(WriterClosed())
        for job in self._jobs.drain():
            if job.future.set_running_or_notify_cancel():
                job.future.set_exception(WriterClosed())

    def _commit(self, jobs: list[AnyJob]) -> None:
        for attempt in itertools.count():
            try:
                outcomes = self._attempt(jobs)
            except SQLAlchemyError as error:  # also: no connection to be had
                if attempt:  # a lock that is gone at once is no failure: nobody need hold promises back for it
                    self._note_failure(error)
                if self._closing.wait(self.RETRY_S if attempt else self.FIRST_RETRY_S):
                    for job in jobs:
                        job.future.set_exception(error)
                    return
                continue
            self.last_failure = None
            for job, outcome in zip(jobs, outcomes, strict=True):
                for call in outcome.calls:
                    self._follow(call)
                if outcome.failure is None:
                    job.future.set_result(outcome.value)
                else:
                    job.future.set_exception(outcome.failure)
            if self._companion is not None:
                self._make(self._companion.committed)
            return

    def _note_failure(self, error: SQLAlchemyError) -> None:
        """Say once what is wrong: in the log as the database says it, in health as a person can mend it."""
        failure = cure(self._engine, error)
        if failure != self.last_failure:
            log.warning("nothing can be written; it is tried again", because=reason(error))
        self.last_failure = failure

    def _follow(self, call: Callable[[], None]) -> None:
        """Have a call made where it belongs. Whoever waits for the Future finds it made, or on its way before them."""
        try:
            self._deliver(partial(self._make, call))
        except Exception as error:  # there is no loop any more to bring it to
            log.warning("a call after a commit couldn't be delivered", because=safe_error(error))

    def _make(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:  # what is committed is committed: the next one must be, too
            self.calls_failed += 1
            log.error("a call after a commit failed", because=safe_error(error))

    def _attempt(self, jobs: list[AnyJob]) -> list[Attempt]:
        """In one transaction, as if each had a savepoint. Hardly any ever raises, so savepoints are made only once one did.

        What clashed with a row that another gateway wrote at this very moment sees that row when it is run again.
        """
        try:
            with self._engine.begin() as connection:
                outcomes = [do(job, connection) for job in jobs]
                self._go_along(connection)
            return outcomes
        except Exception as error:
            if passes(error):
                raise
            return self._attempt_each(jobs)

    def _go_along(self, connection: Connection) -> None:
        if self._companion is None:
            return
        try:
            self._companion.before_commit(connection)
        except Exception as error:  # its text may hold a shopper's values
            if not passes(error):
                name = type(self._companion).__qualname__
                log.error("what goes along with a commit failed; it is made without", companion=name, error=type(error).__name__)
            raise

    def _attempt_each(self, jobs: list[AnyJob]) -> list[Attempt]:
        outcomes: list[Attempt] = []
        with self._engine.begin() as connection:
            for job in jobs:
                # In plain SQL: SQLAlchemy's own savepoint objects cost a fifth of a promise.
                connection.exec_driver_sql("SAVEPOINT work")
                outcomes.append(do_or_take_back(job, connection))
                connection.exec_driver_sql("RELEASE SAVEPOINT work")
        return outcomes
