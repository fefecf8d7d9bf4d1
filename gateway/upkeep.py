"""What a gateway does every so often, each a duty of its own for the supervisor.

What is read again and again (books, the shop's facts, counts) is read by the one reader; while the database is away the last known
value stays.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Sequence

import structlog

from gateway.clock import Clock
from gateway.dashboard_view import DashboardView
from gateway.line import Line
from gateway.messages import Occupancy
from gateway.radio.remote import RemoteScanners
from gateway.radio.scanners import RunningScanner
from gateway.radio.watchdog import ScannerState
from gateway.rooms import Rooms
from gateway.settings import Settings
from gateway.shoppers.crowd import Crowd
from gateway.shoppers.housekeeping import LOOK_S
from gateway.storage import outbox
from gateway.supervisor import Duty
from rules import BookError

TICK_S = 0.5
"""How often time passes for the line: dwell and leaving are noticed this much later at most."""
DISK_S = 10.0
"""How often the disk's free space is looked at."""
MINUTE_S = 60.0
"""How often what has ended is looked for: a share of a cap comes back at most this much later than it could."""
SCRUB_S = 1800.0
"""How long the file's rebuilding may take, on an SD card, before it counts as stuck."""

log = structlog.get_logger(__name__)


class Upkeep:
    """The duties of one gateway over its rooms. `ask_for_profiles` has the backend send everything again."""

    def __init__(
        self,
        rooms: Rooms,
        line: Line,
        scanners: Sequence[RunningScanner],
        remote_scanners: RemoteScanners,
        view: DashboardView,
        settings: Settings,
        clock: Clock,
        ask_for_profiles: Callable[[], None],
    ) -> None:
        self._rooms = rooms
        self._line = line
        self._scanners = scanners
        self._remote_scanners = remote_scanners
        self._view = view
        self._folder = settings.storage.path.parent
        self._free_space_min_mb = settings.storage.free_space_min_mb
        self._clock = clock
        self._ask_for_profiles = ask_for_profiles
        self.occupancy: tuple[Occupancy, ...] = ()
        self._crowd = Crowd()
        self._hearing: dict[str, bool] = {}
        self._full: str | None = None
        self._misfit: str | None = None

    def duties(self) -> list[Duty]:
        """List all of them, the line's own first."""
        return [
            Duty("passing of time", TICK_S, self._pass_time, vital=True),
            Duty("look at the scanners", TICK_S, self._check_scanners, vital=True),
            Duty("live books", TICK_S, self._follow_books),
            Duty("shop facts", TICK_S, self._refresh_shop_facts),
            Duty("crowd figures", TICK_S, self._count_the_crowd),
            Duty("outbox count", TICK_S, self._count_the_outbox),
            Duty("room for promises", TICK_S, self._check_room),
            Duty("free disk", DISK_S, self._check_disk),
            Duty("scanners' day", MINUTE_S, self._view.note_scanners),
            Duty("end of promises", MINUTE_S, self._end_promises),
            Duty("age of the database", MINUTE_S, self._rooms.housekeeping.count_on),
            Duty("retention periods", MINUTE_S, self._rooms.housekeeping.enforce_periods),
            Duty("erasures elsewhere", LOOK_S, self._rooms.housekeeping.find_erased),
            Duty("scrubbing", TICK_S, self._rooms.housekeeping.scrub, patience_s=SCRUB_S),
            Duty("background worker", MINUTE_S, self._probe_background, patience_s=SCRUB_S),
        ]

    async def refresh(self) -> None:
        """Read all that the line needs before its first decision. Raises DatabaseError, TimeoutError."""
        await self._refresh_books()
        await self._refresh_shop_facts()

    async def _pass_time(self) -> None:
        now_s = self._clock.now_s()
        self._line.tick(now_s)
        self._rooms.ledger.tick(now_s)
        self._rooms.recall.tick(now_s)
        self._remote_scanners.tick(now_s)

    async def _check_scanners(self) -> None:
        """Tell the line who hears: what a deaf scanner doesn't hear is no evidence."""
        for health in (*(scanner.health() for scanner in self._scanners), *self._remote_scanners.health()):
            if health.state is ScannerState.UNHEARD:
                continue  # the tracker holds it for unheard itself, until a reading comes
            if self._hearing.get(health.scanner) != health.trustworthy:
                self._hearing[health.scanner] = health.trustworthy
                self._line.scanner(health.scanner, health.trustworthy, self._clock.now_s())

    async def _follow_books(self) -> None:
        """Profiles that came in until now lack what new books read and the ones before didn't: they are asked for again."""
        if await self._refresh_books():
            self._ask_for_profiles()

    async def _refresh_books(self) -> bool:
        """Let the books decide that are live now: a command or the dashboard may have changed that. True: they read more."""
        try:
            found = await self._rooms.reader.ask(self._rooms.live_books.read)
        except BookError as error:
            if self._misfit != str(error):
                self._misfit = str(error)
                log.error("the live book doesn't fit the store plan; the one before it goes on", error=self._misfit)
            return False
        self._misfit = None
        if not self._rooms.live_books.take(found):
            return False
        self._line.books = self._rooms.live_books.snapshot
        live, read_before = self._line.books.all(), self._rooms.people.reads
        self._rooms.people.use_books(live)
        self._line.tracker.use_dwell_steps(
            {step for book in live for zone in self._rooms.plan.zone_ids for step in book.dwell_steps_s(zone)}
        )
        log.info("live books", books=[f"{book.id} {book.hash[:12]}" for book in live])
        return not self._rooms.people.reads <= read_before

    async def _refresh_shop_facts(self) -> None:
        self._rooms.shop_facts.take(await self._rooms.reader.ask(self._rooms.shop_facts.read))

    async def _count_the_crowd(self) -> None:
        counts = {zone.zone: zone.count for zone in self._view.frame().zones}
        figures = self._crowd.figures(counts, self._clock.now_s())
        self.occupancy = tuple(
            Occupancy(zone=zone, count=figure.count, fewer_than=figure.fewer_than) for zone, figure in figures.items()
        )

    async def _count_the_outbox(self) -> None:
        self._view.waiting = await self._rooms.reader.ask(outbox.count)

    async def _check_disk(self) -> None:
        usage = await asyncio.to_thread(shutil.disk_usage, self._folder)
        free_mb = usage.free // 1_000_000
        self._full = f"{free_mb} MB of disk are free" if free_mb < self._free_space_min_mb else None
        self._view.nearly_full = self._full is not None

    async def _check_room(self) -> None:
        """Promise nothing that can't be written down: it would pile up in memory, and be stale when it is told."""
        why = self._full or self._rooms.store.writer.last_failure
        if (why is not None) == self._line.quiet:
            return
        self._line.quiet = why is not None
        if why is None:
            log.warning("promises again")
        else:
            log.warning("no new promises until this is mended", because=why)

    async def _end_promises(self) -> None:
        """Expire what has ended and delete what is old; never by a time that isn't trusted, since neither can be taken back."""
        if self._clock.trust.trusted:
            await self._rooms.ledger.housekeep(self._clock.now_s())

    async def _probe_background(self) -> None:
        """Have the thread for long computations do nothing: it is stuck when it doesn't come to that."""
        await asyncio.get_running_loop().run_in_executor(self._rooms.background, lambda: None)
