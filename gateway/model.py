"""The frozen values that travel the straight line: advertisement, sighting, move, what is known of a shopper, promise.

On the part that runs a thousand times a second they are tuples, the cheapest frozen thing Python has; where a few are made per
visit they are dataclasses. A time is always the moment of the event itself, in seconds since the epoch (or since a recording's
start), never the moment of handling.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from rules import Book, Value

USABLE_S = 10.0
"""How old a reception may be to say where somebody is now: as long as gateways and apps gather receptions before they send them.
What comes later is dropped by whoever receives it, and counted. The one limit, in front of the zones and within them."""


RSSI_MISSING_DBM = 127
"""HCI's "not available": a reception that was measured in another way only."""


class Quantity(StrEnum):
    """Quantities beside RSSI that say where somebody is, as they are called in a recording."""

    DISTANCE = "distance_m"
    BEARING = "bearing_deg"


MOST_MEASURED = {Quantity.DISTANCE: 1000.0, Quantity.BEARING: 360.0}
"""The largest value, and standard deviation, that can be meant."""
LEAST_SD = 0.01
"""A centimetre, or a hundredth of a degree: no instrument in a shop is surer, and a smaller one would drown all others."""


class Measurement(NamedTuple):
    """One measured quantity: a distance in metres, or a bearing from the scanner in degrees (0 along the plan's x axis,
    counter-clockwise), with its standard deviation in the same unit."""

    quantity: Quantity
    value: float
    sd: float

    def can_be(self) -> bool:
        """Return whether an instrument in a shop can have said it."""
        most = MOST_MEASURED[self.quantity]
        return (0 if self.quantity is Quantity.DISTANCE else -most) <= self.value <= most and LEAST_SD <= self.sd <= most


class Advertisement(NamedTuple):
    """One reception of one radio packet by one scanner."""

    at_s: float
    scanner: str
    address: str
    """The sender's radio address, empty where it isn't read. It rotates and may be a stranger's: never stored, logged or a key."""
    rssi_dbm: int
    payload: bytes
    """Apple's manufacturer data (company 0x004c, without the company id), or empty: everything else is noise here."""
    measured: tuple[Measurement, ...] = ()
    """By a scanner that can more than hear. `rssi_dbm` may be RSSI_MISSING_DBM then."""


class Sighting(NamedTuple):
    """A reception that belongs to an opted-in shopper: heard by a scanner, or a fixed beacon that the shopper's phone heard."""

    at_s: float
    shopper: str
    scanner: str
    """The scanner's id in the store plan, or the fixed beacon's where the phone did the hearing."""
    rssi_dbm: int
    measured: tuple[Measurement, ...] = ()


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


@dataclass(frozen=True, slots=True)
class ShopperNow:
    """What the rules may know of one shopper at one moment. `attention` in tokens."""

    shopper: str
    purposes: frozenset[str]
    language: str
    facts: Mapping[str, Value]
    fact_times: Mapping[str, float]
    attention: float


@dataclass(frozen=True, slots=True)
class BooksSnapshot:
    """The books that decide now; `ahead`: zone to the book that is live there before it is anywhere else."""

    everywhere: Book | None = None
    ahead: Mapping[str, Book] = field(default_factory=lambda: MappingProxyType({}))

    def at(self, zone: str | None) -> Book | None:
        """The book that decides in a zone; None: no offers are made there."""
        return self.ahead.get(zone or "", self.everywhere)

    def all(self) -> tuple[Book, ...]:
        """Every book that decides somewhere, once: what one of them reads may be stored."""
        found = {book.hash: book for book in (self.everywhere, *self.ahead.values()) if book is not None}
        return tuple(found.values())

    def may_approach(self, at_s: float) -> bool:
        """Tell whether shoppers may be approached at a moment, by the hours and quiet hours of every book that decides."""
        return all(book.may_approach(at_s) for book in self.all())


@dataclass(frozen=True, slots=True)
class Made:
    """One promise that stands. `fell_back`: content without the voucher, because a cap was reached at this very moment."""

    promise: str
    offer: str
    code: str | None
    fell_back: bool


@dataclass(frozen=True, slots=True)
class NotMade:
    """One chosen offer that was not promised, and the kind of cap in the way (`per_shopper`; `pool` when the codes ran out)."""

    offer: str
    reason: str


@dataclass(frozen=True, slots=True)
class Promised:
    """What the ledger made of one decision."""

    decision: str
    made: tuple[Made, ...] = ()
    refused: tuple[NotMade, ...] = ()
