"""What is done in the background for the people in the tables: periods enforced, idle consents lapsed, erased bytes scrubbed."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from functools import partial

from gateway.clock import Clock
from gateway.settings import Settings
from gateway.shoppers.people import People
from gateway.storage import Reader, Store, Transaction, consents, retention, waiting
from gateway.storage.epochs import epoch_of, set_epoch
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


class Housekeeping:
    """Three duties for the event loop, each to be done every so often; the work itself is done elsewhere.

    Nothing is deleted for its age, and no consent lapses, while the clock isn't trusted: neither could be taken back.
    """

    def __init__(
        self, store: Store, reader: Reader, keys: Keys, people: People, settings: Settings, pool: Executor, clock: Clock
    ) -> None:
        self._store = store
        self._reader = reader
        self._keys = keys
        self._people = people
        self._settings = settings
        self._gateway = settings.store.gateway
        self._pool = pool
        self._clock = clock
        self._due_s = self._scrub_s = float("-inf")  # both monotonic
        self._rebuild = False
        self._proofs: tuple[int, float] | None = None

    async def enforce_periods(self) -> None:
        """Once an hour delete what has outstayed its period, and let idle consents lapse; later while the time isn't trusted."""
        if self._clock.monotonic_s() < self._due_s or not self._clock.trust.trusted:
            return
        now_s, writer = self._clock.now_s(), self._store.writer
        kept_since_s = now_s - self._settings.shoppers.erasure_digests_days * DAY_S
        await asyncio.get_running_loop().run_in_executor(self._pool, self._keys.forget_said, kept_since_s)
        await writer.write(lambda connection: retention.enforce(connection, self._settings, now_s))
        await waiting.in_loop(writer.transact(lambda tx: self._lapse(tx, now_s)))
        self._due_s = self._clock.monotonic_s() + EVERY_S

    async def is_behind(self) -> bool:
        """Tell at the start whether the database is older than what this box remembers of it: restored, or without its log."""
        known = await asyncio.get_running_loop().run_in_executor(self._pool, self._keys.epoch)
        return known > await self._reader.ask(lambda connection: epoch_of(connection, self._gateway))

    async def count_on(self) -> None:
        """Note that the database has come a step further: in it first, so that the keys file is never ahead by itself."""
        run = partial(asyncio.get_running_loop().run_in_executor, self._pool)
        in_database = await self._reader.ask(lambda connection: epoch_of(connection, self._gateway))
        step = max(in_database, await run(self._keys.epoch)) + 1
        await self._store.writer.write(lambda connection: set_epoch(connection, self._gateway, step))
        await run(self._keys.note_epoch, step)

    async def find_erased(self) -> None:
        """Forget whoever was erased by a command while this gateway runs."""
        proofs = await self._reader.ask(consents.erasures_so_far)
        if proofs == self._proofs:
            return
        if self._proofs is None:
            since_s = self._clock.now_s() - REBUILT_BY_THEN_S
            self._rebuild = await self._reader.ask(lambda connection: retention.erased_since(connection, since_s))
        else:
            self._rebuild = True
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._pool, self._erased_but_known, self._people.everyone())
        for shopper in found:
            self._people.on_withdrawn(shopper)
        self._proofs = proofs

    async def scrub(self) -> None:
        """Scrub at once after an erasure; rebuild the file when the shop is next empty, for fragments that no mark can find."""
        people, rebuild = self._people, not self._people.erasing
        if self._clock.monotonic_s() < self._scrub_s or (rebuild and (people.here or not self._rebuild)):
            return
        people.erasing = False  # an erasure that is committed from here on asks for another round
        sought, clean = frozenset(people.marks), False
        self._rebuild |= bool(sought)
        try:
            clean = await asyncio.get_running_loop().run_in_executor(self._pool, self._scrub, sought, rebuild)
        finally:
            if not clean:
                people.erasing, self._scrub_s = True, self._clock.monotonic_s() + SCRUB_AGAIN_S
        if clean:
            people.marks -= sought
            self._rebuild &= not rebuild

    def _lapse(self, tx: Transaction, now_s: float) -> None:
        """Erase whoever neither came nor renewed their consent for so long."""
        before_s = now_s - self._settings.shoppers.idle_days * DAY_S
        for shopper in retention.idle(tx.connection, before_s, LAPSED_AT_ONCE):
            standing = consents.find(tx.connection, shopper)
            assert standing is not None  # `idle` reads the same table
            self._people.lapse(tx, shopper, standing.decided_at_s)

    def _erased_but_known(self, members: list[str]) -> list[str]:
        """Members in memory of whom the tables hold a proof of erasure and no consent."""
        with self._store.read() as connection:
            proven = consents.proven(connection)
            found = [shopper for shopper in members if self._keys.digest(shopper) in proven]
            return [shopper for shopper in found if consents.find(connection, shopper) is None]

    def _scrub(self, sought: frozenset[bytes], rebuild: bool) -> bool:
        folder = self._settings.shoppers.backups
        copies = [folder / KEYS_COPY] if folder is not None else []
        return retention.scrub(self._store.engine, self._keys, copies, sought, rebuild)
