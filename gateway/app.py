"""The composition root: builds every part of one gateway from its settings, has them minded, and ends them in order."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from gateway.books import lifecycle
from gateway.books.live import LiveBooks
from gateway.books.shop_facts import ShopFacts
from gateway.clock import Clock, SystemClock
from gateway.dashboard import DashboardError
from gateway.dashboard_view import DashboardView
from gateway.incoming import Incoming
from gateway.line import Line
from gateway.model import Promised
from gateway.mqtt.courier import Courier
from gateway.mqtt.credentials import read_credentials
from gateway.mqtt.handlers import InboundHandlers
from gateway.mqtt.inbox import Inbox
from gateway.mqtt.sightings import SightingsConsumer, SightingsReader
from gateway.mqtt.status import HealthFigures, StatusPublisher
from gateway.mqtt.topics import identity_of
from gateway.offers.ledger import Ledger
from gateway.radio.frames import uuid_bytes
from gateway.radio.notify import alive
from gateway.radio.remote import RemoteScanners
from gateway.radio.scanners import RunningScanner, make_scanners
from gateway.recall import Recall
from gateway.safe_error import safe_error
from gateway.settings import Settings
from gateway.shoppers.housekeeping import Housekeeping
from gateway.shoppers.identities import Identities
from gateway.shoppers.optins import read_optins
from gateway.shoppers.people import People
from gateway.shoppers.registry import still_consented
from gateway.storage import DatabaseError, Reader, open_store
from gateway.storage.keys import Keys
from gateway.supervisor import Duty, Part, PartDied, Supervisor, Task, Thread
from gateway.upkeep import Upkeep
from gateway.zones.plan import StorePlan, load_plan
from gateway.zones.tracker import make_tracker
from gateway.zones.visits import Visits
from rules import Decision, Situation, load_book

if TYPE_CHECKING:
    from gateway.dashboard.server import Listener

CLOCK_S = 60.0
"""How often the last trusted time is written down: what a boot at a wrong date may be wrong by at least."""
FAREWELL_S = 2.0
"""How long the courier may wait for acknowledgements at the end; what is left goes at the next start."""

log = structlog.get_logger(__name__)


class GatewayFailed(Exception):
    """A part that can't be mended from within has died; whoever started the gateway starts it anew."""


class Gateway:
    """One gateway. Building it reads files and takes the dashboard's address; `run` makes it live.

    `clock` and `scanners` take the place of this box's own (a simulated shop, a recording).
    Raises SettingsError, PlanError, BookError, OptInsError, StorageError, KeysError or DashboardError.
    """

    def __init__(self, settings: Settings, *, clock: Clock | None = None, scanners: Sequence[RunningScanner] | None = None) -> None:
        self._settings = settings
        self.clock: Clock = clock or SystemClock(settings.storage.clock_path)
        now_s = self.clock.now_s
        self._loop: asyncio.AbstractEventLoop | None = None
        identity = identity_of(settings.store)
        self._plan = plan = load_plan(settings.store.plan)
        self._first_book = _first_book(settings.store.rule_book, plan.zone_ids)
        self._optins = read_optins(settings.store.optins) if settings.store.optins else ()
        credentials = read_credentials(settings.mqtt)
        self.store = open_store(settings.storage)
        self.reader = Reader(self.store.read)
        self.listener = self._take_address() if settings.dashboard.enabled else None
        self._background = ThreadPoolExecutor(1, thread_name_prefix="background")
        identities, keys = Identities(settings.store.store, self._background), Keys(settings.storage.keys_path)
        self.people = people = People(self.store, identities, keys, now_s, lambda: self.clock.trust.trusted)
        self.ledger = Ledger(self.store, identity.source, settings.offers, consented=still_consented)
        self.shop_facts = ShopFacts(self.store, plan.open_at)
        tracker = make_tracker(plan, settings.store.calibration, settings.zones)
        self.recall = Recall(people, self.ledger, self.reader, self._post, self.clock.monotonic_s)
        self.line = Line(identities, tracker, Visits(plan), self.recall, people, self.ledger, self.shop_facts)
        self.scanners = list(make_scanners(settings.radio, now_s) if scanners is None else scanners)
        remote = _remote_scanners(settings, identity.prefix, plan, self.scanners)
        status = StatusPublisher(identity, settings.mqtt, health=self._health, occupancy=lambda: self._upkeep.occupancy)
        release = self.ledger.release_unsent
        self.courier = Courier(self.store, settings.mqtt, identity, credentials, status, release=release, clock=now_s)
        self.view = DashboardView(plan, self.line, self.ledger, self.scanners, remote, self.courier, self.store.writer, self.clock)
        incoming = Incoming(self.line, people, self.ledger, self.view, remote, plan, now_s)
        handlers = InboundHandlers(identity, incoming.handlers())
        elsewhere = SightingsConsumer(remote.filters, incoming.hear_elsewhere)
        self.sightings = SightingsReader(settings.mqtt, identity, credentials, elsewhere, self._post, clock=now_s)
        self.inbox = Inbox(self.store, settings.mqtt, identity, credentials, handlers, self._post, clock=now_s)
        self._live_books = LiveBooks(self.store, plan.zone_ids)
        self._upkeep = Upkeep(
            line=self.line,
            people=people,
            ledger=self.ledger,
            recall=self.recall,
            live_books=self._live_books,
            shop_facts=self.shop_facts,
            scanners=self.scanners,
            remote_scanners=remote,
            view=self.view,
            housekeeping=Housekeeping(self.store, self.reader, keys, people, settings, self._background, self.clock),
            reader=self.reader,
            writer=self.store.writer,
            clock=self.clock,
            zones=plan.zone_ids,
            folder=settings.storage.path.parent,
            free_space_min_mb=settings.storage.free_space_min_mb,
            ask_for_profiles=self.inbox.request_sync,
        )
        self.line.on_move = self.view.moved
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

        Raises GatewayFailed, after as orderly an end, when a part has died or the database can't be used at the start.
        """
        self._loop = asyncio.get_running_loop()
        try:
            await self._open_the_shop()
            await Supervisor(self.parts(), may_feed=lambda: alive(scanner.health() for scanner in self.scanners)).run(stop)
        except PartDied as death:
            raise GatewayFailed(str(death)) from death
        except (DatabaseError, TimeoutError) as error:
            raise GatewayFailed(f"the database can't be used ({safe_error(error)}); it must be started again") from error
        finally:
            await asyncio.to_thread(self._close_the_shop)

    def parts(self) -> list[Part]:
        """List every thread, task and duty of this gateway, for the supervisor."""
        tasks = [Task(f"scanner {scanner.id}", partial(scanner.listen, self.line.hear)) for scanner in self.scanners]
        if self.listener is not None:
            tasks.append(Task("dashboard", partial(self._serve, self.listener)))
        return [
            Thread("writer", lambda: self.store.writer.failure),
            Thread("reader", lambda: self.reader.failure),
            Thread("courier", lambda: _failure(self.courier.health())),
            Thread("inbox", lambda: _failure(self.inbox.health())),
            Thread("sightings", lambda: self.sightings.failure),
            *tasks,
            *self._upkeep.duties(),
            Duty("last trusted time", CLOCK_S, partial(asyncio.to_thread, self.clock.keep)),
        ]

    async def _serve(self, listener: Listener) -> None:
        from gateway.dashboard.api.rooms import calls
        from gateway.dashboard.app import create_app

        settings, books_now = self._settings, lambda: self.line.books.all()
        rooms = calls(
            self.store, settings, self._plan.zone_ids, self.people, self.ledger, self.shop_facts, books_now, self.clock.now_s
        )
        log.info("dashboard", address=listener.url)
        await listener.serve(create_app(self.view, settings=settings.dashboard, store=self.store, routers=rooms))

    async def _open_the_shop(self) -> None:
        """Bring into memory what the line needs before its first advertisement, and start the threads."""
        self.reader.start()
        if self._first_book is not None:
            at_s, zones = self.clock.now_s(), self._plan.zone_ids
            if not await self.store.writer.write(partial(lifecycle.first, text=self._first_book, at_s=at_s, zones=zones)):
                log.info(
                    "a book is live already; `etalage books add` brings another", rule_book=str(self._settings.store.rule_book)
                )
        await self._upkeep.refresh()
        self.inbox.request_sync(self._live_books.live_since_s)  # a command may have put books to work while no gateway ran
        await asyncio.to_thread(self._recognise)
        self.courier.start()
        self.inbox.start()
        self.sightings.start()

    def _recognise(self) -> None:
        """Take the opt-ins of the settings' file, and have everyone recognised; in a thread, while no other uses them yet."""
        if self._settings.store.optins is not None:
            self.people.take_file(self._optins, self._settings.store.optins.stat().st_mtime)
        log.info("opted in", shoppers=self.people.load(self.clock.now_s()))

    def _close_the_shop(self) -> None:
        self.sightings.stop()
        self.inbox.stop()
        self.courier.stop(FAREWELL_S)
        self.reader.close()
        self.store.close()
        self._background.shutdown()
        with contextlib.suppress(OSError):
            self.clock.keep()

    def _decided(self, decision: Decision, situation: Situation, promised: Future[Promised]) -> None:
        """Once a decision's promises are on disk, the dashboard may tell of them."""
        if decision.chosen:
            titles = {chosen.offer: chosen.content.title for chosen in decision.chosen}
            promised.add_done_callback(lambda done: self._post(partial(self._promised, situation, titles, done)))

    def _promised(self, situation: Situation, titles: dict[str, str], done: Future[Promised]) -> None:
        if done.exception() is None:
            for made in done.result().made:
                self.view.promised(situation.at_s, situation.shopper, situation.zone, titles[made.offer])

    def _forget(self, shopper: str) -> None:
        self.line.forget(shopper)
        self.view.forget(shopper)

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


def _failure(health: HealthFigures) -> str | None:
    return str(health["why"]) if health["state"] == "failed" else None


def _first_book(path: Path | None, zones: Collection[str]) -> str | None:
    """The text of the rule book that the settings name, known to be right. Raises BookError."""
    if path is None:
        return None
    load_book(path, zones)
    return path.read_text(encoding="utf-8")


def _remote_scanners(settings: Settings, prefix: str, plan: StorePlan, own: Sequence[RunningScanner]) -> RemoteScanners:
    """Return the plan's scanners that aren't this box's own. A recording's are none of the plan, and speak for all of it."""
    ids = frozenset(scanner.id for scanner in plan.scanners)
    own_ids = frozenset(scanner.id for scanner in own)
    return RemoteScanners(
        prefix.rstrip("/"),
        sorted(ids - own_ids) if own_ids <= ids else (),
        others={kind: topic for kind, topic in settings.radio.others.items()},  # noqa: C416  # a dict of plain words
        names=settings.radio.names,
        uuids=frozenset(uuid_bytes(uuid) for uuid in settings.radio.uuids),
    )
