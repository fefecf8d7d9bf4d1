"""What is said of a promise: the announcement to the backend, the call to staff, and the word that one was taken back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from gateway.messages import (
    Event,
    OfferPromised,
    OfferRedeemed,
    OfferReversed,
    OfferWithdrawn,
    StaffCall,
    Voucher,
    VoucherTerms,
)
from gateway.storage.outbox import OFFERS_TOPIC
from gateway.storage.promises import PromiseRecord

WITHDRAWN_TOPIC = "offers/withdrawn"
REDEEMED_TOPIC = "offers/redeemed"
STAFF_TOPIC = "staff"


Card = Mapping[str, Mapping[str, object]]
"""What a card shows besides its words, as `Chosen.shows` gives it: the parts of OfferPromised that its kind has."""


def announcement(promise: PromiseRecord, card: Card, source: str) -> tuple[str, str]:
    """Return (topic, body) of the message that tells of a promise. Staff are told where help is wanted, not by whom."""
    time = _moment(promise.at_s)
    if promise.kind == "staff_call":
        call = StaffCall(promise=promise.id, zone=promise.zone, content=dict(promise.content))
        return STAFF_TOPIC, Event[StaffCall](
            specversion="1.0", id=promise.id, source=source, type=StaffCall.TYPE, time=time, data=call
        ).model_dump_json()
    shown = {name: getattr(promise, name) for name in ("shopper", "offer", "kind", "zone", "decision", "language", "content")}
    data = OfferPromised.model_validate(
        {
            **shown,
            **card,
            "promise": promise.id,
            "voucher": _voucher(promise),
            "expires_at": _moment(promise.expires_at_s),
        }
    )
    event = Event[OfferPromised](specversion="1.0", id=promise.id, source=source, type=OfferPromised.TYPE, time=time, data=data)
    return OFFERS_TOPIC, event.model_dump_json()


def withdrawal_message(event_id: str, promise: str, shopper: str, at_s: float, source: str, *, recalled: bool) -> str:
    """Return the body that says a promise was never sent, and is taken back."""
    data = OfferWithdrawn(promise=promise, shopper=shopper, reason="expired_unsent", recalled=recalled)
    event = Event[OfferWithdrawn](
        specversion="1.0", id=event_id, source=source, type=OfferWithdrawn.TYPE, time=_moment(at_s), data=data
    )
    return event.model_dump_json()


def redemption_message(event_id: str, promise: PromiseRecord, till: str, at_s: float, source: str, *, reversed_: bool) -> str:
    """Return the body that says a promise was used at a till, or that this was undone. Its shopper is known."""
    kind = OfferReversed if reversed_ else OfferRedeemed
    data = kind(promise=promise.id, shopper=str(promise.shopper), offer=promise.offer, till=till)
    return Event[OfferRedeemed](
        specversion="1.0", id=event_id, source=source, type=kind.TYPE, time=_moment(at_s), data=data
    ).model_dump_json()


def _voucher(promise: PromiseRecord) -> Voucher | None:
    if promise.value is None or promise.code is None:
        return None
    terms = VoucherTerms.model_validate(promise.terms or {})
    return Voucher(code=promise.code, value=dict(promise.value), terms=terms, ends_at=_moment(promise.ends_at_s))


def _moment(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)
