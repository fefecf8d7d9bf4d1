"""The straight line: from an advertisement on the air to a promise. The whole product is on this screen.

    hear ──► who is it? ──► where are they? ──► what helps them here? ──► promise it

Plain synchronous calls over frozen values, all in one thread, and no I/O: what is known of a shopper is asked for, and the decision
goes on when it is at hand, while other shoppers' go on. Time comes in with each advertisement and with `tick`; the only thing that
leaves is the promise, which the ledger writes together with its announcement in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial

from gateway.model import Advertisement, BooksSnapshot, Move, Promised, ShopperNow, Sighting
from gateway.ports import Promises, Recollection, ShoppersHere, ShopSays
from gateway.radio.frames import beacon_id
from gateway.shoppers.identities import Identities
from gateway.zones.tracker import Tracker
from gateway.zones.visits import Visit, Visits
from rules import Book, Decision, Situation, decide


@dataclass(slots=True)
class LineCounts:
    """What went along the line since the start: numbers only, nothing about whom."""

    heard: int = 0
    noise: int = 0
    strangers: int = 0
    sightings: int = 0
    moves: int = 0
    decisions: int = 0


@dataclass(slots=True)
class Line:
    """One shop's line, with the rooms it leads through. Where no book decides, nothing is offered; people are followed still."""

    identities: Identities
    tracker: Tracker
    visits: Visits
    recall: Recollection
    people: ShoppersHere
    ledger: Promises
    shop: ShopSays
    books: BooksSnapshot = field(default_factory=BooksSnapshot)
    quiet: bool = False
    """True: nothing new is promised (the disk is nearly full)."""
    on_move: Callable[[Move, Visit], None] = lambda move, visit: None
    on_decision: Callable[[Decision, Situation, Future[Promised]], None] = lambda decision, situation, promised: None
    counts: LineCounts = field(default_factory=LineCounts)

    def hear(self, advertisement: Advertisement) -> None:
        """Take one advertisement, of anybody. A stranger's leaves nothing behind but one more in a count."""
        counts = self.counts
        counts.heard += 1
        beacon = beacon_id(advertisement.payload)
        if beacon is None:
            counts.noise += 1
            return
        shopper = self.identities.resolve(beacon)
        if shopper is None:
            counts.strangers += 1
            return
        self.see(Sighting(advertisement.at_s, shopper, advertisement.scanner, advertisement.rssi_dbm, advertisement.measured))

    def see(self, sighting: Sighting) -> None:
        """Take a reception that is known to be a shopper's: from `hear`, or a fixed beacon that the shopper's phone reported."""
        self.counts.sightings += 1
        for move in self.tracker.see(sighting):
            self._follow(move)

    def tick(self, now_s: float) -> None:
        """Let time pass: rotating identities change, people who are no longer heard leave, dwell grows."""
        self.identities.tick(now_s)
        leapt_s = self.tracker.leapt_s
        moves = self.tracker.tick(now_s)
        if self.tracker.leapt_s != leapt_s:
            self.visits.shift(self.tracker.leapt_s - leapt_s)
        for move in moves:
            self._follow(move)

    def end(self, at_s: float) -> None:
        """End every visit, because another plan takes over; nothing is promised any more."""
        self.quiet = True
        for move in self.tracker.end(at_s):
            self._follow(move)

    def scanner(self, scanner: str, hears: bool, at_s: float) -> None:
        """A scanner hears, or is deaf: what a deaf one doesn't hear is no evidence that nobody is there."""
        for move in self.tracker.scanner_up(scanner, at_s) if hears else self.tracker.scanner_down(scanner, at_s):
            self._follow(move)

    def purchased(self, shopper: str, at_s: float) -> None:
        """A purchase came back for a shopper; if they are still in the shop, something may help right now."""
        visit = self.visits.current(shopper)
        if visit is not None and at_s >= visit.started_at_s:  # what was bought at an earlier visit is no moment of this one
            self._decide("purchase", replace(visit, at_s=at_s), visit.zone)

    def forget(self, shopper: str) -> None:
        """Drop everything held in memory about a shopper, at once."""
        for room in (self.tracker, self.visits, self.recall, self.people, self.ledger):
            room.forget(shopper)

    def _follow(self, move: Move) -> None:
        self.counts.moves += 1
        visit = self.visits.follow(move)
        self.on_move(move, visit)
        if visit.is_new:
            self._decide("visit_start", visit, move.zone)
        if move.zone is not None:  # being nowhere for certain is no moment for anything
            self._decide(move.event, visit, move.zone)
        if visit.over:
            self.people.visited(visit.shopper, visit.visit, visit.started_at_s, visit.at_s, visit.path)
            self.ledger.forget(visit.shopper)
            self.recall.forget(visit.shopper)

    def _decide(self, event: str, visit: Visit, zone: str | None) -> None:
        """Decide as soon as what is known of the shopper is at hand: other shoppers don't wait for that."""
        if not self.quiet and self.books.at(zone) is not None:
            self.recall.when_known(visit.shopper, visit.at_s, partial(self._decide_now, event, visit, zone))

    def _decide_now(self, event: str, visit: Visit, zone: str | None) -> None:
        book = None if self.quiet else self.books.at(zone)
        person = self.people.shopper_now(visit.shopper, visit.at_s)
        if book is None or person is None:
            return
        situation = self._situation(event, visit, zone, person, book)
        decision = decide(book, situation)
        self.counts.decisions += 1
        made_or_ghost = (*decision.chosen, *decision.ghosts)  # a ghost costs the same: control shoppers are measured alike
        self.people.spend(visit.shopper, sum(one.attention for one in made_or_ghost), visit.at_s)
        self.on_decision(decision, situation, self.ledger.promise(decision, situation))

    def _situation(self, event: str, visit: Visit, zone: str | None, person: ShopperNow, book: Book) -> Situation:
        """Everything the rules may look at, gathered for one shopper at one moment."""
        shop_facts, set_at_s = self.shop.at(visit.at_s, book)
        return Situation(
            shopper=visit.shopper,
            at_s=visit.at_s,
            event=event,
            zone=zone,
            dwell_s=visit.dwell_s,
            visit=visit.visit,
            purposes=person.purposes,
            language=person.language,
            facts={**visit.facts(), **person.facts, **shop_facts},
            fact_times={**person.fact_times, **set_at_s},
            history=self.ledger.history(visit.shopper),
            attention=person.attention,
            exhausted=self.ledger.exhausted(visit.at_s, visit.shopper),
        )
