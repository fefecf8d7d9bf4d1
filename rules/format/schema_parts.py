"""What a rule book is written with: durations, spans, words in both languages, and the section of each kind of offer."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from rules.decision import Worth
from rules.format.dates import parse_clock
from rules.format.literals import parse_duration
from rules.situation import HAPPENINGS
from rules.texts import WRITTEN, Language, spoken

T = TypeVar("T")


def _duration(value: Any) -> float:
    seconds = parse_duration(value)
    if seconds is None:
        raise PydanticCustomError("duration", "no duration")
    return seconds


def _span(value: Any) -> tuple[int, int]:
    """Two clock times in minutes since midnight; an end before the start runs past midnight."""
    first, dash, last = str(value).partition("-")
    start, end = parse_clock(first), parse_clock(last)
    if not dash or start is None or end is None or start == end:
        raise PydanticCustomError("hours_span", "no span")
    return start, end


def _spans(value: Any) -> Any:
    return [] if value == "closed" else listed(value)


def listed(value: Any) -> Any:
    """One thing may be written without a list around it."""
    return value if isinstance(value, list) else [value]


Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
ZoneId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$")]
"""As the store plan names it; other ids are ours, and lower case."""
FieldName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
MOST_S = 36_600 * 86_400.0
"""A hundred years: longer is a slip, and a calendar ends."""
Duration = Annotated[float, BeforeValidator(_duration), Field(gt=0, le=MOST_S)]
Span = Annotated[tuple[int, int], BeforeValidator(_span)]
Ids = Annotated[tuple[Id, ...], BeforeValidator(listed)]
WrittenSpans = Annotated[tuple[Span, ...], BeforeValidator(_spans)]
Purpose = Literal["recognise", "offers", "purchases", "aftercare", "measure"]
FactType = Literal["number", "flag", "choice", "set", "text", "date"]
CardKind = Literal["voucher", "content", "social_proof", "question", "invitation"]
"""What a shopper is shown."""
Kind = Literal[CardKind, "staff_call"]
What = Literal["seen", "announced", "shown", "tapped", "dismissed", "redeemed", "purchased", "reviewed", "shared"]
CalendarWindow = Literal["hour", "day", "week", "month"]
MomentEvent = Literal["visit_start", "enter", "returns", "dwell", "exit", "purchase"]
Fraction = Annotated[float, Field(ge=0, le=1)]
PositiveInt = Annotated[int, Field(ge=1)]
Euro = Annotated[float, Field(gt=0, le=100_000)]

assert set(get_args(What)) == {"seen", *HAPPENINGS}


class Part(BaseModel):
    """A part of the document: immutable, and a word it doesn't know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _written(given: dict[Language, T]) -> dict[Language, T]:
    for language in WRITTEN:
        if language not in given:
            raise PydanticCustomError("language_missing", "the words in {key} are missing", {"key": language.value})
    return given


Label = Annotated[dict[Language, Annotated[str, StringConstraints(min_length=1, max_length=1000)]], AfterValidator(_written)]
"""Words by language, at least in those that every book is written in."""


class CardWords(Part):
    """A card's words in one language; `{placeholder}` is filled in for the shopper."""

    title: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    body: Annotated[str, StringConstraints(max_length=2000)] = ""
    button: Annotated[str, StringConstraints(max_length=40)] = ""
    link: Annotated[str, StringConstraints(max_length=500)] = ""


Texts = Annotated[dict[Language, CardWords], AfterValidator(_written)]
"""A card's words by language."""


class WorthPart(Part):
    """What a voucher or reward is worth: one of percent, amount (euro) or gift."""

    percent: Annotated[float, Field(gt=0, le=100)] | None = None
    amount: Euro | None = None
    gift: Label | None = None

    def worth(self, language: Language) -> Worth:
        """Return the worth in one language (only a gift has words), amounts in cents."""
        cents = round(self.amount * 100) if self.amount is not None else None
        return Worth(self.percent, cents, spoken(self.gift, language) if self.gift else None)


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
    people: PositiveInt | None = None
    consent: FieldName | None = None


class QuestionPart(Part):
    """A question card: which attribute it fills, with which answers, valid for how long."""

    attribute: FieldName
    answers: Annotated[dict[str, Label], Field(min_length=2, max_length=8)]
    valid_for: Duration


class InvitationPart(Part):
    """An invitation to review or share, the reward when it is used and the friend's benefit."""

    to: Literal["review", "share"]
    reward: WorthPart | None = None
    friend: WorthPart | None = None
    codes: CodesPart | None = None
    cost: Euro | None = None
    valid_for: Duration | None = None
