"""The rule book as written: frozen models of the YAML document, which is the same as JSON. What a single field may hold is checked
here; what must fit together is checked in checks.py."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from rules.literals import parse_clock, parse_duration
from rules.situation import HAPPENINGS


def _duration(value: Any) -> float:
    seconds = parse_duration(value)
    if seconds is None:
        raise PydanticCustomError("duration", "no duration", {"value": str(value)[:40]})
    return seconds


def _span(value: Any) -> tuple[int, int]:
    """Two clock times in minutes since midnight; an end before the start runs past midnight."""
    first, dash, last = str(value).partition("-")
    start, end = parse_clock(first), parse_clock(last)
    if not dash or start is None or end is None or start == end:
        raise PydanticCustomError("hours_span", "no span", {"value": str(value)[:40]})
    return start, end


def _spans(value: Any) -> Any:
    return [] if value == "closed" else _listed(value)


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
ZoneId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$")]
"""As the store plan names it; other ids are ours, and lower case."""
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Duration = Annotated[float, BeforeValidator(_duration), Field(gt=0)]
Span = Annotated[tuple[int, int], BeforeValidator(_span)]
Ids = Annotated[tuple[Id, ...], BeforeValidator(_listed)]
Spans = Annotated[tuple[Span, ...], BeforeValidator(_spans)]
Purpose = Literal["recognise", "offers", "purchases", "aftercare", "measure"]
FactType = Literal["number", "flag", "choice", "set", "text"]
Kind = Literal["voucher", "content", "social_proof", "question", "invitation", "staff_call"]
What = Literal["seen", "announced", "shown", "tapped", "dismissed", "redeemed", "purchased", "reviewed", "shared"]
Window = Literal["hour", "day", "week", "month"]
MomentEvent = Literal["visit_start", "enter", "returns", "dwell", "exit", "purchase"]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Euro = Annotated[float, Field(gt=0, le=100_000)]

assert set(What.__args__) == {"seen", *HAPPENINGS}  # type: ignore[attr-defined]  # Literal's arguments


class Part(BaseModel):
    """A part of the document: immutable, and a word it doesn't know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Label(Part):
    """Words in both languages."""

    nl: Annotated[str, StringConstraints(min_length=1, max_length=1000)]
    en: Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class Words(Part):
    """A card's words in one language; `{placeholder}` is filled in for the shopper."""

    title: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    body: Annotated[str, StringConstraints(max_length=2000)] = ""
    button: Annotated[str, StringConstraints(max_length=40)] = ""
    link: Annotated[str, StringConstraints(max_length=500)] = ""


class Texts(Part):
    """A card's words in both languages."""

    nl: Words
    en: Words


class Attribute(Part):
    """Something that may be known of a shopper, declared before it may be stored."""

    type: FactType
    values: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    label: Label
    purpose: Purpose = "offers"
    fresh_for: Duration | None = None
    supplier: Literal["backend", "shopper", "gateway"]


class ShopFact(Part):
    """Something of the shop itself, about nobody: weather, stock, a delivery that came in."""

    type: FactType
    values: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    label: Label
    fresh_for: Duration | None = None


class Moment(Part):
    """When an offer may be made: one event, in some zones (none: anywhere)."""

    event: MomentEvent
    zone: Annotated[tuple[ZoneId, ...], BeforeValidator(_listed)] = ()
    for_: Annotated[Duration | None, Field(alias="for")] = None
    of: Ids = ()


class Limit(Part):
    """At most so often for one shopper: in a visit, a rolling window (`within`) or a calendar one (`every`)."""

    at_most: Count
    of: What = "seen"
    per: Literal["visit"] | None = None
    within: Duration | None = None
    every: Window | None = None


class Cooldown(Part):
    """Silence of this offer after it was shown, dismissed or redeemed."""

    shown: Duration | None = None
    dismissed: Duration | None = None
    redeemed: Duration | None = None


class Caps(Part):
    """What the ledger holds over all shoppers; `budget` in euro. `every` makes issues, redemptions and budget count per window."""

    issues: Count | None = None
    per_shopper: Count | None = None
    redemptions: Count | None = None
    budget: Euro | None = None
    every: Window | None = None
    per_hour: Count | None = None


class WorthPart(Part):
    """What a voucher or reward is worth: one of percent, amount (euro) or gift."""

    percent: Annotated[float, Field(gt=0, le=100)] | None = None
    amount: Euro | None = None
    gift: Label | None = None


class CodesPart(Part):
    """One code for all, a pool of codes, or generated codes of so many characters."""

    single: Annotated[str, StringConstraints(min_length=1, max_length=40)] | None = None
    pool: Annotated[tuple[Annotated[str, StringConstraints(min_length=1, max_length=40)], ...], Field(min_length=1)] | None = None
    generated: Annotated[int, Field(ge=6, le=16)] | None = None


class WasPrice(Part):
    """What it cost before, in euro, and where that comes from (by law the lowest price of the last 30 days)."""

    amount: Euro
    source: Annotated[str, StringConstraints(max_length=200)] = ""


class VoucherPart(Part):
    """A voucher: its worth, codes, what one redemption costs at most, and when it ends."""

    worth: WorthPart
    codes: CodesPart
    cost: Euro | None = None
    valid_for: Duration | None = None
    valid_until: str = "end_of_day"
    price: Euro | None = None
    was_price: WasPrice | None = None


class ProofPart(Part):
    """Where a social proof comes from."""

    type: Literal["review", "expert", "crowd", "friend"]
    source: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    people: Count | None = None
    consent: Name | None = None


class QuestionPart(Part):
    """A question card: which attribute it fills, with which answers, valid for how long."""

    attribute: Name
    answers: Annotated[dict[str, Label], Field(min_length=2, max_length=8)]
    valid_for: Duration


class InvitationPart(Part):
    """An invitation to review or share, the reward when it is used and the friend's benefit."""

    to: Literal["review", "share"]
    reward: WorthPart | None = None
    friend: WorthPart | None = None
    codes: CodesPart | None = None
    valid_for: Duration | None = None


class Trial(Part):
    """A test of one offer: the share of shoppers who may get it; the rest get a ghost of it."""

    id: Id
    share: Share


class Offer(Part):
    """One offer: its moment, conditions, limits, words and what it gives."""

    id: Id
    kind: Kind
    category: Id | None = None
    group: Id | None = None
    purpose: Purpose = "offers"
    tier: Annotated[int, Field(ge=1, le=9)] = 5
    priority: Annotated[float, Field(gt=0, le=100)] = 50
    at: Annotated[tuple[Moment, ...], BeforeValidator(_listed), Field(min_length=1)]
    if_: Annotated[Any, Field(alias="if")] = None
    from_: Annotated[str | None, Field(alias="from")] = None
    until: str | None = None
    limits: tuple[Limit, ...] = ()
    per_visit: Annotated[int, Field(ge=1, le=20)] = 1
    cooldown: Cooldown = Cooldown()
    caps: Caps = Caps()
    attention: Annotated[float, Field(ge=0, le=100)] = 1
    yields_to: Ids = ()
    show_for: Duration = 7200.0
    test: Trial | None = None
    content: Texts
    fallback: Texts | None = None
    voucher: VoucherPart | None = None
    proof: ProofPart | None = None
    question: QuestionPart | None = None
    invitation: InvitationPart | None = None


class Category(Part):
    """A family of offers with limits and caps of its own."""

    label: Label
    limits: tuple[Limit, ...] = ()
    caps: Caps = Caps()


class OfferGroup(Part):
    """Offers that exclude each other: at most so many of them in one move or visit."""

    at_most: Count = 1
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
    at: str
    dwell: Duration | None = None
    shopper: str = "case"
    visit: str = "case-visit"
    language: Literal["nl", "en"] = "nl"
    purposes: tuple[Purpose, ...] = ("recognise", "offers", "purchases", "aftercare", "measure")
    facts: dict[str, Any] = {}
    ages: dict[str, Duration] = {}
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
    because: dict[str, str] = {}


class Document(Part):
    """A whole rule book."""

    book: Id
    timezone: str = "Europe/Amsterdam"
    staff_language: Literal["nl", "en"] = "nl"
    salt: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    control_share: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    offers_per_move: Annotated[int, Field(ge=1, le=5)] = 1
    silence: Annotated[float, Field(ge=0)] = 0.0
    four_eyes_above: Annotated[float, Field(ge=0)] | None = None
    hours: dict[str, Spans] | None = None
    quiet: Spans = ()
    attention: Attention = Attention()
    zones: dict[ZoneId, Label] | None = None
    attributes: dict[Name, Attribute] = {}
    shop_facts: dict[Name, ShopFact] = {}
    categories: dict[Id, Category] = {}
    groups: dict[Id, OfferGroup] = {}
    limits: tuple[Limit, ...] = ()
    caps: Caps = Caps()
    offers: Annotated[tuple[Offer, ...], Field(min_length=1, max_length=2000)]
    cases: tuple[Case, ...] = ()
