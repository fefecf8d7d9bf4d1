"""The life of a book as it is stored: steps, four eyes, staging, one step back, and the pools that come with it."""

from collections.abc import Callable
from typing import Any

import pytest

from gateway.books import lifecycle, reading
from gateway.books.lifecycle import StepRefused
from gateway.books.live import LiveBooks
from gateway.offers import decision_log
from gateway.offers.ledger import Ledger
from gateway.storage import Connection, Store, books, vouchers
from rules import BookError, Situation, decide
from rules.texts import Language
from rules.workbench.replay import replay_decisions

Build = Callable[..., Any]
Do = Callable[..., Any]

ZONES = ("bread", "wine")
BOOK = """
book: demo
salt: demo-2026
offers:
- id: {offer}
  kind: voucher
  at: {{event: enter, zone: wine}}
  if: stage in [regular, fan]
  caps: {{issues: 2{more}}}
  voucher: {{worth: {{percent: 10}}, cost: 2.5, codes: {codes}}}
  content:
    nl: {{title: "{title}"}}
    en: {{title: "{title}"}}
cases:
- name: a fan in the wine zone
  given: {{event: enter, zone: wine, at: "2026-11-21T12:00", facts: {{stage: fan, open: true}}}}
  chosen: [{expected}]
"""


def _book(
    title: str = "10 %", *, offer: str = "wine", codes: str = "{generated: 8}", expected: str | None = None, more: str = ""
) -> str:
    return BOOK.format(title=title, offer=offer, codes=codes, expected=offer if expected is None else expected, more=more)


@pytest.fixture
def do(store: Store, now_s: float) -> Do:
    """Take a step in a transaction, a second after the one before."""
    clock = iter(range(10_000))

    def done(step: Callable[..., Any], *args: Any, **named: Any) -> Any:
        at_s = now_s + next(clock)
        return store.writer.submit(lambda connection: step(connection, *args, at_s=at_s, **named)).result()

    return done


@pytest.fixture
def live(do: Do) -> Callable[..., str]:
    """Bring a document to life by all its steps; its hash."""

    def brought(text: str, zones: tuple[str, ...] = ()) -> str:
        book = str(do(lifecycle.add, text, person="anna", zones=ZONES))
        do(lifecycle.check, book, person="anna", zones=ZONES)
        do(lifecycle.approve, book, person="bert")
        do(lifecycle.go_live, book, person="bert", zones=zones)
        return book

    return brought


def _states(store: Store) -> dict[str, str]:
    with store.read() as connection:
        return {row.hash: row.state for row in books.every(connection)}


def test_a_book_lives_from_draft_to_live_and_each_step_says_who(store: Store, live: Callable[..., str]) -> None:
    book = live(_book())
    with store.read() as connection:
        steps = [(row.state, row.person) for row in books.steps(connection, book)]
    assert steps == [("draft", "anna"), ("checked", "anna"), ("approved", "bert"), ("live", "bert")]


def test_the_same_document_again_changes_nothing(store: Store, do: Do, live: Callable[..., str]) -> None:
    book = live(_book())
    assert do(lifecycle.add, _book(), person="carl", zones=ZONES) == book
    assert _states(store) == {book: "live"}


def test_a_faulty_document_is_refused_with_its_place_and_the_live_book_stays(
    store: Store, do: Do, live: Callable[..., str]
) -> None:
    book = live(_book())
    with pytest.raises(BookError, match="stage"):
        do(lifecycle.add, _book().replace("stage in", "stagee in"), person="anna", zones=ZONES)
    with pytest.raises(BookError, match="wijn"):
        do(lifecycle.add, _book().replace("zone: wine}\n  if", "zone: wijn}\n  if"), person="anna", zones=ZONES)
    assert _states(store) == {book: "live"}


def test_a_document_is_never_taken_for_a_file(do: Do) -> None:
    with pytest.raises(BookError):
        do(lifecycle.add, "/etc/hostname.yaml", person="anna", zones=ZONES)


def test_a_book_whose_cases_fail_stays_a_draft(store: Store, do: Do) -> None:
    book = do(lifecycle.add, _book(expected=""), person="anna", zones=ZONES)
    with pytest.raises(StepRefused, match="a fan in the wine zone") as refused:
        do(lifecycle.check, book, person="anna", zones=ZONES)
    assert "voorbeelden" in refused.value.words[Language.NL]
    assert _states(store) == {book: "draft"}


def test_no_step_can_be_skipped(do: Do) -> None:
    book = do(lifecycle.add, _book(), person="anna", zones=ZONES)
    for step in (lifecycle.approve, lifecycle.go_live, lifecycle.pause, lifecycle.resume):
        with pytest.raises(StepRefused):
            do(step, book, person="bert")


def test_above_a_value_the_author_can_not_approve(do: Do) -> None:
    book = do(lifecycle.add, _book() + "four_eyes_above: 4.99\n", person="anna", zones=ZONES)
    do(lifecycle.check, book, person="anna", zones=ZONES)
    with pytest.raises(StepRefused):
        do(lifecycle.approve, book, person="anna")
    do(lifecycle.approve, book, person="bert")


def test_up_to_the_value_the_author_can(do: Do) -> None:
    book = do(lifecycle.add, _book() + "four_eyes_above: 5\n", person="anna", zones=ZONES)
    do(lifecycle.check, book, person="anna", zones=ZONES)
    do(lifecycle.approve, book, person="anna")


def test_a_new_live_book_archives_the_one_before_and_one_step_brings_it_back(
    store: Store, do: Do, live: Callable[..., str]
) -> None:
    first, second, third = (live(_book(title)) for title in ("one", "two", "three"))
    assert _states(store) == {first: "archived", second: "archived", third: "live"}
    assert do(lifecycle.roll_back, person="carl") == second
    assert _states(store) == {first: "archived", second: "live", third: "archived"}
    assert do(lifecycle.roll_back, person="carl") == first
    with pytest.raises(StepRefused, match="no earlier"):
        do(lifecycle.roll_back, person="carl")
    assert _states(store)[first] == "live"


def test_a_book_can_go_ahead_in_some_zones_first(store: Store, do: Do, live: Callable[..., str]) -> None:
    live_books = LiveBooks(store, ZONES)
    everywhere = live(_book("one"))
    ahead = live(_book("two"), zones=("wine",))
    assert live_books.refresh()
    assert [getattr(live_books.snapshot.at(zone), "hash", None) for zone in ("wine", "bread", None)] == [
        ahead,
        everywhere,
        everywhere,
    ]
    assert len(live_books.snapshot.all()) == 2
    assert do(lifecycle.roll_back, person="carl") is None
    assert _states(store) == {everywhere: "live", ahead: "archived"}


def test_a_book_that_was_ahead_can_take_the_whole_shop(store: Store, do: Do, live: Callable[..., str]) -> None:
    everywhere = live(_book("one"))
    ahead = live(_book("two"), zones=("wine",))
    do(lifecycle.go_live, ahead, person="bert")
    assert _states(store) == {everywhere: "archived", ahead: "live"}
    assert do(lifecycle.roll_back, person="bert") == everywhere


def test_a_paused_book_offers_nothing_until_it_is_resumed(store: Store, do: Do, live: Callable[..., str]) -> None:
    live_books = LiveBooks(store, ZONES)
    book = live(_book())
    do(lifecycle.pause, book[:8], person="carl", note="queue at the till")
    live_books.refresh()
    assert live_books.snapshot.at("wine") is None
    do(lifecycle.resume, book[:8], person="carl")
    live_books.refresh()
    assert live_books.snapshot.at("wine") is not None


def test_the_live_books_are_read_reads_only_what_changed(store: Store, live: Callable[..., str]) -> None:
    live_books = LiveBooks(store, ZONES)
    live(_book())
    assert live_books.refresh()
    kept = live_books.snapshot
    assert not live_books.refresh()
    assert live_books.snapshot is kept


def test_a_pool_is_filled_when_its_book_goes_live_and_loses_codes_a_later_book_lacks(
    store: Store, do: Do, live: Callable[..., str]
) -> None:
    live(_book(codes="{pool: [R1, R2, R3]}"))

    def take(connection: Connection, promise: str) -> str | None:
        return vouchers.take_code(connection, "wine", promise)

    assert store.writer.submit(lambda connection: take(connection, "p-1")).result() == "R1"
    live(_book("two", codes="{pool: [R1, R3]}"))
    assert [store.writer.submit(lambda connection: take(connection, "p-2")).result() for _ in range(2)] == ["R3", None]


def test_a_code_in_two_pools_stops_the_book_and_the_live_one_stays(store: Store, do: Do, live: Callable[..., str]) -> None:
    first = live(_book(codes="{pool: [R1, R2]}"))
    with pytest.raises(StepRefused, match="R2"):
        live(_book("two", offer="other", codes="{pool: [S1, R2]}"))
    assert _states(store)[first] == "live"


def test_a_shared_code_that_is_promised_at_another_worth_stops_the_book_but_never_the_way_back(
    store: Store, ledger: Ledger, do: Do, live: Callable[..., str], situation: Build
) -> None:
    first = live(_book(codes="{single: WIJN}"))
    live_books = LiveBooks(store, ZONES)
    live_books.refresh()
    book = live_books.snapshot.at("wine")
    assert book is not None
    here: Situation = situation(facts={"stage": "fan", "open": True})
    assert ledger.promise(decide(book, here), here).result().made
    with pytest.raises(StepRefused, match="another worth"):
        live(_book("two", codes="{single: wijn}").replace("percent: 10", "percent: 50"))
    second = live(_book("three", codes="{single: ANDERE}").replace("percent: 10", "percent: 50"))
    assert do(lifecycle.roll_back, person="carl") == first
    assert _states(store)[second] == "archived"


def test_a_hash_that_fits_no_book_is_said_so(do: Do) -> None:
    for start in ("", "beef", "%"):
        with pytest.raises(StepRefused, match="books list"):
            do(lifecycle.pause, start, person="carl")


def test_edits_pauses_and_roll_backs_never_change_a_promise_made(
    store: Store, ledger: Ledger, do: Do, live: Callable[..., str], situation: Build, now_s: float
) -> None:
    live_books = LiveBooks(store, ZONES)
    first = live(_book("as shown"))
    live_books.refresh()
    book = live_books.snapshot.at("wine")
    assert book is not None
    here: Situation = situation(facts={"stage": "fan", "open": True})
    (made,) = ledger.promise(decide(book, here), here).result().made
    second = live(_book("edited", codes="{single: X}"))
    do(lifecycle.roll_back, person="carl")
    do(lifecycle.pause, first, person="carl")
    assert (_states(store)[first], _states(store)[second]) == ("paused", "archived")
    told = ledger.redeem(str(made.code), "till-1", now_s + 60, "k-1")
    assert (told.answer, told.title, told.value) == ("valid", "as shown", {"percent": 10})


def test_a_draft_is_replayed_against_the_logged_decisions(
    store: Store, ledger: Ledger, live: Callable[..., str], situation: Build
) -> None:
    live_books = LiveBooks(store, ZONES)
    live(_book())
    live_books.refresh()
    book = live_books.snapshot.at("wine")
    assert book is not None
    for number, stage in enumerate(("fan", "regular", "new")):
        here = situation(f"s-{number}", facts={"stage": stage, "open": True})
        ledger.promise(decide(book, here), here).result()
    draft = reading.load(_book().replace("[regular, fan]", "[new, fan]"), ZONES)
    with store.read() as connection:
        report = replay_decisions(draft, decision_log.logged_since(connection, 0.0))
    assert (report.decisions, report.changed) == (3, 2)
    assert (report.gained, report.lost, report.kept) == ({"wine": 1}, {"wine": 1}, {"wine": 1})
    assert {(one.shopper, one.before, one.after) for one in report.differences} == {
        ("s-1", ("wine",), ()),
        ("s-2", (), ("wine",)),
    }


def test_the_same_book_decides_the_logged_decisions_alike(
    store: Store, ledger: Ledger, live: Callable[..., str], situation: Build
) -> None:
    live_books = LiveBooks(store, ZONES)
    live(_book())
    live_books.refresh()
    book = live_books.snapshot.at("wine")
    assert book is not None
    for number in range(12):
        here = situation(f"s-{number}", facts={"stage": "fan", "open": True})
        ledger.promise(decide(book, here), here).result()
    with store.read() as connection:
        report = replay_decisions(book, decision_log.logged_since(connection, 0.0))
    assert (report.decisions, report.changed) == (12, 0)
