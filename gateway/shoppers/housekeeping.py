"""What is done in the background for the people in the tables: periods enforced, idle consents lapsed, erased bytes scrubbed."""

from __future__ import annotations

import time
from concurrent.futures import Executor, Future
from typing import TypeVar

import structlog

from gateway.messages import Outcome
from gateway.settings import Settings
from gateway.shoppers.people import People
from gateway.storage import Connection, Store, consents, retention
from gateway.storage.keys import KEYS_COPY, Keys

LOOK_S = 5.0
"""How often erasures by a command, in another process, are looked for; those by message are in force at once."""
EVERY_S = 3600.0
"""How often periods are enforced: each is days long."""
SCRUB_AGAIN_S = 5.0
"""Pause before a scrub that a reader stood in the way of is tried again."""
REBUILT_BY_THEN_S = 2 * 86_400.0
"""After an erasure this fresh a start can't know whether the file was rebuilt since, and does it once more."""
LAPSED_AT_ONCE = 200
"""Consents that lapse in one go: bounds how long the writer is held; the rest follows an hour later."""
DAY_S = 86_400.0

T = TypeVar("T")
log = structlog.get_logger(__name__)


class Housekeeping:
    """Call `tick` every few seconds from the line's thread: it returns at once, the work is done elsewhere."""

    def __init__(self, store: Store, keys: Keys, people: People, settings: Settings, pool: Executor) -> None:
        self._store = store
        self._keys = keys
        self._people = people
        self._settings = settings
        self._pool = pool
        self._due_s = float("-inf")
        self._lapsing: Future[list[Outcome]] | None = None
        self._scrubbing: Future[bool] | None = None
        self._sought: frozenset[bytes] = frozenset()
        self._rebuilding = False
        with store.read() as connection:
            self._rebuild = retention.erased_since(connection, time.time() - REBUILT_BY_THEN_S)
        self._finding: Future[list[str]] | None = None
        self._look_s = self._scrub_s = float("-inf")
        self._proofs = self._count_proofs()

    def tick(self, now_s: float) -> None:
        """Begin what is due, and bring into memory what is done."""
        lapsed, self._lapsing = _done(self._lapsing, "consents could not lapse")
        for outcome in lapsed or ():
            if outcome.then is not None:
                outcome.then()
        if now_s >= self._due_s:
            self._due_s = now_s + EVERY_S
            self._store.writer.submit(lambda connection: retention.enforce(connection, self._settings, now_s))
            self._lapsing = self._store.writer.submit(lambda connection: self._lapse(connection, now_s))
        self._find_erased(now_s)
        self._scrub(now_s)

    def _lapse(self, connection: Connection, now_s: float) -> list[Outcome]:
        """Erase whoever neither came nor renewed their consent for so long."""
        before_s = now_s - self._settings.shoppers.idle_days * DAY_S
        outcomes = []
        for shopper in retention.idle(connection, before_s, LAPSED_AT_ONCE):
            standing = consents.find(connection, shopper)
            assert standing is not None  # `idle` reads the same table
            outcomes.append(self._people.lapse(connection, shopper, standing.decided_at_s))
        return outcomes

    def _find_erased(self, now_s: float) -> None:
        """Forget whoever was erased by a command while this gateway runs."""
        found, self._finding = _done(self._finding, "erased shoppers could not be looked for")
        for shopper in found or ():
            self._people.on_withdrawn(shopper)
        if self._finding is None and now_s >= self._look_s:
            self._look_s = now_s + LOOK_S
            proofs = self._count_proofs()
            if proofs != self._proofs:
                self._proofs, self._rebuild = proofs, True
                self._finding = self._pool.submit(self._erased_but_known, self._people.everyone())

    def _erased_but_known(self, members: list[str]) -> list[str]:
        """Members in memory of whom the tables hold a proof of erasure and no consent."""
        with self._store.read() as connection:
            proven = consents.proven(connection)
            found = [shopper for shopper in members if self._keys.digest(shopper) in proven]
            return [shopper for shopper in found if consents.find(connection, shopper) is None]

    def _count_proofs(self) -> tuple[int, float]:
        with self._store.read() as connection:
            return consents.erasures_so_far(connection)

    def _scrub(self, now_s: float) -> None:
        """Scrub at once after an erasure; rebuild the file when the shop is next empty, for fragments that no mark can find."""
        if self._scrubbing is not None:
            clean, self._scrubbing = _done(self._scrubbing, "erased bytes could not be scrubbed; trying again")
            if self._scrubbing is not None:
                return
            if clean:
                self._people.marks -= self._sought
                self._rebuild &= not self._rebuilding
            else:
                self._people.erasing, self._scrub_s = True, now_s + SCRUB_AGAIN_S
        if self._people.erasing and now_s >= self._scrub_s:
            self._people.erasing = False  # an erasure that is committed from here on asks for another round
            self._rebuild |= bool(self._people.marks)
            self._begin_scrub(rebuild=False)
        elif self._rebuild and not self._people.here and now_s >= self._scrub_s:
            self._begin_scrub(rebuild=True)

    def _begin_scrub(self, *, rebuild: bool) -> None:
        folder = self._settings.shoppers.backups
        copies = [folder / KEYS_COPY] if folder is not None else []
        self._sought, self._rebuilding = frozenset(self._people.marks), rebuild
        self._scrubbing = self._pool.submit(retention.scrub, self._store.engine, self._keys, copies, self._sought, rebuild)


def _done(work: Future[T] | None, failed: str) -> tuple[T | None, Future[T] | None]:
    """(result, None) of finished work, (None, work) of work under way; what failed is logged, and is begun again when due."""
    if work is None or not work.done():
        return None, work
    failure = work.exception()
    if failure is not None:
        log.error(failed, error=type(failure).__name__)
        return None, None
    return work.result(), None
