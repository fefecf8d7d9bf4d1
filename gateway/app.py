"""The composition root: builds every part of one gateway from its settings, runs them in one TaskGroup, and ends them in order."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from gateway.books import lifecycle
from gateway.books.live import LiveBooks
from gateway.books.shop_facts import ShopFacts
from gateway.dashboard import DashboardError
from gateway.dashboard_view import DashboardView
from gateway.incoming import Incoming
from gateway.line import Line
from gateway.messages import Occupancy
from gateway.mqtt.courier import Courier
from gateway.mqtt.credentials import read_credentials
from gateway.mqtt.handlers import InboundHandlers
from gateway.mqtt.inbox import Inbox, SightingsConsumer
from gateway.mqtt.status import HealthFigures, StatusPublisher
from gateway.mqtt.topics import identity_of
from gateway.offers.issuing import Promised
from gateway.offers.ledger import Ledger
from gateway.radio.frames import uuid_bytes
from gateway.radio.notify import alive, sd_notify
from gateway.radio.remote import RemoteScanners
from gateway.radio.scanners import RunningScanner, make_scanners
from gateway.settings import Settings
from gateway.shoppers.crowd import Crowd
from gateway.shoppers.housekeeping import Housekeeping
from gateway.shoppers.identities import Identities
from gateway.shoppers.optins import read_optins
from gateway.shoppers.people import People
from gateway.shoppers.registry import still_consented
from gateway.storage import open_store
from gateway.storage.keys import Keys
from gateway.zones.plan import StorePlan, load_plan
from gateway.zones.tracker import make_tracker
from gateway.zones.visits import Visits
from rules import BookError, Decision, Situation, load_book

if TYPE_CHECKING:
    from gateway.dashboard.server import Listener

TICK_S = 0.5
"""How often time passes for the line: dwell and leaving are noticed this much later at most."""
DISK_S = 10.0
"""How often the disk's free space is looked at."""
FAREWELL_S = 2.0
"""How long the courier may wait for acknowledgements at the end; what is left goes at the next start."""

log = structlog.get_logger(__name__)


class GatewayFailed(Exception):
    """A part that can't be mended from within has died; whoever started the gateway starts it anew."""


class Gateway:
    """One gateway. Building it reads files and takes the dashboard's address; `run` makes it live.

    `clock` gives epoch seconds; `scanners` takes the place of this box's adapters (a simulated shop, a recording).
    Raises SettingsError, PlanError, BookError, OptInsError, StorageError, KeysError or DashboardError.
    """

    def __init__(
        self, settings: Settings, *, clock: Callable[[], float] = time.time, scanners: Sequence[RunningScanner] | None = None
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ahead = ThreadPoolExecutor(1, thread_name_prefix="identities")
        identity = identity_of(settings.store)
        plan = load_plan(settings.store.plan)
        self._first_book = _first_book(settings.store.rule_book, plan.zone_ids)
        self._optins = read_optins(settings.store.optins) if settings.store.optins else ()
        credentials = read_credentials(settings.mqtt)
        self.store = open_store(settings.storage)
        self.listener = self._take_address() if settings.dashboard.enabled else None
        identities = Identities(settings.store.store, self._ahead)
        keys = Keys(settings.storage.keys_path)
        people = People(self.store, identities, keys, clock)
        self._housekeeping = Housekeeping(self.store, keys, people, settings, self._ahead)
        self.ledger = Ledger(self.store, identity.source, settings.offers, consented=still_consented)
        tracker = make_tracker(plan, settings.store.calibration, settings.zones)
        self.line = Line(identities, tracker, Visits(plan), people, self.ledger, ShopFacts(self.store, plan.open_at))
        self._live_books = LiveBooks(self.store, plan.zone_ids)
        self._plan = plan
        self.scanners = list(make_scanners(settings.radio) if scanners is None else scanners)
        self._remote_scanners = _remote_scanners(settings, identity.prefix, plan)
        self._hearing: dict[str, bool] = {}
        self._crowd = Crowd()
        self._occupancy: tuple[Occupancy, ...] = ()
        self._failure: str | None = None
        status = StatusPublisher(identity, settings.mqtt, health=self._health, occupancy=lambda: self._occupancy)
        release = self.ledger.release_unsent
        self.courier = Courier(self.store, settings.mqtt, identity, credentials, status, release=release, clock=clock)
        self.dashboard_view = DashboardView(plan, self.line, self.scanners, self._remote_scanners, self.courier, self.store, clock)
        incoming = Incoming(self.line, people, self.ledger, self.dashboard_view, self._remote_scanners, plan, clock)
        handlers = InboundHandlers(identity, incoming.handlers())
        elsewhere = SightingsConsumer(self._remote_scanners.filters, incoming.hear_elsewhere)
        self.inbox = Inbox(self.store, settings.mqtt, identity, credentials, handlers, self._post, sightings=elsewhere, clock=clock)
        self.line.on_move = self.dashboard_view.moved
        self.line.on_decision = self._decided
        people.on_withdrawn = self._forget
        self.ledger.on_redeemed = people.take_receipt

    def _take_address(self) -> Listener:
        from gateway.dashboard.server import listen  # only here: 20 MB that a box without a page needn't carry

        try:
            return listen(self._settings.dashboard, self.store)
        except DashboardError:
            self.store.close()
            raise

    async def run(self, stop: asyncio.Event) -> None:
        """Live until `stop` is set; then finish what is under way, and leave nothing half done.

        Raises GatewayFailed, after as orderly an end, when the courier or the inbox has died.
        """
        self._loop = asyncio.get_running_loop()
        try:
            self._open_the_shop()
            async with asyncio.TaskGroup() as tasks:
                lives = [
                    tasks.create_task(scanner.listen(self.line.hear), name=f"scanner {scanner.id}") for scanner in self.scanners
                ]
                lives.append(tasks.create_task(self._let_time_pass(stop), name="time"))
                if self.listener is not None:
                    lives.append(tasks.create_task(self._serve(self.listener), name="dashboard"))
                    log.info("dashboard", address=self.listener.url)
                sd_notify("READY=1")
                await stop.wait()
                sd_notify("STOPPING=1")
                for life in lives:
                    life.cancel()
        finally:
            await asyncio.to_thread(self._close_the_shop)
        if self._failure is not None:
            raise GatewayFailed(self._failure)

    async def _serve(self, listener: Listener) -> None:
        from gateway.dashboard.api.rooms import calls
        from gateway.dashboard.app import create_app

        line, settings = self.line, self._settings
        zones, books_now = self._plan.zone_ids, lambda: line.books.all()
        rooms = calls(self.store, settings, zones, line.people, self.ledger, line.shop, books_now, self._clock)
        await listener.serve(create_app(self.dashboard_view, settings=settings.dashboard, store=self.store, routers=rooms))

    def _open_the_shop(self) -> None:
        people, now_s = self.line.people, self._clock()
        if self._first_book is not None:
            first = partial(lifecycle.first, text=self._first_book, at_s=now_s, zones=self._plan.zone_ids)
            if not self.store.writer.submit(first).result():
                log.info(
                    "a book is live already; `etalage books add` brings another", rule_book=str(self._settings.store.rule_book)
                )
        self._check_books()
        self.inbox.request_sync(self._live_books.live_since_s)  # a command may have put books to work while no gateway ran
        self.line.shop.refresh()
        if self._settings.store.optins is not None:
            people.take_file(self._optins, self._settings.store.optins.stat().st_mtime)
        log.info("opted in", shoppers=people.load(now_s))
        self.courier.start()
        self.inbox.start()

    def _close_the_shop(self) -> None:
        self.inbox.stop()
        self.courier.stop(FAREWELL_S)
        self.store.close()
        self._ahead.shutdown()

    async def _let_time_pass(self, stop: asyncio.Event) -> None:
        disk_s, full = 0.0, None
        while True:
            now_s = self._clock()
            self.line.tick(now_s)
            self.ledger.tick(now_s)
            self._housekeeping.tick(now_s)
            self._remote_scanners.tick(now_s)
            self._check_scanners(now_s)
            if self._check_books():
                self.inbox.request_sync()
            self._check_mail(stop)
            self.line.shop.refresh()
            self._count_the_crowd(now_s)
            if now_s >= disk_s:
                disk_s, full = now_s + DISK_S, self._full_disk()
            self._promise_unless(full or self.store.writer.last_failure)
            await asyncio.sleep(TICK_S)

    def _check_scanners(self, now_s: float) -> None:
        """What a deaf scanner doesn't hear is no evidence, and systemd hears from us only while the air does."""
        own = [scanner.health() for scanner in self.scanners]
        for health in (*own, *self._remote_scanners.health()):
            if self._hearing.get(health.scanner) != health.trustworthy:
                self._hearing[health.scanner] = health.trustworthy
                self.line.scanner(health.scanner, health.trustworthy, now_s)
        if alive(own):
            sd_notify("WATCHDOG=1")

    def _check_mail(self, stop: asyncio.Event) -> None:
        """A courier or inbox that has died doesn't come back to life: end, and be started anew."""
        for name, health in (("courier", self.courier.health()), ("inbox", self.inbox.health())):
            if health["state"] == "failed":
                self._failure = f"the {name} has died ({health['why']}); the gateway must be started again"
                stop.set()

    def _check_books(self) -> bool:
        """Let the books decide that are live now: a command or the dashboard may have put others to work.

        True: they read what the ones before didn't, so the profiles that came in until now lack it.
        """
        try:
            changed = self._live_books.refresh()
        except BookError as error:
            log.error("the live book doesn't fit the store plan; the one before it goes on", error=str(error))
            return False
        if not changed:
            return False
        self.line.books = self._live_books.snapshot
        live, read_before = self.line.books.all(), self.line.people.reads
        self.line.people.use_books(live)
        self.line.tracker.use_dwell_steps(
            {step for book in live for zone in self._plan.zone_ids for step in book.dwell_steps_s(zone)}
        )
        log.info("live books", books=[f"{book.id} {book.hash[:12]}" for book in live])
        return not self.line.people.reads <= read_before

    def _count_the_crowd(self, now_s: float) -> None:
        counts = {zone.zone: zone.count for zone in self.dashboard_view.frame().zones}
        figures = self._crowd.figures(counts, now_s)
        self._occupancy = tuple(
            Occupancy(zone=zone, count=figure.count, fewer_than=figure.fewer_than) for zone, figure in figures.items()
        )

    def _full_disk(self) -> str | None:
        """What to say of a disk that is nearly full."""
        free_mb = shutil.disk_usage(self._settings.storage.path.parent).free // 1_000_000
        return f"{free_mb} MB of disk are free" if free_mb < self._settings.storage.free_space_min_mb else None

    def _promise_unless(self, why: str | None) -> None:
        """Promise nothing that can't be written down: it would pile up in memory, and be stale when it is told."""
        if (why is not None) != self.line.quiet:
            self.line.quiet = why is not None
            if why is None:
                log.warning("promises again")
            else:
                log.warning("no new promises until this is mended", because=why)

    def _decided(self, decision: Decision, situation: Situation, promised: Future[Promised]) -> None:
        """Once a decision's promises are on disk, the dashboard may tell of them."""
        if decision.chosen:
            titles = {chosen.offer: chosen.content.title for chosen in decision.chosen}
            promised.add_done_callback(lambda done: self._post(partial(self._promised, situation, titles, done)))

    def _promised(self, situation: Situation, titles: dict[str, str], done: Future[Promised]) -> None:
        if done.exception() is None:
            for made in done.result().made:
                self.dashboard_view.promised(situation.at_s, situation.shopper, situation.zone, titles[made.offer])

    def _forget(self, shopper: str) -> None:
        self.line.forget(shopper)
        self.dashboard_view.forget(shopper)

    def _post(self, call: Callable[[], None]) -> None:
        """Have `call` run in the loop's thread; from any thread. After the loop has ended there is nothing left to tell."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call)

    def _health(self) -> HealthFigures:
        """The summary in the box's status message: from the courier's thread, so whole numbers and fixed words only."""
        counts = self.line.counts
        return {
            "scanners": len(self.scanners),
            "scanners_hearing": sum(scanner.health().trustworthy for scanner in self.scanners),
            "advertisements": counts.heard,
            "decisions": counts.decisions,
            "writer_backlog": self.store.writer.backlog,
        }


def _first_book(path: Path | None, zones: Collection[str]) -> str | None:
    """The text of the rule book that the settings name, known to be right. Raises BookError."""
    if path is None:
        return None
    load_book(path, zones)
    return path.read_text(encoding="utf-8")


def _remote_scanners(settings: Settings, prefix: str, plan: StorePlan) -> RemoteScanners:
    return RemoteScanners(
        prefix.rstrip("/"),
        (scanner.id for scanner in plan.scanners),
        others={kind: topic for kind, topic in settings.radio.others.items()},  # noqa: C416  # a dict of plain words
        names=settings.radio.names,
        uuids=frozenset(uuid_bytes(uuid) for uuid in settings.radio.uuids),
    )
