"""What is read from a message of a scanner elsewhere, and whether it comes in time. Pure."""

from __future__ import annotations

from typing import NamedTuple

from gateway.model import USABLE_S, Advertisement
from gateway.radio.remote.refusals import RefusalReason
from gateway.radio.remote.sender import RemoteScanner
from gateway.radio.sender_clock import TOLERANCE_S
from gateway.wire_values import BEACON_ID


class PhoneReading(NamedTuple):
    """A fixed beacon of the shop that a shopper's phone heard, as the store app reported it."""

    at_s: float
    shopper: str
    beacon: bytes
    """Beacon id of the fixed beacon, 20 bytes."""
    rssi_dbm: int


class MessageReadings(NamedTuple):
    """What was in one message."""

    advertisements: list[Advertisement]
    phones: list[PhoneReading]


class Reading(NamedTuple):
    """One reception as its scanner reports it. `claimed_s` None: it doesn't say when."""

    scanner: RemoteScanner
    claimed_s: float | None
    rssi_dbm: int
    payload: bytes


def untimely(age_s: float) -> RefusalReason | None:
    """Return why a reception of that age isn't taken, if so."""
    if age_s > USABLE_S:
        return RefusalReason.LATE
    return RefusalReason.IMPOSSIBLE if age_s < -TOLERANCE_S else None


def beacon_of(text: str) -> bytes | None:
    """Return a beacon id from its 40 hex digits; None where it isn't one."""
    return bytes.fromhex(text) if BEACON_ID.fullmatch(text) else None
