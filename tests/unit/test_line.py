from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_sim.frames import STORE_UUID, BeaconId, ibeacon
from gateway.books.shop_facts import ShopFacts
from gateway.line import Line
from gateway.model import Advertisement, BooksSnapshot, Move, MoveEvent, Sighting
from gateway.offers.ledger import Ledger
from gateway.settings import StorageSettings
from gateway.shoppers.consent import ConsentDecision
from gateway.shoppers.identities import Identities, Static
from gateway.shoppers.people import People
from gateway.storage import Store, open_store, outbox, sending
from gateway.storage.keys import Keys
from gateway.zones.plan import parse_plan
from gateway.zones.visits import Visits
from rules import load_book
from tests.support.recall import RecallAtOnce, shopper_now

PLAN = parse_plan({"store": "shop", "zones": [{"id": "wine"}, {"id": "bread"}], "scanners": [{"id": "pi-1", "zone": "wine"}]})
BOOK = """
book: shop
timezone: Europe/Amsterdam
salt: line-tests
control_share: 0
silence: 0
offers:
  - id: hello
    kind: content
    at: {event: visit_start}
    content: {nl: {title: Dag, body: Fijn dat u er bent.}, en: {title: Hello, body: Good to see you.}}
  - id: rioja
    kind: voucher
    at: {event: dwell, zone: wine, for: 10s}
    limits: [{at_most: 1, per: visit}]
    voucher: {worth: {percent: 10}, codes: {generated: 8}, valid_for: 2h}
    content: {nl: {title: Rioja, body: Vandaag 10 % korting.}, en: {title: Rioja, body: 10 % off today.}}
  - id: goodbye
    kind: content
    at: {event: purchase}
    content: {nl: {title: Eet smakelijk, body: Recept.}, en: {title: Enjoy, body: Recipe.}}
"""
TAG = BeaconId(STORE_UUID, 1, 7)
NOW_S = 1_795_255_200.0


class ScriptedTracker:
    """Says the moves it is told to say at the next sighting or tick."""

    def __init__(self) -> None:
        self.moves: list[Move] = []
        self.seen: list[Sighting] = []
        self.down: list[str] = []
        self.forgotten: list[str] = []
        self.leapt_s = 0.0

    def _due(self) -> list[Move]:
        moves, self.moves = self.moves, []
        return moves

    def see(self, sighting: Sighting) -> list[Move]:
        self.seen.append(sighting)
        return self._due()

    def tick(self, now_s: float) -> list[Move]:
        return self._due()

    def scanner_down(self, scanner: str, at_s: float) -> list[Move]:
        self.down.append(scanner)
        return self._due()

    def scanner_up(self, scanner: str, at_s: float) -> list[Move]:
        return self._due()

    def forget(self, shopper: str) -> None:
        self.forgotten.append(shopper)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(StorageSettings(path=tmp_path / "etalage.db"))
    yield store
    store.close()


@pytest.fixture
def line(store: Store, tmp_path: Path) -> Line:
    identities = Identities("shop")
    people = People(store, identities, Keys(tmp_path / "etalage.keys"), lambda: NOW_S)
    consent = ConsentDecision(NOW_S - 60, 1, frozenset({"recognise", "offers", "purchases", "aftercare"}))
    identity = Static(ibeacon(TAG)[2:22])
    store.writer.transact(lambda tx: people.record(tx, "s-1", consent, identity)).result(10)
    book = load_book(BOOK, PLAN.zone_ids)
    people.use_books([book]).result(10)
    ledger, shop = Ledger(store, "etalage/c/s/gw-1"), ShopFacts(store, PLAN.open_at)
    rooms = RecallAtOnce(people, ledger), people, ledger, shop
    line = Line(identities, ScriptedTracker(), Visits(PLAN), *rooms, BooksSnapshot(book))  # type: ignore[arg-type]
    people.on_withdrawn = line.forget
    return line


def heard(payload: bytes, at_s: float = NOW_S) -> Advertisement:
    return Advertisement(at_s, "pi-1", "C0:FF:EE:00:00:01", -60, payload)


def move(event: MoveEvent, zone: str | None, dwell_s: float = 0.0, over: bool = False) -> Move:
    return Move(NOW_S + dwell_s, "s-1", event, zone, 0.9, dwell_s, over)


def scripted(line: Line) -> ScriptedTracker:
    """Return the line's tracker as what it is here."""
    tracker: object = line.tracker
    assert isinstance(tracker, ScriptedTracker)
    return tracker


def people_of(line: Line) -> People:
    """Return the line's people as what they are here."""
    people: object = line.people
    assert isinstance(people, People)
    return people


def announced(store: Store) -> list[str]:
    store.writer.submit(lambda connection: None).result(10)
    with store.read() as connection:
        ready, _ = sending.look(connection, room=100, at_s=NOW_S, busy=(), busy_shoppers=())
    return [row.body for row in ready]


def test_noise_and_strangers_leave_one_more_in_a_count_and_nothing_else(line: Line) -> None:
    line.hear(heard(b""))
    line.hear(heard(b"\x10\x05\x01\x02\x03\x04\x05"))
    line.hear(heard(b"\x02\x15short"))
    line.hear(heard(ibeacon(BeaconId(STORE_UUID, 1, 8))))
    assert (line.counts.heard, line.counts.noise, line.counts.strangers) == (4, 3, 1)
    assert line.counts.sightings == line.counts.moves == 0
    assert scripted(line).seen == []


def test_an_advertisement_of_an_opted_in_shopper_becomes_a_sighting_without_its_address(line: Line) -> None:
    line.hear(heard(ibeacon(TAG)))
    assert scripted(line).seen == [Sighting(NOW_S, "s-1", "pi-1", -60)]


def test_the_first_move_of_a_visit_starts_it_and_is_decided_as_such(line: Line, store: Store) -> None:
    scripted(line).moves = [move(MoveEvent.ENTER, "wine")]
    line.hear(heard(ibeacon(TAG)))
    assert line.counts.decisions == 2  # visit_start, enter
    bodies = announced(store)
    assert len(bodies) == 1
    assert '"offer":"hello"' in bodies[0]


def test_dwell_promises_a_voucher_once_per_visit_also_before_it_is_on_disk(line: Line, store: Store) -> None:
    scripted(line).moves = [move(MoveEvent.ENTER, "wine"), move(MoveEvent.DWELL, "wine", 10), move(MoveEvent.DWELL, "wine", 20)]
    line.tick(NOW_S)
    store.writer.submit(lambda connection: None).result(10)
    with store.read() as connection:
        assert outbox.count(connection) == 2  # hello, and the voucher once


def test_the_moment_a_promise_is_on_disk_is_told_by_its_future(line: Line) -> None:
    told = []
    line.on_decision = lambda decision, situation, promised: told.append((situation.event, promised.result(10)))
    scripted(line).moves = [move(MoveEvent.ENTER, "wine")]
    line.tick(NOW_S)
    assert [event for event, _ in told] == ["visit_start", "enter"]
    assert [made.offer for made in told[0][1].made] == ["hello"]


def test_without_a_rule_book_people_are_followed_and_nothing_is_decided(line: Line) -> None:
    line.books = BooksSnapshot()
    scripted(line).moves = [move(MoveEvent.ENTER, "wine")]
    line.tick(NOW_S)
    assert (line.counts.moves, line.counts.decisions) == (1, 0)


def test_the_shop_s_own_facts_and_hours_are_in_the_situation(line: Line, store: Store) -> None:
    declared = "shop_facts: {raining: {type: flag, label: {nl: Regen, en: Rain}, fresh_for: 1h}}\noffers:"
    book = load_book(BOOK.replace("offers:", declared, 1), PLAN.zone_ids)
    line.books = BooksSnapshot(book)
    line.shop = ShopFacts(store, lambda at_s: True)
    line.shop.set([book], "raining", True, NOW_S - 60, "anna")
    line.shop.refresh()
    situations = []
    line.on_decision = lambda decision, situation, promised: situations.append(situation)
    scripted(line).moves = [move(MoveEvent.ENTER, "wine")]
    line.tick(NOW_S)
    assert (situations[0].facts["open"], situations[0].facts["raining"]) == (True, True)
    assert situations[0].fact_times["raining"] == NOW_S - 60
    assert situations[0].facts["stage"] == "new"


def test_a_closed_shop_offers_nothing(line: Line, store: Store) -> None:
    line.shop = ShopFacts(store, lambda at_s: False)
    scripted(line).moves = [move(MoveEvent.ENTER, "wine")]
    line.tick(NOW_S)
    assert line.counts.decisions == 2
    assert announced(store) == []


@pytest.mark.parametrize("share", [0, 1])
def test_a_ghost_costs_as_much_attention_as_the_offer_it_stands_for(line: Line, store: Store, share: int) -> None:
    consent = ConsentDecision(NOW_S - 30, 2, frozenset({"recognise", "offers", "measure"}))
    store.writer.transact(lambda tx: people_of(line).record(tx, "s-1", consent, None)).result(10)
    line.books = BooksSnapshot(
        load_book(BOOK.replace("- id: hello", f"- id: hello\n    test: {{id: greeting, share: {share}}}"), PLAN.zone_ids)
    )
    decisions = []
    line.on_decision = lambda decision, situation, promised: decisions.append(decision)
    scripted(line).moves = [move(MoveEvent.ENTER, "wine")]
    line.tick(NOW_S)
    assert [chosen.offer for chosen in (decisions[0].chosen if share else decisions[0].ghosts)] == ["hello"]
    assert len(announced(store)) == share
    person = shopper_now(people_of(line), "s-1", NOW_S)
    assert person is not None
    assert person.attention == 5


def test_a_quiet_line_promises_nothing_new(line: Line, store: Store) -> None:
    line.quiet = True
    scripted(line).moves = [move(MoveEvent.ENTER, "wine")]
    line.tick(NOW_S)
    assert announced(store) == []


def test_a_purchase_is_a_moment_for_who_is_still_here_and_for_nobody_else(line: Line, store: Store) -> None:
    line.purchased("s-1", NOW_S)
    assert announced(store) == []
    scripted(line).moves = [move(MoveEvent.ENTER, "wine")]
    line.tick(NOW_S)
    line.purchased("s-1", NOW_S + 5)
    store.writer.submit(lambda connection: None).result(10)
    with store.read() as connection:
        assert outbox.count(connection) == 2


def test_a_forgotten_shopper_resolves_to_nobody_from_the_next_advertisement_on(line: Line) -> None:
    line.hear(heard(ibeacon(TAG)))
    line.forget("s-1")
    line.hear(heard(ibeacon(TAG)))
    assert len(scripted(line).seen) == 1
    assert line.counts.strangers == 1
    assert scripted(line).forgotten == ["s-1"]


def test_a_deaf_scanner_is_told_to_the_tracker(line: Line) -> None:
    line.scanner("pi-1", False, NOW_S)
    assert scripted(line).down == ["pi-1"]


def test_a_visit_that_is_over_is_kept_and_its_facts_are_dropped(line: Line, store: Store) -> None:
    scripted(line).moves = [move(MoveEvent.ENTER, "wine"), move(MoveEvent.EXIT, "wine", 60, over=True)]
    line.tick(NOW_S)
    store.writer.submit(lambda connection: None).result(10)
    assert line.visits.current("s-1") is None
    person = shopper_now(people_of(line), "s-1", NOW_S + 120)
    assert person is not None
    assert person.facts["visits_90d"] == 2  # that one, and the one this question is about


def test_every_move_is_shown_to_who_watches(line: Line) -> None:
    seen = []
    line.on_move = lambda move_, visit: seen.append((move_.event, visit.visit))
    scripted(line).moves = [move(MoveEvent.ENTER, "wine"), move(MoveEvent.DWELL, "wine", 10)]
    line.tick(NOW_S)
    assert [event for event, _ in seen] == [MoveEvent.ENTER, MoveEvent.DWELL]
    assert seen[0][1] == seen[1][1]
