"""What is done in the background for the people in the tables: periods enforced, idle consents lapsed, erased bytes scrubbed."""

from __future__ import annotations

from concurrent.futures import Executor, Future

from gateway.messages import Outcome
from gateway.settings import Settings
from gateway.shoppers.people import People
from gateway.storage import Connection, Store, consents, retention
from gateway.storage.backup import KEYS_COPY
from gateway.storage.keys import Keys

EVERY_S = 3600.0
"""How often periods are enforced: each is days long."""
LAPSED_AT_ONCE = 200
"""Consents that lapse in one go: bounds how long the writer is held; the rest follows an hour later."""
DAY_S = 86_400.0


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

    def tick(self, now_s: float) -> None:
        """Begin what is due, and bring into memory what is done."""
        if self._lapsing is not None and self._lapsing.done():
            for outcome in self._lapsing.result():
                if outcome.then is not None:
                    outcome.then()
            self._lapsing = None
        if now_s >= self._due_s:
            self._due_s = now_s + EVERY_S
            self._store.writer.submit(lambda connection: retention.enforce(connection, self._settings, now_s))
            self._lapsing = self._store.writer.submit(lambda connection: self._lapse(connection, now_s))
        self._scrub()

    def _lapse(self, connection: Connection, now_s: float) -> list[Outcome]:
        """Erase whoever neither came nor renewed their consent for so long."""
        before_s = now_s - self._settings.shoppers.idle_days * DAY_S
        outcomes = []
        for shopper in retention.idle(connection, before_s, LAPSED_AT_ONCE):
            standing = consents.find(connection, shopper)
            assert standing is not None
            outcomes.append(self._people.withdraw(connection, shopper, standing.decided_at_s))
        return outcomes

    def _scrub(self) -> None:
        if self._scrubbing is not None:
            if not self._scrubbing.done():
                return
            self._people.erasing |= not self._scrubbing.result()
            self._scrubbing = None
        if self._people.erasing:
            self._people.erasing = False  # an erasure that is committed from here on asks for another round
            folder = self._settings.shoppers.backups
            copies = [folder / KEYS_COPY] if folder is not None else []
            self._scrubbing = self._pool.submit(retention.scrub, self._store.engine, self._keys, copies)
