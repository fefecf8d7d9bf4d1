"""The composition root: builds every part of one gateway from its settings, has them minded, and ends them in order."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from gateway.books import lifecycle
from gateway.clock import Clock, SystemClock
from gateway.dashboard import DashboardError
from gateway.dashboard_view import DashboardView
from gateway.incoming import Incoming
from gateway.line import Line, LineCounts
from gateway.mail import make_courier, make_inboxes, make_remote_scanners, make_sightings_reader
from gateway.model import Promised
from gateway.mqtt.correlation import Correlations
from gateway.mqtt.status import HealthFigures
from gateway.mqtt.topics import identity_of
from gateway.radio.notify import alive
from gateway.radio.scanners import RunningScanner, make_scanners
from gateway.rooms import Rooms
from gateway.safe_error import safe_error
from gateway.settings import Settings, next_settings
from gateway.shoppers.optins import read_optins
from gateway.storage import DatabaseError, WriterClosed
from gateway.supervisor import Duty, LoopFaults, Part, PartDied, Supervisor, Task, Thread
from gateway.upkeep import Upkeep
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

    `clock` and `scanners` take the place of this box's own (a simulated shop, a recording); `config` is the file of the settings.
    Raises SettingsError, PlanError, BookError, OptInsError, StorageError, KeysError or DashboardError.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        scanners: Sequence[RunningScanner] | None = None,
        config: Path | None = None,
    ) -> None:
        self._settings = settings
        self._config = config
        self.clock: Clock = clock or SystemClock(settings.storage.clock_path)
        self._given_scanners = scanners
        self.renewing = False
        """True: this gateway ends because the next one is to work by another plan, calibration or settings."""
        self._ending = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_faults = LoopFaults()
        source = identity_of(settings.store).source
        self.rooms = rooms = Rooms(settings, self.clock, source, self._post, self._forget)
        self.store, self.reader, self.people, self.ledger = rooms.store, rooms.reader, rooms.people, rooms.ledger
        self._first_book = _first_book(settings.store.rule_book, rooms.plan.zone_ids)
        self._optins = read_optins(settings.store.optins) if settings.store.optins else ()
        self.listener = self._take_address() if settings.dashboard.enabled else None
        self.scanners = list(make_scanners(settings.radio, self.clock.now_s) if scanners is None else scanners)
        remote = make_remote_scanners(rooms, settings, self.scanners)
        correlations = Correlations()
        self.courier = make_courier(rooms, settings, self.clock, self._health, lambda: self._upkeep.occupancy, correlations)
        self.view = DashboardView(rooms, LineCounts(), self.scanners, remote, self.courier, self.clock, self._faults)
        self.line = Line(
            rooms.identities,
            rooms.tracker,
            rooms.visits,
            rooms.recall,
            rooms.people,
            rooms.ledger,
            rooms.shop_facts,
            on_move=self.view.moved,
            on_decision=self._decided,
            counts=self.view.counts,
        )
        incoming = Incoming(self.line, self.people, self.ledger, self.view, remote, rooms.plan, self.clock.now_s)
        self.sightings = make_sightings_reader(settings, self.clock, incoming, remote, self._post)
        self.inbox, self.consents = make_inboxes(rooms, settings, self.clock, incoming, self._post, correlations)
        self._upkeep = Upkeep(rooms, self.line, self.scanners, remote, self.view, settings, self.clock, self.inbox.request_sync)

    def _take_address(self) -> Listener:
        from gateway.dashboard.server import listen  # only here: 20 MB that a box without a page needn't carry

        try:
            now = datetime.fromtimestamp(self.clock.now_s(), UTC)
            return listen(self._settings.dashboard, self._settings.storage.path.parent / "tls", now)
        except DashboardError:
            self.store.close()
            raise

    async def run(self, stop: asyncio.Event) -> None:
        """Live until `stop` is set; then finish what is under way, and leave nothing half done.

        Raises GatewayFailed, after as orderly an end, when a part has died or the database can't be used at the start.
        """
        self._loop = asyncio.get_running_loop()
        self._loop_faults.watch(self._loop)
        passing_on = asyncio.create_task(self._pass_on(stop), name="stop of this gateway")
        try:
            await self._open_the_shop()
            await Supervisor(self.parts(), may_feed=lambda: alive(scanner.health() for scanner in self.scanners)).run(self._ending)
            if self.renewing:
                self.line.end(self.clock.now_s())
        except PartDied as death:
            raise GatewayFailed(str(death)) from death
        except WriterClosed as closed:
            raise GatewayFailed(f"the writer has died ({self.store.writer.failure}); it must be started again") from closed
        except (DatabaseError, TimeoutError) as error:
            raise GatewayFailed(f"the database can't be used ({safe_error(error)}); it must be started again") from error
        finally:
            passing_on.cancel()
            await asyncio.to_thread(self._close_the_shop)

    async def _pass_on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._ending.set()

    def renew(self) -> None:
        """End in order, every visit too, so that a new gateway takes up what was put to work; from any thread."""

        def end() -> None:
            log.info("another plan, calibration or settings were put to work: starting anew")
            self.renewing = True
            self._ending.set()

        self._post(end)

    def successor(self) -> Gateway:
        """Build the gateway that goes on after this one, at the same addresses. Raises as the first one did."""
        settings = next_settings(self._config, self._settings)
        if self.listener is not None:
            ports = {"port": self.listener.port, "tls_port": self.listener.tls_port or settings.dashboard.tls_port}
            settings = settings.model_copy(update={"dashboard": settings.dashboard.model_copy(update=ports)})
        return Gateway(settings, clock=self.clock, scanners=self._given_scanners, config=self._config)

    def parts(self) -> list[Part]:
        """List every thread, task and duty of this gateway, for the supervisor."""
        tasks = [Task(f"scanner {scanner.id}", partial(scanner.listen, self.line.hear)) for scanner in self.scanners]
        if self.listener is not None:
            tasks.append(Task("dashboard", partial(self._serve, self.listener)))
        return [
            Thread("writer", lambda: self.store.writer.failure),
            Thread("reader", lambda: self.reader.failure),
            Thread("courier", lambda: self.courier.failure),
            Thread("inbox", lambda: self.inbox.failure),
            Thread("consents", lambda: self.consents.failure),
            Thread("sightings", lambda: self.sightings.failure),
            *tasks,
            *self._upkeep.duties(),
            Duty("last trusted time", CLOCK_S, partial(asyncio.to_thread, self.clock.keep)),
        ]

    async def _serve(self, listener: Listener) -> None:
        from gateway.dashboard_serving import serve_dashboard

        await serve_dashboard(listener, self.rooms, self.view, self.line, self._settings, self._config, self.clock, self.renew)

    async def _open_the_shop(self) -> None:
        """Bring into memory what the line needs before its first advertisement, and start the threads."""
        self.rooms.start()
        if self._first_book is not None:
            at_s, zones = self.clock.now_s(), self.rooms.plan.zone_ids
            if not await self.store.writer.write(partial(lifecycle.first, text=self._first_book, at_s=at_s, zones=zones)):
                log.info(
                    "a book is live already; `etalage books add` brings another", rule_book=str(self._settings.store.rule_book)
                )
        await self._upkeep.refresh()
        if await self.rooms.housekeeping.is_behind():
            log.warning("the database is older than this box remembers: it was restored, or lost its log; asking for everything")
            self.inbox.request_sync()
        else:  # a command may have put books to work while no gateway ran
            self.inbox.request_sync(self.rooms.live_books.live_since_s)
        await asyncio.to_thread(self._recognise)
        self.courier.start()
        self.inbox.start()
        self.consents.start()
        self.sightings.start()

    def _recognise(self) -> None:
        """Take the opt-ins of the settings' file, and have everyone recognised; in a thread, while no other uses them yet."""
        if self._settings.store.optins is not None:
            self.people.take_file(self._optins, self._settings.store.optins.stat().st_mtime)
        log.info("opted in", shoppers=self.people.load(self.clock.now_s()))

    def _close_the_shop(self) -> None:
        self.sightings.stop()
        self.consents.stop()
        self.inbox.stop()
        self.courier.stop(FAREWELL_S)
        self.rooms.close()
        with contextlib.suppress(OSError):
            self.clock.keep()

    def _decided(self, decision: Decision, situation: Situation, promised: Future[Promised]) -> None:
        """Once a decision's promises are on disk, the dashboard may tell of them."""
        if decision.chosen:
            titles = {chosen.offer: chosen.content.title for chosen in decision.chosen}
            promised.add_done_callback(lambda done: self._post(partial(self._promised, situation, titles, done)))

    def _promised(self, situation: Situation, titles: dict[str, str], done: Future[Promised]) -> None:
        if done.exception() is None:
            kept = done.result(0)
            for made in kept.made:
                self.view.promised(situation.at_s, situation.shopper, situation.zone, titles[made.offer], kept.decision)

    def _forget(self, shopper: str) -> None:
        self.line.forget(shopper)
        self.view.forget(shopper)

    def _post(self, call: Callable[[], None]) -> None:
        """Have `call` run in the loop's thread; from any thread. After the loop has ended there is nothing left to tell."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call)

    def _faults(self) -> int:
        """Return how many calls failed that nobody waits for: bugs, each with a line in the log."""
        return self._loop_faults.count + self.store.writer.calls_failed

    def _health(self) -> HealthFigures:
        """The summary in the box's status message: from the courier's thread, so whole numbers and fixed words only."""
        counts = self.line.counts
        return {
            "scanners": len(self.scanners),
            "scanners_hearing": sum(scanner.health().trustworthy for scanner in self.scanners),
            "advertisements": counts.heard,
            "decisions": counts.decisions,
            "writer_backlog": self.store.writer.backlog,
            "faults": self._faults(),
            "time_trusted": int(self.clock.trust.trusted),
        }


async def run_and_renew(gateway: Gateway, stop: asyncio.Event, renewed: Callable[[Gateway], None] = lambda _gateway: None) -> None:
    """Run a gateway until `stop` is set, and each one that follows it under another plan. Raises GatewayFailed."""
    while True:
        await gateway.run(stop)
        if stop.is_set() or not gateway.renewing:
            return
        gateway = gateway.successor()
        renewed(gateway)


def _first_book(path: Path | None, zones: Collection[str]) -> str | None:
    """The text of the rule book that the settings name, known to be right. Raises BookError."""
    if path is None:
        return None
    load_book(path, zones)
    return path.read_text(encoding="utf-8")
