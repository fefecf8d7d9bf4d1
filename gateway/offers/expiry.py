"""The end of promises: expired or taken back, their shares given back, and gone when they have been kept long enough."""

from __future__ import annotations

from gateway import promise_states
from gateway.offers import announcements
from gateway.offers.rewards import Issuer
from gateway.settings import OffersSettings
from gateway.storage import Connection, caps, decisions, outbox, promises, vouchers
from rules import CapKind

DAY_S = 86_400.0
EXPIRED_PER_RUN = 500
"""Ended promises that one turn expires: bounds how long the writer is held."""
WINDOW_COUNTERS_DAYS = 40
"""How long the counter of an hour, a day, a week or a month stays after it was opened: the longest, and a week for wrong clocks."""


def housekeep(connection: Connection, now_s: float, settings: OffersSettings) -> int:
    """Expire promises, give back what they held of caps on redemptions and money, delete what is old; how many expired.

    A promise expires `late_receipt_hours` after its end: until then a receipt of an earlier redemption may still come, and its
    share of the caps must not be somebody else's by then.
    """
    late_s = now_s - settings.late_receipt_hours * 3600
    over = promises.ended(connection, late_s, EXPIRED_PER_RUN)
    for promise in over:
        if promises.advance(connection, promise.id, promise.state, promise_states.EXPIRED, now_s):  # not another gateway meanwhile
            held = [taking for taking in promise.takings if taking[2] != CapKind.ISSUES]
            caps.give_back(connection, held, promise.shopper)
    kept_since_s = now_s - settings.promises_days * DAY_S
    promises.purge(connection, kept_since_s, nameless_before_s=late_s)
    vouchers.purge(connection, kept_since_s)
    caps.purge(connection, windows_opened_before_s=now_s - WINDOW_COUNTERS_DAYS * DAY_S)
    decisions.purge(connection, now_s - settings.decisions_days * DAY_S)
    return len(over)


def release_unsent(connection: Connection, event_id: str, issuer: Issuer) -> None:
    """Take back a promise whose announcement ended without ever having been given to the network, and say so."""
    promise = promises.hold(connection, event_id)
    if promise is None or promise.state != promise_states.RESERVED:
        return
    promises.release(connection, promise, promise.expires_at_s)
    if promise.shopper is None or promise.kind == "staff_call":
        return
    withdrawn = issuer.new_id(promise.expires_at_s)
    outbox.put(
        connection,
        event_id=withdrawn,
        topic=announcements.WITHDRAWN_TOPIC,
        shopper=promise.shopper,
        body=announcements.withdrawal_message(withdrawn, promise.id, promise.shopper, promise.expires_at_s, issuer.source),
        at_s=promise.expires_at_s,
        expires_at_s=promise.expires_at_s + DAY_S,
    )
