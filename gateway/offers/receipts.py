"""Receipts: what came of a promise, taken once each, in whatever order they arrive."""

from __future__ import annotations

from dataclasses import dataclass

from gateway import promise_states
from gateway.messages import Event, Receipt, Refusal
from gateway.storage import Connection, happenings, promises
from gateway.storage.happenings import HappeningRecord, UnmatchedRecord
from gateway.storage.promises import PromiseRecord
from rules import Happening


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a receipt: the happening it brought (None: nothing new), or why it, or what it says, was not taken."""

    shopper: str | None = None
    happening: Happening | None = None
    refusal: Refusal | None = None
    unmatched: bool = False
    """It fits no promise, or came too late: the message itself is refused."""
    promise: PromiseRecord | None = None
    """The promise it was about, where it brought something new."""


def take(connection: Connection, event: Event[Receipt]) -> Taken:
    """Note a receipt and move its promise on. One that fits no promise is kept for the report, and changes nothing."""
    receipt = event.data
    promise = promises.hold(connection, receipt.promise)
    if promise is None:
        return _unmatched(connection, event, "unknown_promise", "no such promise was made here, or it was erased")
    if promise.state == promise_states.WITHDRAWN:
        return _unmatched(connection, event, "withdrawn", "the promise was taken back before it was sent")
    at_s = max(event.time.timestamp(), promise.at_s)  # a phone's clock may be wrong: nothing happens before the promise was made
    if receipt.what == "redeemed" and promise.state in promise_states.OPEN and at_s > promise.ends_at_s:
        return _unmatched(connection, event, "expired", "redeemed after the voucher's end")
    if receipt.what == "redeemed" and promise.state == promise_states.EXPIRED:
        return _unmatched(connection, event, "expired", "the receipt came too long after the voucher's end")
    if receipt.what == "redeemed" and promise.state == promise_states.REDEEMED:
        # The till told the backend as well, or this is the same receipt again: a promise is used once, and counts once.
        return Taken(refusal=Refusal(path="data.what", code="already_redeemed", text=f"{promise.id}: was redeemed before"))
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


def _unmatched(connection: Connection, event: Event[Receipt], code: str, text: str) -> Taken:
    receipt = event.data
    unmatched = UnmatchedRecord(event.id, receipt.promise, receipt.what, code, event.time.timestamp())
    happenings.note_unmatched(connection, unmatched)
    return Taken(refusal=Refusal(path="data.promise", code=code, text=f"{receipt.promise}: {text}"), unmatched=True)
