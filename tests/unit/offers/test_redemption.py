"""At the till: valid once, the same answer to the same question, and undone when the purchase is."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from gateway.messages import Event, Outcome, Receipt
from gateway.offers.expiry import housekeep
from gateway.offers.ledger import Ledger
from gateway.offers.redemption import KeyReused, as_receipt
from gateway.settings import OffersSettings
from gateway.storage import Connection, Store, promises
from gateway.storage.users import TOKEN_NAME
from rules import CodeKind, Codes, Happening, Voucher, Worth
from tests.support.recall import history

Build = Callable[..., Any]


@pytest.fixture
def code(ledger: Ledger, chosen: Build, decided: Build, situation: Build) -> str:
    """The code of a promise to s-1, good for eight hours."""
    return str(ledger.promise(decided(chosen()), situation()).result().made[0].code)


def test_a_good_code_is_valid_and_says_what_was_promised(ledger: Ledger, code: str, now_s: float) -> None:
    told = ledger.redeem(code, "till-1", now_s + 600, "k-1")
    assert (told.answer, told.offer, told.title) == ("valid", "wine-tasting", "Proef de nieuwe Rioja")
    assert (told.value, told.ends_at_s, told.redeemed_at_s) == ({"percent": 10}, now_s + 8 * 3600, now_s + 600)


def test_the_second_time_it_is_used_already_and_says_since_when(ledger: Ledger, code: str, now_s: float) -> None:
    ledger.redeem(code, "till-1", now_s + 600, "k-1")
    told = ledger.redeem(code, "till-2", now_s + 900, "k-1")
    assert (told.answer, told.redeemed_at_s) == ("already_used", now_s + 600)


def test_the_same_question_gets_the_same_answer(ledger: Ledger, code: str, now_s: float) -> None:
    first = ledger.redeem(code, "till-1", now_s + 600, "k-1")
    assert ledger.redeem(code, "till-1", now_s + 601, "k-1") == first
    assert [happening.what for happening in history(ledger, "s-1")] == ["announced", "redeemed"]


def test_a_key_for_another_question_is_refused(ledger: Ledger, code: str, now_s: float) -> None:
    ledger.redeem(code, "till-1", now_s + 600, "k-1")
    with pytest.raises(KeyReused, match="new key"):
        ledger.redeem("OTHER", "till-1", now_s + 601, "k-1")
    with pytest.raises(KeyReused):
        ledger.reverse(code, "till-1", now_s + 601, "k-1")


def test_after_its_end_it_is_expired_and_before_it_was_not(ledger: Ledger, code: str, now_s: float) -> None:
    assert ledger.redeem(code, "till-1", now_s + 8 * 3600 + 1, "k-1").answer == "expired"
    assert ledger.redeem(code, "till-1", now_s + 8 * 3600, "k-2").answer == "valid"


def test_an_unknown_code_is_unknown(ledger: Ledger, now_s: float) -> None:
    told = ledger.redeem("NOPE-NOPE", "till-1", now_s, "k-1")
    assert (told.answer, told.promise, told.code) == ("unknown", None, "NOPE-NOPE")


def test_a_code_is_found_however_it_is_typed(ledger: Ledger, code: str, now_s: float) -> None:
    typed = " " + code.replace("-", " ").lower().replace("0", "o").replace("1", "l")
    assert ledger.redeem(typed, "till-1", now_s + 60, "k-1").answer == "valid"


def test_undoing_a_purchase_makes_the_voucher_good_again(ledger: Ledger, code: str, now_s: float) -> None:
    ledger.redeem(code, "till-1", now_s + 600, "k-1")
    assert ledger.reverse(code, "till-1", now_s + 700, "k-2").answer == "reversed"
    assert ledger.reverse(code, "till-1", now_s + 700, "k-2").answer == "reversed"
    assert ledger.reverse(code, "till-1", now_s + 701, "k-3").answer == "not_redeemed"
    assert ledger.redeem(code, "till-1", now_s + 800, "k-4").answer == "valid"
    assert ledger.reverse("NOPE", "till-1", now_s + 801, "k-5").answer == "unknown"


def test_a_redemption_reaches_the_shoppers_history_at_once(ledger: Ledger, code: str, now_s: float) -> None:
    ledger.redeem(code, "till-1", now_s + 600, "k-1")
    assert history(ledger, "s-1")[-1] == Happening("wine-tasting", "redeemed", now_s + 600, "visit-of-s-1")


def test_a_code_for_everybody_is_good_as_often_as_it_was_promised(
    ledger: Ledger, chosen: Build, decided: Build, situation: Build, now_s: float
) -> None:
    voucher = Voucher(Worth(percent=10), Codes(CodeKind.SINGLE, code="WIJN25"), 250, now_s + 3600)
    for number in range(2):
        ledger.promise(decided(chosen(voucher=voucher)), situation(f"s-{number}")).result()
    answers = [ledger.redeem("wijn25", "till-1", now_s + 60, f"k-{number}").answer for number in range(3)]
    assert answers == ["valid", "valid", "already_used"]


def test_a_withdrawn_promises_code_is_unknown(ledger: Ledger, store: Store, code: str, now_s: float) -> None:
    with store.read() as connection:
        (row,) = promises.page(connection)
    store.writer.submit(lambda connection: ledger.release_unsent(connection, row.id)).result()
    assert ledger.redeem(code, "till-1", now_s + 60, "k-1").answer == "unknown"


def test_a_redeemed_promise_stays_for_its_retention_and_then_goes(ledger: Ledger, store: Store, code: str, now_s: float) -> None:
    settings = OffersSettings(promises_days=10)
    ledger.redeem(code, "till-1", now_s + 60, "k-1")
    for days, left in ((9, 1), (11, 0)):
        late_s = now_s + days * 86_400
        store.writer.submit(partial(housekeep, now_s=late_s, settings=settings)).result()
        with store.read() as connection:
            assert len(promises.page(connection)) == left


def test_housekeeping_expires_what_has_ended(ledger: Ledger, store: Store, code: str, now_s: float) -> None:
    assert asyncio.run(ledger.housekeep(now_s + 3 * 86_400)) == 1
    with store.read() as connection:
        assert [row.state for row in promises.page(connection)] == ["expired"]
    assert ledger.redeem(code, "till-1", now_s + 60, "k-1").answer == "expired"


def test_a_withdrawn_promises_code_can_not_be_reversed_either(ledger: Ledger, store: Store, code: str, now_s: float) -> None:
    with store.read() as connection:
        (row,) = promises.page(connection)
    store.writer.submit(lambda connection: ledger.release_unsent(connection, row.id)).result()
    assert ledger.reverse(code, "till-1", now_s + 60, "k-1").answer == "unknown"


def test_others_are_told_of_a_redemption_in_its_transaction_and_follow_it_in_the_lines_thread(
    ledger: Ledger, code: str, now_s: float
) -> None:
    told: list[Event[Receipt]] = []
    followed: list[str] = []

    def hear(_connection: Connection, event: Event[Receipt]) -> Outcome:
        told.append(event)
        return Outcome(then=lambda: followed.append(event.id))

    ledger._follow_redemption = hear
    for _ in range(2):
        ledger.redeem(code, "till-1", now_s + 60, "k-1")
    ledger.redeem(code, "till-1", now_s + 61, "k-2")
    assert [(event.id, event.data.what, event.time.timestamp()) for event in told] == [("till:till-1:k-1", "redeemed", now_s + 60)]
    assert followed == []
    history(ledger, "s-1")
    assert followed == ["till:till-1:k-1"]


def test_the_longest_names_of_till_and_request_still_make_a_receipt(ledger: Ledger, code: str, now_s: float) -> None:
    till, key = "t" * 48, "k" * 64
    assert TOKEN_NAME.fullmatch(till)
    assert not TOKEN_NAME.fullmatch(till + "t")
    redemption = ledger.redeem(code, till, now_s + 5, key)
    assert as_receipt(redemption, till, key, "etalage/c/s/gw-1").id == f"till:{till}:{key}"
