"""Receipts: what came of a promise, taken once each, in whatever order they arrive."""

from __future__ import annotations

from dataclasses import dataclass

from gateway import promise_states
from gateway.messages import Event, Receipt
from gateway.objections import Objection
from gateway.storage import Connection, happenings, promises
from gateway.storage.happenings import HappeningRecord, UnmatchedRecord
from gateway.storage.promises import PromiseRecord
from rules import Happening
from rules.texts import N_


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a receipt: the happening it brought (None: nothing new), or why it, or what it says, was not taken."""

    shopper: str | None = None
    happening: Happening | None = None
    refusal: Objection | None = None
    unmatched: bool = False
    """It fits no promise, or came too late: the message itself is refused."""
    promise: PromiseRecord | None = None
    """The promise it was about, where it brought something new."""


def take(connection: Connection, event: Event[Receipt]) -> Taken:
    """Note a receipt and move its promise on. One that fits no promise is kept for the report, and changes nothing."""
    receipt = event.data
    promise = promises.hold(connection, receipt.promise)
    if promise is None:
        return _unmatched(connection, event, "unknown_promise", N_("{promise}: no such promise was made here, or it was erased"))
    if promise.state == promise_states.WITHDRAWN:
        return _unmatched(connection, event, "withdrawn", N_("{promise}: the promise was taken back before it was sent"))
    at_s = max(event.time.timestamp(), promise.at_s)  # a phone's clock may be wrong: nothing happens before the promise was made
    if receipt.what == "redeemed" and promise.state in promise_states.OPEN and at_s > promise.ends_at_s:
        return _unmatched(connection, event, "expired", N_("{promise}: redeemed after the voucher's end"))
    if receipt.what == "redeemed" and promise.state == promise_states.EXPIRED:
        return _unmatched(connection, event, "expired", N_("{promise}: the receipt came too long after the voucher's end"))
    if receipt.what == "redeemed" and promise.state == promise_states.REDEEMED:
        # The till told the backend as well, or this is the same receipt again: a promise is used once, and counts once.
        return Taken(
            refusal=Objection("data.what", "already_redeemed", N_("{promise}: was redeemed before"), {"promise": promise.id})
        )
    told = HappeningRecord(promise.id, event.id, promise.shopper, promise.offer, promise.visit or "", receipt.what, at_s)
    if not happenings.note(connection, told):
        return Taken()
    state = promise_states.after(promise.state, receipt.what)
    if state != promise.state:
        promises.advance(connection, promise.id, promise.state, state, at_s)
    if receipt.what == "delivered" or promise.shopper is None:
        return Taken(promise=promise)
    happening = Happening(promise.offer, receipt.what, at_s, promise.visit or "")
    return Taken(promise.shopper, happening, promise=promise)


def _unmatched(connection: Connection, event: Event[Receipt], code: str, message: str) -> Taken:
    receipt = event.data
    unmatched = UnmatchedRecord(event.id, receipt.promise, receipt.what, code, event.time.timestamp())
    happenings.note_unmatched(connection, unmatched)
    return Taken(refusal=Objection("data.promise", code, message, {"promise": receipt.promise}), unmatched=True)
