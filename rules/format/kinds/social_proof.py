"""Social proof: what others thought of it, with its source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import StringConstraints

from rules.decision import CardPart
from rules.format.errors import BookProblem
from rules.format.kinds.kind import Around, OfferKind
from rules.format.names import check_known
from rules.format.schema_parts import FieldName, Part, PositiveInt, Said
from rules.texts import Language

SMALLEST_CROWD = 15
"""Fewer people than this are no crowd: the figure below which counts are not told (the Dutch precedent)."""


class ProofPart(Part):
    """Where a social proof comes from."""

    type: Literal["review", "expert", "crowd", "friend"]
    source: Annotated[Said, StringConstraints(min_length=1, max_length=200)]
    people: PositiveInt | None = None
    consent: FieldName | None = None


@dataclass(frozen=True, slots=True)
class Proof(CardPart):
    """Where a social proof comes from; `people` is how many stand behind it (crowd only)."""

    name: ClassVar[str] = "proof"
    type: str
    source: str
    people: int | None = None

    def as_message(self) -> dict[str, object]:
        """Return the card's `proof` on the wire."""
        return {"type": self.type, "source": self.source, "people": self.people}


class SocialProofKind(OfferKind[ProofPart]):
    """Social proof."""

    name = "social_proof"
    section = "proof"

    def check(self, section: ProofPart, around: Around) -> Iterator[BookProblem]:
        """Yield every fault of a social proof: a crowd too small, a friend who wasn't asked."""
        if section.type == "crowd" and (section.people or 0) < SMALLEST_CROWD:
            yield BookProblem("crowd_small", "people", values={"least": str(SMALLEST_CROWD)})
        consent = around.names.fields.get(section.consent or "")
        if section.type == "friend" and (consent is None or consent.type != "flag" or consent.supplier != "backend"):
            yield BookProblem("friend_consent", "consent")
        elif section.consent is not None and consent is None:
            yield from check_known("attribute", "consent", section.consent, around.names.fields)

    def words(self, section: ProofPart, language: Language, currency: str) -> dict[str, str]:
        """Return who says so, and how many."""
        return {"source": section.source} | ({"people": str(section.people)} if section.people is not None else {})

    def shows(self, section: ProofPart, language: Language, currency: str) -> Proof:
        """Return where it comes from."""
        return Proof(section.type, section.source, section.people)

    def needs_flag(self, section: ProofPart) -> str | None:
        """Return the flag by which both friends agreed."""
        return section.consent
