"""What the dashboard may see of the gateway: the rooms' state as frozen values, without a name in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from gateway import __version__
from gateway.clock import Clock
from gateway.dashboard.dots import PlanDots
from gateway.dashboard.feed import FeedRing
from gateway.dashboard.history import ScannerHistory
from gateway.dashboard.naming import scanner_name
from gateway.dashboard.view import DatabaseNow, FeedItem, FeedItemKind, Frame, Health, LinkNow, ScannerHour, ScannerNow, Totals
from gateway.line import LineCounts
from gateway.model import Move, MoveEvent
from gateway.mqtt.courier import Courier
from gateway.radio.health import ScannerHealth, unknown_words_in, words_in
from gateway.radio.remote import RemoteScanners, UnknownScanner
from gateway.radio.scanners import RunningScanner
from gateway.rooms import Rooms
from gateway.zones.visits import Visit
from rules.format.errors import nearest
from rules.texts import in_each


class DashboardView:
    """The dashboard's View over one gateway. Every call returns at once and is made in the event loop's thread."""

    def __init__(
        self,
        rooms: Rooms,
        counts: LineCounts,
        scanners: Sequence[RunningScanner],
        remote_scanners: RemoteScanners,
        courier: Courier,
        clock: Clock,
        faults: Callable[[], int],
    ) -> None:
        self.plan = rooms.plan
        self.feed = FeedRing()
        self.counts = counts
        """What the line counts."""
        self._tracker = rooms.tracker
        self._ledger = rooms.ledger
        self._recall = rooms.recall
        self._writer = rooms.store.writer
        self._scanners = scanners
        self._remote_scanners = remote_scanners
        self._courier = courier
        self._clock = clock
        self._faults = faults
        self._started_at_s = clock.now_s()
        self._dots = PlanDots(rooms.plan)
        self._receipts: Counter[str] = Counter()
        self._history = ScannerHistory()
        self.waiting = 0
        """Announcements in the outbox, as they were last counted."""
        self.nearly_full = False
        """Whether less disk is free than the settings ask for."""

    def moved(self, move: Move, visit: Visit) -> None:
        """Tell of a move; the number of a visit ends with it."""
        kind: FeedItemKind = move.event.value
        if visit.over:
            kind = "visit_end"
        elif visit.is_new:
            kind = "visit_start"
        if move.event is not MoveEvent.EXIT or visit.over:  # leaving one zone for the next is told by the next
            self.feed.tell(FeedItem(move.at_s, kind, self._dots.number(move.shopper), move.zone, move.dwell_s))
        if visit.over:
            self._dots.forget(move.shopper)

    def promised(self, at_s: float, shopper: str, zone: str | None, title: str, decision: str) -> None:
        """Tell of a promise that is on disk."""
        self.feed.tell(FeedItem(at_s, "promised", self._dots.known_number(shopper), zone, offer=title, decision=decision))

    def received(self, at_s: float, shopper: str | None, what: FeedItemKind, title: str) -> None:
        """Tell of a receipt."""
        self._receipts[what] += 1
        number = self._dots.known_number(shopper) if shopper else None
        self.feed.tell(FeedItem(at_s, what, number, offer=title))

    def forget(self, shopper: str) -> None:
        """Consent was withdrawn: the number goes."""
        self._dots.forget(shopper)

    def frame(self) -> Frame:
        """Return where everybody is now."""
        return self._dots.frame(self._tracker.present(), self._tracker.unknown_zones(), self._clock.now_s())

    def health(self) -> Health:
        """Return how the box is doing now."""
        link, counts = self._courier.health(), self.counts
        own = [one.health() for one in self._scanners]
        unknown = [*filter(None, map(self._misspelt, own)), *self._remote_scanners.unknown_scanners()]
        return Health(
            started_at_s=self._started_at_s,
            version=__version__,
            scanners=(*map(self._scanner_now, (*own, *self._remote_scanners.health())), *map(_unknown_now, unknown)),
            link=LinkNow(
                broker=str(link["broker"]),
                connected=link["state"] == "up",
                waiting=self.waiting,
                quarantined=int(link["set_aside"]),
                failure=str(link["why"]) or None,
            ),
            trust=self._clock.trust,
            database=DatabaseNow(self._writer.backlog, self._writer.last_failure, self.nearly_full),
            counts=Totals(
                advertisements=counts.heard,
                strangers=counts.strangers,
                noise=counts.noise,
                moves=counts.moves,
                decisions=counts.decisions,
                promised=self._ledger.counts["promised"],
                acknowledged=int(link["acknowledged"]),
                receipts=dict(self._receipts),
                refused=self._refused(),
                faults=self._faults(),
                late=self._recall.late,
            ),
        )

    def scanner_day(self, scanner: str) -> Sequence[ScannerHour]:
        """Return the last 24 hours of one of the plan's scanners, oldest first."""
        return self._history.day(scanner, self._clock.now_s())

    async def note_scanners(self) -> None:
        """Look at every scanner, for its history."""
        self._history.note(self.health().scanners, self._clock.now_s())

    def _scanner_now(self, health: ScannerHealth) -> ScannerNow:
        """Return a scanner with its sentence, in which it has the name of its place: nobody in a shop knows ids."""
        words = in_each(
            lambda language: words_in(language, replace(health, scanner=scanner_name(self.plan, health.scanner, language)))
        )
        return ScannerNow(
            scanner=health.scanner,
            well=health.well,
            adverts_per_s=health.adverts_per_s,
            words=words,
            reason=health.reason,
            next_step_in_s=health.next_step_in_s,
            recoveries=health.recoveries,
            failures=health.failures,
            steps={"restart": health.restarts, "power_cycle": health.power_cycles, "reset": health.resets},
            kind=health.kind,
            heard_share=health.quality.heard_share if health.quality is not None else None,
            silent_s=health.silent_s,
        )

    def _refused(self) -> dict[str, dict[str, int]]:
        """Return what receptions weren't used for, in the radio and in the zones."""
        skipped = {"zones": dict(self._tracker.skipped)} if self._tracker.skipped else {}
        return {**self._remote_scanners.refusals.by_source(), **skipped}

    def _misspelt(self, own: ScannerHealth) -> UnknownScanner | None:
        """Return one of this box's own adapters whose id isn't in the plan, but resembles one that is."""
        ids = [scanner.id for scanner in self.plan.scanners]
        meant = None if own.scanner in ids else nearest(own.scanner, ids)
        return None if meant is None else UnknownScanner(own.scanner, own.kind, meant)


def _unknown_now(scanner: UnknownScanner) -> ScannerNow:
    """Return somebody who isn't in the plan: a fault where the name resembles one of the plan's."""
    words = in_each(lambda language: unknown_words_in(language, scanner.name, scanner.kind, scanner.nearest))
    return ScannerNow(scanner.name, scanner.nearest is None, 0.0, words, in_plan=False)
