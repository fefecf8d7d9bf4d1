"""An invitation that is used earns its shopper a reward, once."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from gateway.messages import Event, OfferPromised, Receipt
from gateway.offers.ledger import Ledger
from gateway.offers.redemption import TillRequest
from gateway.storage import Store, outbox, promises, sending
from rules import Chosen, CodeKind, Codes, PlannedVoucher, Worth
from rules.format.kinds.invitation import Invitation

Build = Callable[..., Any]


def _invitation(chosen: Build, to: str = "share", wait_s: float = 0.0) -> Chosen:
    terms = Invitation(to, Worth(amount_cents=500), Worth(percent=10), wait_s)
    made: Chosen = chosen("friends", kind="invitation", part=terms)
    return made


def _announced(store: Store) -> list[OfferPromised]:
    with store.read() as connection:
        bodies = connection.execute(
            outbox.outbox.select().where(outbox.outbox.c.topic == "offers").order_by(outbox.outbox.c.seq)
        ).all()
    return [Event[OfferPromised].model_validate_json(row.body).data for row in bodies]


def test_when_the_friend_redeems_the_personal_code_the_reward_is_promised(
    ledger: Ledger, store: Store, chosen: Build, decided: Build, situation: Build, now_s: float
) -> None:
    (made,) = ledger.promise(decided(_invitation(chosen)), situation("s-1")).result().made
    assert ledger.redeem(str(made.code), "till-1", now_s + 60, "k-1").answer == "valid"
    invitation, reward = _announced(store)
    assert (reward.shopper, reward.offer, reward.kind) == ("s-1", "friends.reward", "voucher")
    assert reward.voucher is not None
    assert reward.voucher.value == {"amount": 5.0}
    assert reward.voucher.code != made.code
    assert reward.content["title"] == "Bedankt voor uw aanbeveling"
    assert ledger.redeem(reward.voucher.code, "till-1", now_s + 86_400, "k-2").answer == "valid"
    assert invitation.promise == made.promise


def test_an_invitation_earns_its_reward_once_whatever_is_undone_and_repeated(
    ledger: Ledger, store: Store, chosen: Build, decided: Build, situation: Build, now_s: float
) -> None:
    (made,) = ledger.promise(decided(_invitation(chosen)), situation("s-1")).result().made
    for place in range(3):
        ledger.redeem(str(made.code), "till-1", now_s + 60, f"k-{place}")
        ledger.redeem(str(made.code), "till-1", now_s + 60, f"k-{place}")
        ledger.reverse(str(made.code), "till-1", now_s + 61, f"r-{place}")
    assert len(_announced(store)) == 2


def test_a_review_that_was_written_earns_the_reward(
    ledger: Ledger, store: Store, chosen: Build, decided: Build, situation: Build, now_s: float
) -> None:
    (made,) = ledger.promise(decided(_invitation(chosen, "review")), situation("s-1")).result().made
    time = datetime.fromtimestamp(now_s + 60, UTC)
    for number in range(2):
        event = Event[Receipt](
            specversion="1.0",
            id=f"r-{number}",
            source="backend",
            type=Receipt.TYPE,
            time=time,
            data=Receipt(promise=made.promise, what="reviewed"),
        )
        store.writer.transact(partial(ledger.take_receipt, event=event)).result()
    assert [one.offer for one in _announced(store)] == ["friends", "friends.reward"]


def test_who_was_erased_is_promised_nothing_more(
    ledger: Ledger, store: Store, chosen: Build, decided: Build, situation: Build, now_s: float
) -> None:
    (made,) = ledger.promise(decided(_invitation(chosen)), situation("s-1")).result().made
    store.writer.submit(lambda connection: sending.claim(connection, [made.promise], now_s)).result()
    store.writer.submit(lambda connection: promises.erase(connection, "s-1")).result()
    assert ledger.redeem(str(made.code), "till-1", now_s + 60, "k-1").answer == "valid"
    assert _announced(store) == []


def test_an_ordinary_voucher_has_no_reward(
    ledger: Ledger, store: Store, chosen: Build, decided: Build, situation: Build, now_s: float
) -> None:
    (made,) = ledger.promise(decided(chosen()), situation("s-1")).result().made
    ledger.redeem(str(made.code), "till-1", now_s + 60, "k-1")
    assert len(_announced(store)) == 1


def test_a_reward_waits_until_the_goods_can_not_come_back_any_more(
    ledger: Ledger, store: Store, chosen: Build, decided: Build, situation: Build, now_s: float
) -> None:
    (made,) = ledger.promise(decided(_invitation(chosen, wait_s=14 * 86_400)), situation("s-1")).result().made
    ledger.redeem(str(made.code), "till-1", now_s + 60, "k-1")
    asyncio.run(ledger.housekeep(now_s + 13 * 86_400))
    assert [one.offer for one in _announced(store)] == ["friends"]
    asyncio.run(ledger.housekeep(now_s + 15 * 86_400))
    asyncio.run(ledger.housekeep(now_s + 16 * 86_400))
    assert [one.offer for one in _announced(store)] == ["friends", "friends.reward"]


def test_goods_that_came_back_earn_no_reward_until_they_are_bought_again(
    ledger: Ledger, store: Store, chosen: Build, decided: Build, situation: Build, now_s: float
) -> None:
    ends_at = now_s + 60 * 86_400
    voucher = PlannedVoucher(Worth(percent=10), Codes(CodeKind.GENERATED), 250, ends_at)
    invitation = replace(_invitation(chosen, wait_s=14 * 86_400), voucher=voucher)
    (made,) = ledger.promise(decided(invitation), situation("s-1")).result().made
    ledger.redeem(str(made.code), "till-1", now_s + 60, "k-1")
    ledger.reverse(str(made.code), "till-1", now_s + 120, "k-2")
    asyncio.run(ledger.housekeep(now_s + 15 * 86_400))
    assert len(_announced(store)) == 1
    ledger.redeem(str(made.code), "till-1", now_s + 16 * 86_400, "k-3")
    asyncio.run(ledger.housekeep(now_s + 31 * 86_400))
    assert [one.offer for one in _announced(store)] == ["friends", "friends.reward"]


def test_nobody_is_rewarded_for_a_code_they_used_themselves(
    ledger: Ledger, store: Store, chosen: Build, decided: Build, situation: Build, now_s: float
) -> None:
    (made,) = ledger.promise(decided(_invitation(chosen)), situation("s-1")).result().made
    assert ledger.answer(TillRequest("redeem", str(made.code), "till-1", now_s + 60, "k-1", shopper="s-1")).answer == "valid"
    assert len(_announced(store)) == 1


def test_a_review_does_not_earn_the_reward_of_a_share(
    ledger: Ledger, store: Store, chosen: Build, decided: Build, situation: Build, now_s: float
) -> None:
    (made,) = ledger.promise(decided(_invitation(chosen)), situation("s-1")).result().made
    receipt = Receipt(promise=made.promise, what="reviewed")
    event = Event[Receipt](
        specversion="1.0", id="r-1", source="backend", type=Receipt.TYPE, time=datetime.fromtimestamp(now_s + 60, UTC), data=receipt
    )
    store.writer.transact(partial(ledger.take_receipt, event=event)).result()
    assert len(_announced(store)) == 1
