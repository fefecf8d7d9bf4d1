"""A shop for the dashboard's eyes only: no radio, no rules, no database behind it, just visitors who wander by seeded rng.

The dashboard's tests, and whoever works on its looks, set it as they like: a scanner that is down, a broker that is away.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from gateway.clock import TRUSTED, Trust
from gateway.dashboard.dots import PlanDots
from gateway.dashboard.feed import FeedRing
from gateway.dashboard.history import ScannerHistory
from gateway.dashboard.naming import scanner_name
from gateway.dashboard.view import DatabaseNow, FeedItem, Frame, Health, LinkNow, ScannerHour, ScannerNow, Totals
from gateway.radio.health import WORDS
from gateway.zones.plan import StorePlan
from gateway.zones.tracker import Whereabouts
from rules.texts import Language, in_each, text

OFFERS = ("Proef de nieuwe Rioja", "Recept: zalm uit de oven", "10 % op alle kaas", "Hulp bij het kiezen?")
AFTERWARDS = ("delivered", "shown", "tapped", "dismissed", "redeemed")


@dataclass
class PretendView:
    """Implements gateway.dashboard.view.View."""

    plan: StorePlan
    seed: int = 0
    at_s: float = 1_795_255_200.0
    link: LinkNow = field(default_factory=lambda: LinkNow("127.0.0.1:1883", connected=True, waiting=0))
    database: DatabaseNow = field(default_factory=lambda: DatabaseNow(backlog=0))
    trust: Trust = TRUSTED
    deaf: frozenset[str] = frozenset()
    """Scanners that are down."""
    refused: dict[str, dict[str, int]] = field(default_factory=dict)
    """Receptions not used, by source and reason."""
    late: int = 0
    """Moments without a decision."""
    feed: FeedRing = field(default_factory=FeedRing)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)
        self._dots = PlanDots(self.plan)
        self._present: dict[str, Whereabouts] = {}
        self._promised = 0
        self._receipts: dict[str, int] = {}
        self._moves = 0
        self.history = ScannerHistory()

    def come(self, shoppers: Iterable[str], zone: str | None = None) -> None:
        """Shoppers come in, to a zone or somewhere."""
        for shopper in shoppers:
            self._place(shopper, zone)

    def leave(self, shopper: str) -> None:
        """A visit ends."""
        presence = self._present.pop(shopper)
        self.feed.tell(FeedItem(self.at_s, "visit_end", self._dots.number(shopper), presence.zone))
        self._dots.forget(shopper)

    def wander(self, steps: int) -> None:
        """Let some of the visitors go to another zone, and some of those be promised something."""
        for _ in range(steps):
            self.at_s += self._rng.uniform(0.3, 4.0)
            shopper = self._rng.choice(sorted(self._present))
            self._place(shopper, self._rng.choice(self.plan.zone_ids))
            if self._rng.random() < 0.4:
                self.promise(shopper, self._rng.choice(OFFERS))

    def promise(self, shopper: str, offer: str) -> None:
        """An offer is promised, and something comes of it."""
        number = self._dots.number(shopper)
        self._promised += 1
        self.feed.tell(FeedItem(self.at_s, "promised", number, self._present[shopper].zone, offer=offer))
        what = self._rng.choice(AFTERWARDS)
        self._receipts[what] = self._receipts.get(what, 0) + 1
        self.feed.tell(FeedItem(self.at_s + 0.2, what, number, offer=offer))  # type: ignore[arg-type]  # one of AFTERWARDS

    def frame(self) -> Frame:
        """Where everybody is."""
        hearing = {part.zone for part in self.plan.anchors if part.id not in self.deaf}
        unknown = frozenset(zone for zone in self.plan.zone_ids if zone not in hearing)
        return self._dots.frame(self._present.values(), unknown, self.at_s)

    def health(self) -> Health:
        """All well, but for what was set otherwise."""
        counts = Totals(
            51_234, 46_400, 3, self._moves, self._moves, self._promised, self._promised, dict(self._receipts), self.refused
        )
        counts = replace(counts, late=self.late)
        scanners = tuple(self._scanner_now(part.id, part.id not in self.deaf) for part in self.plan.scanners)
        return Health(self.at_s - 3600, "0.1.0", scanners, self.link, self.database, counts, self.trust)

    def scanner_day(self, scanner: str) -> Sequence[ScannerHour]:
        """Return what `history` was made to hold."""
        return self.history.day(scanner, self.at_s)

    def _place(self, shopper: str, zone: str | None) -> None:
        self._present[shopper] = Whereabouts(shopper, zone, round(self._rng.uniform(0.5, 1.0), 2), self.at_s)
        self._moves += 1
        self.feed.tell(FeedItem(self.at_s, "enter" if zone else "visit_start", self._dots.number(shopper), zone))

    def _scanner_now(self, scanner: str, well: bool) -> ScannerNow:
        def says(key: str, **values: object) -> dict[Language, str]:
            return in_each(
                lambda language: text(language, WORDS[key], scanner=scanner_name(self.plan, scanner, language), **values)
            )

        if well:
            return ScannerNow(
                scanner, True, 44.0, says("scanner.hearing", rate=44), kind="simulated", heard_share=0.96, silent_s=0.1
            )
        words = in_each(
            lambda language: text(
                language,
                WORDS["scanner.deaf"],
                scanner=scanner_name(self.plan, scanner, language),
                silent_s=12,
                next_s=4,
                reason=text(language, "silence"),
            )
        )
        steps = {"restart": 2, "power_cycle": 1, "reset": 0}
        return ScannerNow(
            scanner, False, 0.0, words, reason="silence", next_step_in_s=4.0, recoveries=1, failures=1, steps=steps, silent_s=12.0
        )
