"""What a kind of offer is: its section, its checks, the words it fills, what its card holds and says, and what it promises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Generic, NamedTuple, TypeVar

from rules.decision import CardPart
from rules.format.errors import BookProblem
from rules.format.names import KnownNames
from rules.format.schema_parts import Attribute, Caps, CodesPart, Part, TermsPart, WorthPart
from rules.texts import Language

Section = TypeVar("Section", bound=Part | None)


class Around(NamedTuple):
    """What a check may look at besides the section itself."""

    caps: Caps
    """The offer's own."""
    budgeted: bool
    """Whether a budget of the offer, its category or the shop counts what it gives away."""
    attributes: Mapping[str, Attribute]
    names: KnownNames
    from_: str | None
    """The offer's first moment, as written."""


class Asking(NamedTuple):
    """What a card asks: the attribute that an answer fills, the answers, and how long one stays valid."""

    attribute: str
    answers: frozenset[str]
    valid_for_s: float


class Giving(NamedTuple):
    """What a promise gives by a code: its worth, where the code comes from, and when it ends."""

    worth: WorthPart
    codes: CodesPart
    valid_for_s: float | None = None
    """So long after the promise; None where the end is written."""
    valid_until: str = "end_of_day"
    """`end_of_day`, `closing`, or the last day or moment."""
    was_price_source: str = ""
    terms: TermsPart = TermsPart()


class OfferKind(Generic[Section]):
    """One kind of offer. What a kind doesn't say is as here: no section, nothing given, made to the shopper."""

    name: ClassVar[str]
    section: ClassVar[str | None] = None
    """The part of an offer that this kind needs, and that no other kind may have."""
    for_staff: ClassVar[bool] = False
    """Shown to staff, in their language; never withheld for a measurement."""

    def check(self, section: Section, around: Around) -> Iterator[BookProblem]:
        """Yield every fault of the section, its path below it; `../` leads to the rest of the offer."""
        yield from ()

    def words(self, section: Section, language: Language, currency: str) -> dict[str, str]:
        """Return the placeholders that the section fills, with their texts."""
        return {}

    def shows(self, section: Section, language: Language, currency: str) -> CardPart | None:
        """Return what the card holds besides its words, if anything."""
        return None

    def gives(self, section: Section) -> Giving | None:
        """Return what a promise of it gives by a code, if anything."""
        return None

    def cost(self, section: Section) -> float:
        """Return the most that one use of it costs the shop, in the book's currency; 0 where nothing is given."""
        return 0.0

    def asks(self, section: Section) -> Asking | None:
        """Return what its card asks, if anything."""
        return None

    def needs_flag(self, section: Section) -> str | None:
        """Return the flag that must be true of the shopper for it, if any."""
        return None
