"""What is said of a promise: the announcement to the backend, the call to staff, and the word that one was taken back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from gateway.messages import Event, OfferPromised, OfferRedeemed, OfferReversed, OfferWithdrawn, StaffCall

OFFERS_TOPIC = "offers"
WITHDRAWN_TOPIC = "offers/withdrawn"
REDEEMED_TOPIC = "offers/redeemed"
STAFF_TOPIC = "staff"


def announcement(promise: dict[str, Any], card: dict[str, Any], source: str) -> tuple[str, str]:
    """(topic, body) that tell of a promise: a row of the promises table, and what its card shows besides words.

    Staff are told where help is wanted, not by whom.
    """
    time = _moment(promise["at_s"])
    if promise["kind"] == "staff_call":
        call = StaffCall(promise=promise["id"], zone=promise["zone"], content=promise["content"])
        return STAFF_TOPIC, Event[StaffCall](
            id=promise["id"], source=source, type=StaffCall.TYPE, time=time, data=call
        ).model_dump_json()
    data = OfferPromised.model_validate(
        {
            "promise": promise["id"],
            "voucher": _voucher(promise),
            "expires_at": _moment(promise["expires_at_s"]),
            **{name: promise[name] for name in ("shopper", "offer", "kind", "zone", "decision", "language", "content")},
            **card,
        }
    )
    event = Event[OfferPromised](id=promise["id"], source=source, type=OfferPromised.TYPE, time=time, data=data)
    return OFFERS_TOPIC, event.model_dump_json()


def withdrawal_message(event_id: str, promise: str, shopper: str, at_s: float, source: str) -> str:
    """The body that says a promise was never sent, and is taken back."""
    data = OfferWithdrawn(promise=promise, shopper=shopper, reason="expired_unsent")
    event = Event[OfferWithdrawn](id=event_id, source=source, type=OfferWithdrawn.TYPE, time=_moment(at_s), data=data)
    return event.model_dump_json()


def redemption_message(event_id: str, promise: Any, till: str, at_s: float, source: str, *, reversed_: bool) -> str:
    """The body that says a promise (a row) was used at a till, or that this was undone."""
    kind = OfferReversed if reversed_ else OfferRedeemed
    data = kind(promise=promise.id, shopper=promise.shopper, offer=promise.offer, till=till)
    return Event[OfferRedeemed](id=event_id, source=source, type=kind.TYPE, time=_moment(at_s), data=data).model_dump_json()


def _voucher(promise: dict[str, Any]) -> dict[str, Any] | None:
    if promise["value"] is None:
        return None
    return {"code": promise["code"], "value": promise["value"], "ends_at": _moment(promise["ends_at_s"])}


def _moment(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)
