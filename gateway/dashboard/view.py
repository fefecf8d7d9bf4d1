"""What the dashboard may see of the gateway: frozen values, and the one Protocol through which the app hands them in.

Nothing here names a shopper. A dot has a number that means nothing outside this process, and nothing after its visit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, get_args

from gateway.clock import TRUSTED, Trust
from gateway.zones.plan import StorePlan
from rules.texts import Words

MoveKind = Literal["visit_start", "enter", "dwell", "exit", "visit_end"]
OfferKind = Literal[
    "promised", "withdrawn", "delivered", "shown", "tapped", "dismissed", "redeemed", "purchased", "reviewed", "shared"
]
FeedItemKind = MoveKind | OfferKind
MOVE_KINDS: frozenset[str] = frozenset(get_args(MoveKind))


@dataclass(frozen=True, slots=True)
class ZoneNow:
    """One zone at one moment. `known` False: no scanner speaks for it, so `count` says nothing."""

    zone: str
    known: bool
    count: int


@dataclass(frozen=True, slots=True)
class Dot:
    """One opted-in person on the plan, in metres of the plan."""

    number: int
    x_m: float
    y_m: float
    confidence: float
    """Probability, 0 to 1, that the person is in the zone the dot is drawn in."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where everybody is at one moment."""

    at_s: float
    zones: tuple[ZoneNow, ...]
    dots: tuple[Dot, ...]
    unplaced: int = 0
    """People in the shop whose zone is not certain: counted, not drawn."""


@dataclass(frozen=True, slots=True)
class FeedItem:
    """One line of the feed. Which fields are set depends on the kind."""

    at_s: float
    kind: FeedItemKind
    number: int | None = None
    """The dot's number, while its visit lasts."""
    zone: str | None = None
    dwell_s: float = 0.0
    offer: str | None = None
    """The offer's title or id."""
    decision: str | None = None
    """Of a promise: the decision it came of, whose reasons can be looked up."""


@dataclass(frozen=True, slots=True)
class ScannerNow:
    """One scanner, as its own watchdog judges it."""

    scanner: str
    well: bool
    """False: what it doesn't hear says nothing about who is there."""
    adverts_per_s: float
    words: Words
    reason: str = ""
    """Why it was deaf last, for a technician; empty if it never was."""
    next_step_in_s: float | None = None
    """When the next recovery step follows, while it is deaf."""
    recoveries: int = 0
    failures: int = 0
    """Recovery steps that raised; of a scanner elsewhere its silences."""
    steps: Mapping[str, int] = field(default_factory=dict)
    """Recovery steps taken since the start: restart, power_cycle, reset."""
    in_plan: bool = True
    """False: it reports, but by a name that the store plan doesn't have."""
    kind: str = ""
    """How it is read: mgmt, bleak, etalage, espresense, …"""
    heard_share: float | None = None
    """How much of what its beacons send it hears; None: too little was heard to say."""
    silent_s: float | None = None
    """Since it last heard anything; None: it never has."""


@dataclass(frozen=True, slots=True)
class ScannerHour:
    """One hour of a scanner."""

    starts_at_s: float
    quality: float | None
    """How much of what there was to hear it heard, 0 to 1: nothing while it was deaf. None: nobody looked."""
    looks: int


@dataclass(frozen=True, slots=True)
class LinkNow:
    """The way to the store app's backend."""

    broker: str
    """host:port, for people."""
    connected: bool
    waiting: int
    """Announcements not yet acknowledged."""
    quarantined: int = 0
    """Announcements the broker refused, set aside for a person."""
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class DatabaseNow:
    """The database. `failure` None: the last commit succeeded; else why it didn't, as a message of the catalogue."""

    backlog: int
    failure: str | None = None
    nearly_full: bool = False
    """Less disk is free than the settings ask for: nothing new is promised."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Whole numbers since the start; about the shop, never about one person."""

    advertisements: int = 0
    strangers: int = 0
    noise: int = 0
    """Advertisements that are no iBeacon's, or a malformed one's."""
    moves: int = 0
    decisions: int = 0
    promised: int = 0
    acknowledged: int = 0
    receipts: Mapping[str, int] = field(default_factory=dict)
    """By what happened: shown, tapped, redeemed, …"""
    refused: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Receptions that weren't used: by scanner (or message format, or `zones`), then by reason (late, malformed, …)."""
    faults: int = 0
    """Bugs that were met in calls that nobody waits for; each has a line in the log."""
    late: int = 0
    """Moments without a decision, because what is known of the shopper came too late from the database."""


@dataclass(frozen=True, slots=True)
class Health:
    """How the box is doing."""

    started_at_s: float
    version: str
    scanners: tuple[ScannerNow, ...]
    link: LinkNow
    database: DatabaseNow
    counts: Totals
    trust: Trust = TRUSTED
    """Whether the time is trusted, and if not, why."""

    @property
    def well(self) -> bool:
        """Nothing here asks for a person. A shop in which nothing hears does."""
        link = self.link.connected and not self.link.quarantined
        hears = any(scanner.well for scanner in self.scanners if scanner.in_plan)
        return (
            link
            and self.database.failure is None
            and not self.database.nearly_full
            and self.trust.trusted
            and hears
            and all(scanner.well for scanner in self.scanners)
        )


class Feed(Protocol):
    """The newest items, numbered; see feed.py for the one the app fills."""

    @property
    def last(self) -> int:
        """The number of the newest."""

    def after(self, sequence: int) -> Sequence[tuple[int, FeedItem]]:
        """Return what came after `sequence`, oldest first; at most as many as are kept."""


class View(Protocol):
    """All that the dashboard asks of the gateway. Every call is made in the event loop's thread, and must return at once
    and not raise: a page that is broken where the trouble is would be no use."""

    @property
    def plan(self) -> StorePlan:
        """The store plan."""

    @property
    def feed(self) -> Feed:
        """Return what happened."""

    def frame(self) -> Frame:
        """Return where everybody is now."""

    def health(self) -> Health:
        """Return how the box is doing now."""

    def scanner_day(self, scanner: str) -> Sequence[ScannerHour]:
        """Return the last 24 hours of one of the plan's scanners, oldest first."""
