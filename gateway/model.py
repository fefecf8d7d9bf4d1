"""The frozen values that travel the straight line: advertisement, sighting, move.

On the part that runs a thousand times a second they are tuples, the cheapest frozen thing Python has; where a few are made per
visit they are dataclasses. A time is always the moment of the event itself, in seconds since the epoch (or since a recording's
start), never the moment of handling.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

USABLE_S = 10.0
"""How old a reception may be to say where somebody is now: as long as gateways and apps gather receptions before they send them.
What comes later is dropped by whoever receives it, and counted. The one limit, in front of the zones and within them."""


class Advertisement(NamedTuple):
    """One reception of one radio packet by one scanner."""

    at_s: float
    scanner: str
    address: str
    """The sender's radio address. It rotates and may be a stranger's: never stored, never logged, never a key."""
    rssi_dbm: int
    payload: bytes
    """Apple's manufacturer data (company 0x004c, without the company id), or empty: everything else is noise here."""


class Sighting(NamedTuple):
    """A reception that belongs to an opted-in shopper: heard by a scanner, or a fixed beacon that the shopper's phone heard."""

    at_s: float
    shopper: str
    scanner: str
    """The scanner's id in the store plan, or the fixed beacon's where the phone did the hearing."""
    rssi_dbm: int


class MoveEvent(StrEnum):
    """What happened: a shopper entered a zone, stayed in it for another dwell step, or left it."""

    ENTER = "enter"
    DWELL = "dwell"
    EXIT = "exit"


@dataclass(frozen=True, slots=True)
class Move:
    """A shopper entered, dwelt in, or left a zone. `zone` None: in the shop, but no zone is certain."""

    at_s: float
    shopper: str
    event: MoveEvent
    zone: str | None
    confidence: float
    """Probability, 0 to 1, that the shopper is where the move says."""
    dwell_s: float = 0.0
    """How long the shopper has been in the zone at this move; 0 on `enter`."""
    visit_over: bool = False
    """True on the exit with which the shopper left the shop."""
