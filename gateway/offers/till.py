"""What a till asks, by HTTP or MQTT, in one transaction with all that follows from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from gateway.messages import Event, Outcome, Receipt, RedemptionAnswer, RedemptionAsked, Refusal
from gateway.offers import announcements, redemption, rewards
from gateway.offers.redemption import Answered, Redemption
from gateway.offers.rewards import Issuer
from gateway.storage import Connection, outbox
from gateway.storage.promises import PromiseRecord

LONGEST_KEY = 64
"""Characters of a till's own id of a request: with the till's name it makes a receipt's id."""

Follow = Callable[[Connection, Event[Receipt]], Outcome]
"""Told of each redemption at a till as if the backend had sent the receipt."""


@dataclass(frozen=True, slots=True)
class TillRequest:
    """A till's request; `key` is its own id of it: asked again, it is told the same, and nothing happens twice."""

    what: Literal["redeem", "reverse"]
    code: str
    till: str
    at_s: float
    key: str


def request_in(event: Event[RedemptionAsked], now_s: float) -> TillRequest | Refusal:
    """The request in a message. A till's clock may run ahead, but nothing is redeemed in the future."""
    if len(event.id) > LONGEST_KEY:
        return Refusal(path="id", code="too_long", text=f"a till's id of a request has at most {LONGEST_KEY} characters")
    return TillRequest(event.data.what, event.data.code, event.data.till, min(event.time.timestamp(), now_s), event.id)


def answer(connection: Connection, request: TillRequest, issuer: Issuer, follow: Follow | None) -> Answered:
    """Use a voucher or undo that, tell the backend, reward who invited, and let others follow. Raises KeyReused."""
    act = redemption.redeem if request.what == "redeem" else redemption.reverse
    answered = act(connection, request.code, request.till, request.at_s, request.key)
    if answered.moved is None:
        return answered
    _tell(connection, answered.moved, request, issuer)
    if request.what == "reverse":
        return answered
    rewards.give(connection, answered.moved, request.at_s, issuer)
    if follow is None:
        return answered
    receipt = redemption.as_receipt(answered.redemption, request.till, request.key, issuer.source)
    return replace(answered, then=follow(connection, receipt).then)


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
        ends_at=moment(told.ends_at_s),
        redeemed_at=moment(told.redeemed_at_s),
    )
