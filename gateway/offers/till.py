"""What a till asks, by HTTP or MQTT, in one transaction with all that follows from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from gateway.messages import Event, Outcome, Receipt, RedemptionAnswer, RedemptionAsked, VoucherTerms
from gateway.offers import announcements, redemption, rewards
from gateway.offers.redemption import Answered, Redemption, TillRequest
from gateway.offers.rewards import Issuer
from gateway.storage import Connection, Transaction, journey, outbox, pending_rewards
from gateway.storage.happenings import HappeningRecord
from gateway.storage.promises import PromiseRecord

LONGEST_KEY = RedemptionAsked.ID_MAX
"""Characters of a till's own id of a request: with the till's name it makes a receipt's id."""

Follow = Callable[[Transaction, Event[Receipt]], Outcome]
"""Told of each redemption at a till as if the backend had sent the receipt."""


def request_in(event: Event[RedemptionAsked], now_s: float) -> TillRequest:
    """Return the request in a message. A till's clock may run ahead, but nothing is redeemed in the future."""
    asked = event.data
    amount_cents = None if asked.amount is None else round(asked.amount * 100)
    at_s = min(event.time.timestamp(), now_s)
    return TillRequest(asked.what, asked.code, asked.till, at_s, event.id, amount_cents, asked.shopper, now_s)


def answer(tx: Transaction, request: TillRequest, issuer: Issuer, follow: Follow | None) -> Answered:
    """Use a voucher or undo that, tell the backend, reward who invited, and let others follow. Raises KeyReused."""
    connection = tx.connection
    if request.what == "reverse":
        answered = redemption.reverse(connection, request)
        if answered.moved is not None:
            _tell(connection, answered.moved, request, issuer)
            _take_back(connection, answered.moved, answered.undone, issuer.source)
        return answered
    answered = redemption.redeem(connection, request)
    if answered.moved is None:
        return answered
    _tell(connection, answered.moved, request, issuer)
    rewards.earn(connection, answered.moved, "redeemed", request.at_s, issuer, by=request.shopper)
    if follow is not None:
        follow(tx, redemption.as_receipt(answered.redemption, request, issuer.source))
    return answered


def _take_back(connection: Connection, promise: PromiseRecord, undone: Sequence[HappeningRecord], source: str) -> None:
    """Undo what followed from a redemption of which nothing stands any more: the shopper's step, and the reward that waits."""
    if not undone:
        return
    pending_rewards.drop(connection, promise.id)
    for happening in undone:
        if happening.shopper is not None:
            journey.take_back_event(connection, happening.shopper, f"{source}/{happening.event_id}")


def _tell(connection: Connection, promise: PromiseRecord, request: TillRequest, issuer: Issuer) -> None:
    """Tell the backend what became of a promise at the till; of an erased shopper's there is nobody to tell."""
    if promise.shopper is None:
        return
    event_id = issuer.new_id(request.at_s)
    body = announcements.redemption_message(
        event_id, promise, request.till, request.at_s, issuer.source, reversed_=request.what == "reverse"
    )
    # It never expires: that it was used stays true, however long the backend is away.
    outbox.put(
        connection,
        event_id=event_id,
        topic=announcements.REDEEMED_TOPIC,
        shopper=promise.shopper,
        body=body,
        at_s=request.at_s,
        expires_at_s=None,
    )


def as_answer(told: Redemption) -> RedemptionAnswer:
    """The answer as it goes over the wire."""

    def moment(at_s: float | None) -> datetime | None:
        return None if at_s is None else datetime.fromtimestamp(at_s, UTC)

    return RedemptionAnswer(
        answer=told.answer,
        code=told.code,
        promise=told.promise,
        offer=told.offer,
        title=told.title,
        value=None if told.value is None else dict(told.value),
        terms=None if told.terms is None else VoucherTerms.model_validate(told.terms),
        amount=told.amount,
        left=told.left,
        ends_at=moment(told.ends_at_s),
        redeemed_at=moment(told.redeemed_at_s),
    )
