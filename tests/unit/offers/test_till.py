"""What a till asks in a message, and what the backend hears of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from gateway.messages import Event, Outcome, Receipt, RedemptionAnswer, RedemptionAsked
from gateway.offers.ledger import Ledger
from gateway.storage import Store, outbox, promises
from tests.support.recall import history

Build = Callable[..., Any]
Ask = Callable[..., Outcome]


@pytest.fixture
def code(ledger: Ledger, chosen: Build, decided: Build, situation: Build) -> str:
    """The code of a promise to s-1, good for eight hours."""
    return str(ledger.promise(decided(chosen()), situation()).result().made[0].code)


@pytest.fixture
def ask(ledger: Ledger, store: Store, now_s: float) -> Ask:
    """Have till-1 say something at a moment, ten minutes after the promise unless told otherwise."""

    def say(code: str, key: str = "k-1", *, at_s: float = now_s + 600, clock_s: float | None = None, **data: str) -> Outcome:
        asked = RedemptionAsked.model_validate({"till": "till-1", "code": code, **data})
        event = Event[RedemptionAsked](
            specversion="1.0",
            id=key,
            source="till-1",
            type=RedemptionAsked.TYPE,
            time=datetime.fromtimestamp(at_s, UTC),
            data=asked,
        )
        now_here_s = at_s if clock_s is None else clock_s
        return store.writer.transact(partial(ledger.take_redemption, event=event, now_s=now_here_s)).result()

    return say


def answered(outcome: Outcome) -> RedemptionAnswer:
    assert outcome.taken
    assert outcome.redemption is not None
    return outcome.redemption


def told(store: Store) -> list[dict[str, Any]]:
    """What waits for the backend about promises used in the shop."""
    with store.read() as connection:
        rows = connection.execute(select(outbox.outbox).where(outbox.outbox.c.topic == "offers/redeemed")).all()
    return [json.loads(row.body) for row in rows]


def test_a_till_is_told_what_was_promised(ask: Ask, code: str, now_s: float) -> None:
    answer = answered(ask(code.lower()))
    assert (answer.answer, answer.code, answer.title) == ("valid", code, "Proef de nieuwe Rioja")
    assert answer.value == {"percent": 10}
    assert answer.ends_at == datetime.fromtimestamp(now_s + 8 * 3600, UTC)
    assert answer.redeemed_at == datetime.fromtimestamp(now_s + 600, UTC)


def test_the_same_message_again_gets_the_same_answer_and_another_one_does_not(ask: Ask, code: str) -> None:
    first = answered(ask(code))
    assert answered(ask(code)) == first
    assert answered(ask(code, "k-2")).answer == "already_used"
    assert answered(ask("NOPE-NOPE", "k-3")).answer == "unknown"


def test_over_http_and_in_a_message_it_is_one_till(ask: Ask, ledger: Ledger, code: str, now_s: float) -> None:
    by_http = ledger.redeem(code, "till-1", now_s + 600, "k-1")
    assert answered(ask(code)).answer == by_http.answer == "valid"


def test_what_was_undone_can_be_used_again(ask: Ask, code: str) -> None:
    ask(code)
    assert answered(ask(code, "k-2", what="reverse")).answer == "reversed"
    assert answered(ask(code, "k-3")).answer == "valid"


def test_nothing_is_redeemed_in_the_future(ask: Ask, code: str, now_s: float) -> None:
    answer = answered(ask(code, at_s=now_s + 30 * 86_400, clock_s=now_s + 60))
    assert answer.redeemed_at == datetime.fromtimestamp(now_s + 60, UTC)


def test_an_id_that_was_used_for_another_code_is_refused(ask: Ask, code: str) -> None:
    ask(code)
    outcome = ask("OTHER")
    assert not outcome.taken
    assert [(refusal.path, refusal.code) for refusal in outcome.refusals] == [("id", "key_reused")]


def test_the_line_knows_of_a_message_once_it_is_committed(ask: Ask, ledger: Ledger, code: str) -> None:
    ask(code)
    assert [happening.what for happening in history(ledger, "s-1")] == ["announced", "redeemed"]
    assert ledger.counts["till_valid"] == 1


def test_the_backend_is_told_of_what_happens_at_the_till_once(
    ask: Ask, ledger: Ledger, store: Store, code: str, now_s: float
) -> None:
    ledger.redeem(code, "till-2", now_s + 600, "k-1")
    ledger.redeem(code, "till-2", now_s + 601, "k-1")
    ask(code)
    ask(code, "k-2", what="reverse")
    redeemed, undone = told(store)
    assert (redeemed["type"], undone["type"]) == ("etalage.offer.redeemed", "etalage.offer.reversed")
    with store.read() as connection:
        (promise,) = promises.page(connection)
    assert redeemed["data"] == {"promise": promise.id, "shopper": "s-1", "offer": "wine-tasting", "till": "till-2"}
    assert redeemed["time"] == datetime.fromtimestamp(now_s + 600, UTC).isoformat().replace("+00:00", "Z")


def test_of_an_erased_shopper_the_till_honours_the_code_and_nobody_is_told(
    ask: Ask, ledger: Ledger, store: Store, code: str
) -> None:
    with store.read() as connection:
        (promise,) = promises.page(connection)
    time = datetime.fromtimestamp(promise.at_s + 60, UTC)
    shown = Event[Receipt](
        specversion="1.0", id="r-1", source="b", type=Receipt.TYPE, time=time, data=Receipt(promise=promise.id, what="shown")
    )
    store.writer.transact(partial(ledger.take_receipt, event=shown)).result()
    store.writer.submit(lambda connection: promises.erase(connection, "s-1")).result()
    assert answered(ask(code)).answer == "valid"
    assert told(store) == []
