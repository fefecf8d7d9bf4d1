"""The end of promises: expired, their shares given back, and gone when they have been kept long enough."""

from __future__ import annotations

from gateway.offers import states
from gateway.settings import OffersSettings
from gateway.storage import Connection, caps, decisions, promises, vouchers
from rules import CapKind

DAY_S = 86_400.0
ENDED_PER_TURN = 500
"""Ended promises that one turn expires: bounds how long the writer is held."""
WINDOW_COUNTERS_DAYS = 40
"""How long the counter of an hour, a day, a week or a month stays after it was opened: the longest, and a week for wrong clocks."""


def housekeep(connection: Connection, now_s: float, settings: OffersSettings) -> int:
    """Expire promises, give back what they held of caps on redemptions and money, delete what is old; how many expired.

    A promise expires `late_receipt_hours` after its end: until then a receipt of an earlier redemption may still come, and its
    share of the caps must not be somebody else's by then.
    """
    late_s = now_s - settings.late_receipt_hours * 3600
    over = promises.ended(connection, late_s, ENDED_PER_TURN)
    for promise in over:
        if promises.advance(connection, promise.id, promise.state, states.EXPIRED, now_s):  # not another gateway meanwhile
            held = [taking for taking in promise.takings if taking[2] != CapKind.ISSUES]
            caps.give_back(connection, held, promise.shopper)
    kept_since_s = now_s - settings.promises_days * DAY_S
    promises.purge(connection, kept_since_s, nameless_before_s=late_s)
    vouchers.purge(connection, kept_since_s)
    caps.purge(connection, windows_opened_before_s=now_s - WINDOW_COUNTERS_DAYS * DAY_S)
    decisions.purge(connection, now_s - settings.decisions_days * DAY_S)
    return len(over)
