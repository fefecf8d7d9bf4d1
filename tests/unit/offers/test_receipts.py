"""What comes back: once each, in any order, and what fits no promise changes nothing."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.messages import Event, Outcome, Receipt
from gateway.offers.expiry import housekeep
from gateway.offers.ledger import Ledger
from gateway.settings import OffersSettings
from gateway.storage import Store, caps, happenings, promises
from rules import Cap, CapKind, Happening
from tests.support.recall import history

Build = Callable[..., Any]
Send = Callable[..., Outcome]


@pytest.fixture
def send(ledger: Ledger, store: Store) -> Send:
    """Hand the ledger a receipt as the inbox does, and run what follows the commit."""

    def sent(promise: str, what: str, at_s: float, event_id: str = "r-1") -> Outcome:
        event = Event[Receipt].model_validate(
            {
                "specversion": "1.0",
                "id": event_id,
                "source": "backend",
                "type": Receipt.TYPE,
                "time": datetime.fromtimestamp(at_s, UTC),
                "data": {"promise": promise, "what": what},
            }
        )
        outcome = store.writer.transact(lambda tx: ledger.take_receipt(tx, event)).result()
        return outcome

    return sent


@pytest.fixture
def promise(ledger: Ledger, chosen: Build, decided: Build, situation: Build) -> str:
    """A promise to s-1."""
    return str(ledger.promise(decided(chosen()), situation()).result().made[0].promise)


def _state(store: Store, promise: str) -> str:
    with store.read() as connection:
        row = promises.find(connection, promise)
    assert row is not None
    return str(row.state)


def test_receipts_move_a_promise_on_and_are_remembered(
    ledger: Ledger, store: Store, send: Send, promise: str, now_s: float
) -> None:
    for place, what in enumerate(["delivered", "shown", "tapped"]):
        assert send(promise, what, now_s + place, f"r-{place}").taken
    assert _state(store, promise) == "shown"
    assert [happening.what for happening in history(ledger, "s-1")] == ["announced", "shown", "tapped"]


def test_a_receipt_that_comes_twice_counts_once(ledger: Ledger, send: Send, promise: str, now_s: float) -> None:
    for _ in range(3):
        assert send(promise, "dismissed", now_s + 5, "r-1").taken
    assert [happening.what for happening in history(ledger, "s-1")] == ["announced", "dismissed"]
    ledger.forget("s-1")
    assert [happening.what for happening in history(ledger, "s-1")] == ["announced", "dismissed"]


def test_shown_after_redeemed_is_noted_and_changes_no_state(
    ledger: Ledger, store: Store, send: Send, promise: str, now_s: float
) -> None:
    send(promise, "redeemed", now_s + 60, "r-1")
    send(promise, "shown", now_s + 30, "r-2")
    assert _state(store, promise) == "redeemed"
    assert {happening.what for happening in history(ledger, "s-1")} == {"announced", "shown", "redeemed"}


def test_a_redemption_at_the_till_that_the_backend_tells_of_as_well_counts_once(
    ledger: Ledger, store: Store, send: Send, promise: str, now_s: float
) -> None:
    with store.read() as connection:
        row = promises.find(connection, promise)
    assert row is not None
    assert row.code is not None
    ledger.redeem(row.code, "till-1", now_s + 60, "k-1")
    outcome = send(promise, "redeemed", now_s + 61, "r-1")
    assert (outcome.taken, outcome.refusals[0].code) == (True, "already_redeemed")
    assert [happening.what for happening in history(ledger, "s-1")] == ["announced", "redeemed"]


def test_a_receipt_for_an_unknown_promise_is_answered_counted_and_kept(
    ledger: Ledger, store: Store, send: Send, now_s: float
) -> None:
    outcome = send("never-made", "shown", now_s)
    assert not outcome.taken
    assert outcome.refusals[0].code == "unknown_promise"
    assert ledger.counts["refused_unknown_promise"] == 1
    with store.read() as connection:
        kept = connection.execute(happenings.unmatched_receipts.select()).all()
    assert [(row.promise, row.reason) for row in kept] == [("never-made", "unknown_promise")]


def test_a_redemption_told_after_the_end_is_taken_when_it_happened_before(
    store: Store, send: Send, promise: str, now_s: float
) -> None:
    housekept = store.writer.submit(lambda connection: housekeep(connection, now_s + 9 * 3600, OffersSettings())).result()
    assert housekept.expired == 0
    assert send(promise, "redeemed", now_s + 7 * 3600).taken
    assert _state(store, promise) == "redeemed"


def test_a_redemption_after_the_end_is_refused(store: Store, send: Send, promise: str, now_s: float) -> None:
    outcome = send(promise, "redeemed", now_s + 9 * 3600)
    assert (outcome.taken, outcome.refusals[0].code) == (False, "expired")
    assert _state(store, promise) == "reserved"


def test_a_share_of_a_cap_that_was_given_out_again_is_never_taken_back(
    ledger: Ledger, store: Store, send: Send, chosen: Build, decided: Build, situation: Build, now_s: float
) -> None:
    offer = chosen(caps=(Cap("offer/a/redemptions", CapKind.REDEMPTIONS, 1), Cap("offer/a/issues", CapKind.ISSUES, 9)))
    (made,) = ledger.promise(decided(offer), situation("s-1")).result().made
    late_s = now_s + (8 + 49) * 3600
    assert store.writer.submit(lambda connection: housekeep(connection, late_s, OffersSettings())).result().expired == 1
    with store.read() as connection:
        assert caps.used(connection, "offer/a/redemptions") == 0
        assert caps.used(connection, "offer/a/issues") == 1
    assert ledger.promise(decided(offer), situation("s-2", at_s=late_s)).result().made
    assert send(made.promise, "redeemed", now_s + 60).refusals[0].code == "expired"


def test_a_phone_with_a_wrong_clock_does_not_date_a_receipt_before_its_promise(
    ledger: Ledger, send: Send, promise: str, now_s: float
) -> None:
    send(promise, "shown", now_s - 9999)
    assert history(ledger, "s-1")[-1] == Happening("wine-tasting", "shown", now_s, "visit-of-s-1")


def test_a_receipt_for_somebody_who_is_not_here_is_found_at_their_next_visit(
    ledger: Ledger, send: Send, promise: str, now_s: float
) -> None:
    ledger.forget("s-1")
    send(promise, "purchased", now_s + 3600)
    assert [happening.what for happening in history(ledger, "s-1")] == ["announced", "purchased"]


def test_a_receipt_for_a_nameless_promise_is_taken_and_names_nobody(
    ledger: Ledger, store: Store, send: Send, promise: str, now_s: float
) -> None:
    store.writer.submit(
        lambda connection: connection.execute(
            promises.promises.update().values(shopper=None, visit=None, zone=None, decision=None, state="shown")
        )
    ).result()
    assert send(promise, "redeemed", now_s + 60).taken
    assert _state(store, promise) == "redeemed"
    with store.read() as connection:
        assert [row.shopper for row in connection.execute(happenings.happenings.select())] == [None]


def test_a_withdrawn_promise_takes_no_receipts(ledger: Ledger, store: Store, send: Send, promise: str, now_s: float) -> None:
    store.writer.submit(lambda connection: ledger.release_unsent(connection, promise)).result()
    assert send(promise, "shown", now_s + 60).refusals[0].code == "withdrawn"
    assert _state(store, promise) == "withdrawn"
