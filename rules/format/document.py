"""The rule book as written: frozen models of the YAML document, which is the same as JSON. What a single field may hold is checked
here; what must fit together is checked in checks.py."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema

from rules.format.kinds import KINDS
from rules.format.kinds.invitation import InvitationPart
from rules.format.kinds.question import QuestionPart
from rules.format.kinds.social_proof import ProofPart
from rules.format.kinds.voucher import VoucherPart
from rules.format.schema_parts import (
    Attribute,
    CalendarWindow,
    Caps,
    Duration,
    FactType,
    FieldName,
    Fraction,
    HoursDay,
    Id,
    Ids,
    Kind,
    Label,
    MomentEvent,
    Part,
    PositiveInt,
    Printed,
    Purpose,
    Texts,
    What,
    WrittenMoment,
    WrittenSpans,
    ZoneId,
    listed,
)
from rules.texts import Language


class ShopFact(Part):
    """Something of the shop itself, about nobody: weather, stock, a delivery that came in."""

    type: FactType
    values: Annotated[tuple[Printed, ...], Field(min_length=1)] | None = None
    label: Label
    fresh_for: Duration | None = None


class Moment(Part):
    """When an offer may be made: one event, in some zones (none: anywhere)."""

    event: MomentEvent
    zone: Annotated[tuple[ZoneId, ...], BeforeValidator(listed, json_schema_input_type=ZoneId | list[ZoneId])] = ()
    for_: Annotated[Duration | None, Field(alias="for")] = None
    of: Ids = ()


class Limit(Part):
    """At most so often for one shopper: in a visit, a rolling window (`within`) or a calendar one (`every`)."""

    at_most: PositiveInt
    of: What = "seen"
    per: Literal["visit"] | None = None
    within: Duration | None = None
    every: CalendarWindow | None = None


class Cooldown(Part):
    """Silence of this offer after it was shown, dismissed or redeemed."""

    shown: Duration | None = None
    dismissed: Duration | None = None
    redeemed: Duration | None = None


class Trial(Part):
    """A test of one offer: the share of shoppers who may get it; the rest get a ghost of it."""

    id: Id
    share: Fraction


class Offer(Part):
    """One offer: its moment, conditions, limits, words and what it gives."""

    id: Id
    kind: Kind
    category: Id | None = None
    group: Id | None = None
    purpose: Purpose = "offers"
    tier: Annotated[int, Field(ge=1, le=9)] = 5
    priority: Annotated[float, Field(gt=0, le=100)] = 50
    at: Annotated[tuple[Moment, ...], Field(min_length=1), BeforeValidator(listed, json_schema_input_type=Moment | list[Moment])]
    if_: Annotated[object, Field(alias="if"), WithJsonSchema({"type": ["string", "object", "boolean"]})] = None
    from_: Annotated[WrittenMoment | None, Field(alias="from")] = None
    until: WrittenMoment | None = None
    limits: tuple[Limit, ...] = ()
    per_visit: Annotated[int, Field(ge=1, le=20)] = 1
    cooldown: Cooldown = Cooldown()
    caps: Caps = Caps()
    attention: Annotated[float, Field(ge=0, le=100)] = 1
    yields_to: Ids = ()
    show_for: Annotated[Duration, Field(json_schema_extra={"default": "2h"})] = 7200.0
    test: Trial | None = None
    always_made: Annotated[bool, Field(description="Made in control groups too; a call for staff always is.")] = False
    adults_only: Annotated[bool, Field(description="Needs the yes of the flag attribute `adult`.")] = False
    content: Texts
    fallback: Texts | None = None
    # a section for each kind that has one
    voucher: VoucherPart | None = None
    proof: ProofPart | None = None
    question: QuestionPart | None = None
    invitation: InvitationPart | None = None

    @property
    def section(self) -> Part | None:
        """The section of its own kind; None where the kind has none, or it is missing."""
        name = KINDS[self.kind].section
        section: Part | None = getattr(self, name) if name is not None else None
        return section


class Category(Part):
    """A family of offers with limits and caps of its own."""

    label: Label
    limits: tuple[Limit, ...] = ()
    caps: Caps = Caps()


class OfferGroup(Part):
    """Offers that exclude each other: at most so many of them in one move or visit."""

    at_most: PositiveInt = 1
    per: Literal["move", "visit"] = "move"


class Attention(Part):
    """The attention budget: a token bucket per shopper. Dismissing costs extra, engaging refills."""

    capacity: Annotated[float, Field(gt=0)] = 6
    refill_per_day: Annotated[float, Field(ge=0)] = 3
    dismissal_cost: Annotated[float, Field(ge=0)] = 2
    engagement_refill: Annotated[float, Field(ge=0)] = 1


class CaseSituation(Part):
    """The facts of a case; what isn't said is the plainest: full attention, every purpose, no history."""

    event: Literal["visit_start", "enter", "dwell", "exit", "purchase"]
    zone: ZoneId | None = None
    at: WrittenMoment
    dwell: Duration | None = None
    shopper: str = "case"
    visit: str = "case-visit"
    language: Language = Language.NL
    purposes: tuple[Purpose, ...] = ("recognise", "offers", "purchases", "aftercare", "measure")
    facts: dict[str, object] = Field(default_factory=dict)
    ages: dict[str, Duration] = Field(default_factory=dict)
    history: tuple[CaseHappening, ...] = ()
    attention: float | None = None
    exhausted: Ids = ()


class CaseHappening(Part):
    """Something that happened before a case; `ago` before its moment."""

    offer: Id
    what: Literal["announced", "shown", "tapped", "dismissed", "redeemed", "purchased", "reviewed", "shared"]
    ago: Duration
    visit: str = "earlier-visit"


class Case(Part):
    """An example that the book carries: facts in, decision and reasons out."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    given: CaseSituation
    chosen: Ids = ()
    because: dict[str, str] = Field(default_factory=dict)


class Document(Part):
    """A whole rule book."""

    book: Id
    timezone: str = "Europe/Amsterdam"
    staff_language: Language = Language.NL
    salt: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    currency: Annotated[str, StringConstraints(min_length=3, max_length=3)] = "EUR"
    control_share: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    offers_per_move: Annotated[int, Field(ge=1, le=5)] = 1
    silence: Annotated[float, Field(ge=0)] = 0.0
    four_eyes_above: Annotated[float, Field(ge=0)] | None = None
    hours: dict[HoursDay, WrittenSpans] | None = None
    quiet: WrittenSpans = ()
    attention: Attention = Attention()
    zones: dict[ZoneId, Label] | None = None
    attributes: dict[FieldName, Attribute] = Field(default_factory=dict)
    shop_facts: dict[FieldName, ShopFact] = Field(default_factory=dict)
    categories: dict[Id, Category] = Field(default_factory=dict)
    groups: dict[Id, OfferGroup] = Field(default_factory=dict)
    limits: tuple[Limit, ...] = ()
    caps: Caps = Caps()
    offers: Annotated[tuple[Offer, ...], Field(min_length=1, max_length=2000)]
    cases: tuple[Case, ...] = ()
