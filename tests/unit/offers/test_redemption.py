"""At the till: valid once, the same answer to the same question, and undone when the purchase is."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from gateway.messages import Event, Outcome, Receipt
from gateway.model import Promised
from gateway.offers.expiry import housekeep
from gateway.offers.ledger import Ledger
from gateway.offers.redemption import KeyReused, TillRequest, as_receipt
from gateway.settings import OffersSettings
from gateway.storage import Store, Transaction, caps, promises
from gateway.storage.users import TOKEN_NAME
from rules import BasketTerms, Cap, CapKind, Chosen, CodeKind, Codes, Happening, PlannedVoucher, Worth
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


def _shared(chosen: Build, ends_at: float, code: str = "WIJN25", percent: float = 10) -> Chosen:
    voucher = PlannedVoucher(Worth(percent=percent), Codes(CodeKind.SINGLE, code=code), 250, ends_at)
    built: Chosen = chosen(voucher=voucher)
    return built


def test_a_code_for_everybody_turns_no_holder_away_however_often_it_was_used(
    ledger: Ledger, store: Store, chosen: Build, decided: Build, situation: Build, now_s: float
) -> None:
    for number in range(2):
        ledger.promise(decided(_shared(chosen, now_s + 3600)), situation(f"s-{number}")).result()
    answers = [ledger.redeem("wijn25", "till-1", now_s + 60, f"k-{number}").answer for number in range(3)]
    assert answers == ["valid", "valid", "valid"]
    with store.read() as connection:
        assert [row.state for row in promises.page(connection)] == ["redeemed", "redeemed"]
    assert ledger.redeem("WIJN25", "till-1", now_s + 3601, "late").answer == "expired"


def test_a_code_for_everybody_is_not_promised_at_another_worth_while_the_first_stands(
    ledger: Ledger, chosen: Build, decided: Build, situation: Build, now_s: float
) -> None:
    def promised(shopper: str, at_s: float, percent: float) -> Promised:
        built = _shared(chosen, at_s + 3600, percent=percent)
        return ledger.promise(decided(built), situation(shopper, at_s)).result()

    assert promised("s-1", now_s, 50).made
    assert ledger.redeem("WIJN25", "till-1", now_s + 10, "k-1").value == {"percent": 50}
    refused = promised("s-2", now_s + 60, 10)
    assert [(one.offer, one.reason) for one in refused.refused] == [("wine-tasting", "code")]
    assert promised("s-3", now_s + 60, 50).made
    assert promised("s-2", now_s + 2 * 3600, 10).made
    assert ledger.redeem("WIJN25", "till-1", now_s + 2 * 3600 + 1, "k-2").value == {"percent": 10}


def _gift_card(chosen: Build, now_s: float) -> Chosen:
    terms = BasketTerms(minimum_cents=2000, categories=("wine",), partial=True)
    voucher = PlannedVoucher(Worth(amount_cents=1000), Codes(CodeKind.GENERATED), 1000, now_s + 3600, terms=terms)
    built: Chosen = chosen(voucher=voucher, caps=(Cap("shop/budget_cents", CapKind.BUDGET, 100_000, 1000),))
    return built


def test_an_amount_may_be_spent_and_given_back_bit_by_bit(
    ledger: Ledger, store: Store, chosen: Build, decided: Build, situation: Build, now_s: float
) -> None:
    (made,) = ledger.promise(decided(_gift_card(chosen, now_s)), situation()).result().made
    code = str(made.code)
    first = ledger.redeem(code, "till-1", now_s + 60, "k-1", amount_cents=600)
    assert (first.answer, first.amount, first.left) == ("valid", 6.0, 4.0)
    assert first.terms == {"minimum": 20.0, "categories": ["wine"], "once_per_basket": True, "partial": True, "currency": "EUR"}
    assert ledger.redeem(code, "till-1", now_s + 60, "k-1", amount_cents=600) == first, "the same again counts once"
    second = ledger.redeem(code, "till-1", now_s + 120, "k-2", amount_cents=900)
    assert (second.answer, second.amount, second.left) == ("valid", 4.0, 0.0), "no more than is left"
    assert ledger.redeem(code, "till-1", now_s + 130, "k-3").answer == "already_used"
    back = ledger.reverse(code, "till-1", now_s + 140, "k-4", amount_cents=300)
    assert (back.answer, back.amount, back.left) == ("reversed", 3.0, 3.0)
    assert [happening.what for happening in history(ledger, "s-1")] == ["announced", "redeemed", "redeemed"]
    assert ledger.reverse(code, "till-1", now_s + 150, "k-5").left == 10.0
    assert [happening.what for happening in history(ledger, "s-1")] == ["announced"], "nothing of it stands"
    third = ledger.redeem(code, "till-1", now_s + 160, "k-6")
    assert (third.answer, third.amount, third.left) == ("valid", 10.0, 0.0)


def test_what_was_spent_of_an_amount_stays_spent_of_the_budget(
    ledger: Ledger, store: Store, chosen: Build, decided: Build, situation: Build, now_s: float
) -> None:
    (made,) = ledger.promise(decided(_gift_card(chosen, now_s)), situation()).result().made
    ledger.redeem(str(made.code), "till-1", now_s + 60, "k-1", amount_cents=600)
    assert asyncio.run(ledger.housekeep(now_s + 5 * 86_400)) == 1
    with store.read() as connection:
        assert caps.used(connection, "shop/budget_cents") == 600


def test_undoing_a_redemption_undoes_its_place_in_the_shoppers_history(ledger: Ledger, code: str, now_s: float) -> None:
    ledger.redeem(code, "till-1", now_s + 600, "k-1")
    ledger.reverse(code, "till-1", now_s + 700, "k-2")
    assert [happening.what for happening in history(ledger, "s-1")] == ["announced"]
    ledger.forget("s-1")
    assert [happening.what for happening in history(ledger, "s-1")] == ["announced"], "on disk as in memory"


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
    late = TillRequest("redeem", code, "till-1", now_s + 60, "k-1", now_s=now_s + 3 * 86_400)
    assert ledger.answer(late).answer == "expired", "an offline till tells of it when its share is somebody else's"


def test_a_voucher_that_a_leap_of_the_clock_expired_is_good_when_time_is_back(
    ledger: Ledger, store: Store, chosen: Build, decided: Build, situation: Build, now_s: float
) -> None:
    held = (Cap("offer/a/redemptions", CapKind.REDEMPTIONS, 5),)
    (made,) = ledger.promise(decided(chosen("a", caps=held)), situation()).result().made
    asyncio.run(ledger.housekeep(now_s + 30 * 86_400))
    assert ledger.redeem(str(made.code), "till-1", now_s + 60, "k-1").answer == "valid"
    with store.read() as connection:
        assert caps.used(connection, "offer/a/redemptions") == 1


def test_a_withdrawn_promises_code_can_not_be_reversed_either(ledger: Ledger, store: Store, code: str, now_s: float) -> None:
    with store.read() as connection:
        (row,) = promises.page(connection)
    store.writer.submit(lambda connection: ledger.release_unsent(connection, row.id)).result()
    assert ledger.reverse(code, "till-1", now_s + 60, "k-1").answer == "unknown"


def test_others_are_told_of_a_redemption_in_its_transaction_and_follow_it_once_it_is_on_disk(
    ledger: Ledger, code: str, now_s: float
) -> None:
    told: list[Event[Receipt]] = []
    followed: list[str] = []

    def hear(tx: Transaction, event: Event[Receipt]) -> Outcome:
        told.append(event)
        assert followed == [], "it isn't on disk yet"
        tx.after_commit(lambda: followed.append(event.id))
        return Outcome()

    ledger._follow_redemption = hear
    for _ in range(2):
        ledger.redeem(code, "till-1", now_s + 60, "k-1")
    ledger.redeem(code, "till-1", now_s + 61, "k-2")
    assert [(event.id, event.data.what, event.time.timestamp()) for event in told] == [("till:till-1:k-1", "redeemed", now_s + 60)]
    assert followed == ["till:till-1:k-1"]


def test_the_longest_names_of_till_and_request_still_make_a_receipt(ledger: Ledger, code: str, now_s: float) -> None:
    till, key = "t" * 48, "k" * 64
    assert TOKEN_NAME.fullmatch(till)
    assert not TOKEN_NAME.fullmatch(till + "t")
    request = TillRequest("redeem", code, till, now_s + 5, key)
    assert as_receipt(ledger.answer(request), request, "etalage/c/s/gw-1").id == f"till:{till}:{key}"
