"""An invitation to review or to share: what the friend gets by a personal code, and the reward when it is used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from rules.decision import CardPart, Earned, Worth
from rules.format.errors import BookProblem
from rules.format.kinds.kind import Around, Giving, OfferKind
from rules.format.kinds.worth_checks import check_cost, check_worth
from rules.format.schema_parts import CodesPart, Duration, Money, Part, Reason, TermsPart, WorthPart
from rules.format.wording import worth_text
from rules.texts import Language


class InvitationPart(Part):
    """An invitation to review or share, the reward when it is used and the friend's benefit."""

    to: Literal["review", "share"]
    reward: WorthPart | None = None
    friend: WorthPart | None = None
    codes: CodesPart | None = None
    cost: Annotated[Money | None, Field(description="The most that one use costs the shop.")] = None
    cost_reason: Annotated[Reason, Field(description="Why the cost is below the amounts.")] = ""
    valid_for: Duration | None = None
    terms: TermsPart = TermsPart()
    return_period: Annotated[
        Duration,
        Field(
            description="How long a reward for sharing waits: goods that come back earn none.", json_schema_extra={"default": "14d"}
        ),
    ] = 14 * 86_400.0


@dataclass(frozen=True, slots=True)
class Invitation(CardPart):
    """An invitation to review or share: what the shopper gets when it is used, and what the friend gets."""

    name: ClassVar[str] = "invitation"
    to: str
    reward: Worth | None
    friend: Worth | None
    return_period_s: float = 0.0
    """How long after the friend's purchase the reward waits."""

    def as_message(self) -> dict[str, object]:
        """Return the card's `invitation` on the wire."""
        return {
            "to": self.to,
            "reward": self.reward.as_message() if self.reward else None,
            "friend": self.friend.as_message() if self.friend else None,
        }

    def worths(self) -> tuple[Worth, ...]:
        """Return what the friend and the shopper get."""
        return tuple(worth for worth in (self.friend, self.reward) if worth is not None)

    def earned(self) -> Earned | None:
        """Return the shopper's reward."""
        return None if self.reward is None else Earned(self.reward, self.to, self.return_period_s)


class InvitationKind(OfferKind[InvitationPart]):
    """An invitation."""

    name = "invitation"
    section = "invitation"

    def check(self, section: InvitationPart, around: Around) -> Iterator[BookProblem]:
        """Yield every fault of an invitation."""
        yield from check_worth(section.reward, "reward")
        yield from check_worth(section.friend, "friend")
        yield from check_cost([section.reward, section.friend], section.cost, section.cost_reason, "invitation", around.budgeted)
        if section.to == "share" and (section.codes is None or section.codes.generated is None):
            yield BookProblem("share_code", "codes")
        if section.to == "share" and section.friend is None:
            yield BookProblem("missing", "friend", values={"key": "friend"})

    def words(self, section: InvitationPart, language: Language, currency: str) -> dict[str, str]:
        """Return what the shopper and the friend get."""
        parts = {"reward": section.reward, "friend": section.friend}
        return {name: worth_text(part.worth(language, currency), language) for name, part in parts.items() if part}

    def shows(self, section: InvitationPart, language: Language, currency: str) -> Invitation:
        """Return what it is to, and what both get."""
        reward, friend = (part.worth(language, currency) if part else None for part in (section.reward, section.friend))
        return_period_s = section.return_period if section.to == "share" else 0.0
        return Invitation(section.to, reward, friend, return_period_s)

    def gives(self, section: InvitationPart) -> Giving | None:
        """Return the friend's benefit, by the personal code."""
        if section.friend is None or section.codes is None:
            return None
        return Giving(section.friend, section.codes, section.valid_for, terms=section.terms)

    def cost(self, section: InvitationPart) -> float:
        """Return its cost as stated, or the amounts given to both."""
        given = (section.reward, section.friend)
        return section.cost or sum(part.amount or 0.0 for part in given if part)
