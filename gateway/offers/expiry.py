"""The end of promises: expired or taken back, their shares given back, and gone when they have been kept long enough."""

from __future__ import annotations

from typing import NamedTuple

from gateway import promise_states
from gateway.offers import announcements
from gateway.offers.rewards import Issuer
from gateway.settings import OffersSettings
from gateway.storage import Connection, caps, decisions, happenings, outbox, promises, vouchers
from gateway.storage.caps import Taking
from gateway.storage.promises import PromiseRecord
from gateway.storage.slices import SLICE_ROWS
from rules import CapKind

DAY_S = 86_400.0
EXPIRED_PER_RUN = 100
"""Ended promises that one turn expires: bounds how long the writer is held."""
WINDOW_COUNTERS_DAYS = 40
"""How long the counter of an hour, a day, a week or a month stays after it was opened: the longest, and a week for wrong clocks."""


class Housekept(NamedTuple):
    """What one turn came to. `more`: it took as much as it may, so there is more to do at once."""

    expired: int
    more: bool


def housekeep(connection: Connection, now_s: float, settings: OffersSettings) -> Housekept:
    """Expire promises, give back what they held of caps on redemptions and money, and delete a slice of what is old.

    A promise expires `late_receipt_hours` after its end: until then a receipt of an earlier redemption may still come, and its
    share of the caps must not be somebody else's by then.
    """
    late_s = now_s - settings.late_receipt_hours * 3600
    over = promises.ended(connection, late_s, EXPIRED_PER_RUN)
    for promise in over:
        if promises.advance(connection, promise.id, promise.state, promise_states.EXPIRED, now_s):  # not another gateway meanwhile
            caps.give_back(connection, _unused(promise), promise.shopper)
    kept_since_s = now_s - settings.promises_days * DAY_S
    gone = (
        promises.purge(connection, kept_since_s, nameless_before_s=late_s),
        happenings.purge(connection, kept_since_s),
        vouchers.purge(connection, kept_since_s),
        decisions.purge(connection, now_s - settings.decisions_days * DAY_S),
    )
    caps.purge(connection, windows_opened_before_s=now_s - WINDOW_COUNTERS_DAYS * DAY_S)
    return Housekept(len(over), more=len(over) == EXPIRED_PER_RUN or max(gone) >= SLICE_ROWS)


def _unused(promise: PromiseRecord) -> list[Taking]:
    """Return what a promise that ended held and nobody used; an issue stays one, and what was spent of its amount stays spent."""
    unused = []
    for taking in map(Taking._make, promise.takings):
        spent_cents = promise.spent_cents if taking.kind == CapKind.BUDGET else taking.amount if promise.spent_cents else 0
        if taking.kind != CapKind.ISSUES and taking.amount > spent_cents:
            unused.append(taking._replace(amount=taking.amount - spent_cents))
    return unused


class Recalled(NamedTuple):
    """What became of a recall: promises taken back, and those that stand, for they may have been shown."""

    taken_back: int
    stand: int


def recall(connection: Connection, offer: str, at_s: float, issuer: Issuer) -> Recalled:
    """Take back every promise of an offer whose announcement was certainly never given to the network, and say so."""
    unsent = promises.unsent_of(connection, offer)
    for promise in unsent:
        outbox.remove(connection, [promise.id])
        _take_back(connection, promise, at_s, issuer, recalled=True)
    return Recalled(len(unsent), promises.standing_of(connection, offer, at_s))


def release_unsent(connection: Connection, event_id: str, issuer: Issuer) -> None:
    """Take back a promise whose announcement ended without ever having been given to the network, and say so."""
    promise = promises.hold(connection, event_id)
    if promise is not None and promise.state == promise_states.RESERVED:
        _take_back(connection, promise, promise.expires_at_s, issuer, recalled=False)


def _take_back(connection: Connection, promise: PromiseRecord, at_s: float, issuer: Issuer, *, recalled: bool) -> None:
    promises.release(connection, promise, at_s)
    if promise.shopper is None or promise.kind == "staff_call":
        return
    withdrawn = issuer.new_id(at_s)
    outbox.put(
        connection,
        event_id=withdrawn,
        topic=announcements.WITHDRAWN_TOPIC,
        shopper=promise.shopper,
        body=announcements.withdrawal_message(withdrawn, promise.id, promise.shopper, at_s, issuer.source, recalled=recalled),
        at_s=at_s,
        expires_at_s=at_s + DAY_S,
    )
