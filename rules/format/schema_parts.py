"""What a rule book is written with: durations, spans, amounts, words in both languages, and parts that sections share."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from rules.decision import BasketTerms, Worth
from rules.format.dates import parse_clock, parse_duration
from rules.format.printing import is_blank, is_printable
from rules.situation import HAPPENINGS
from rules.texts import WRITTEN, Language, spoken

T = TypeVar("T")


def _duration(value: object) -> float:
    seconds = parse_duration(value)
    if seconds is None:
        raise PydanticCustomError("duration", "no duration")
    return seconds


def _span(value: object) -> tuple[int, int]:
    """Two clock times in minutes since midnight; an end before the start runs past midnight."""
    first, dash, last = str(value).partition("-")
    start, end = parse_clock(first), parse_clock(last)
    if not dash or start is None or end is None or start == end:
        raise PydanticCustomError("hours_span", "no span")
    return start, end


def _spans(value: object) -> object:
    return [] if value == "closed" else listed(value)


def listed(value: object) -> object:
    """One thing may be written without a list around it."""
    return value if isinstance(value, list) else [value]


def _whole_cents(value: float) -> float:
    if abs(round(value * 100) - value * 100) > 1e-6:
        raise PydanticCustomError("whole_cents", "no whole cents")
    return value


def _printed(value: str) -> str:
    if not is_printable(value):
        raise PydanticCustomError("unprintable", "a character that can't be printed")
    return value


def _said(value: str) -> str:
    if is_blank(value):
        raise PydanticCustomError("blank", "nothing is said")
    return value


Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
ZoneId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$")]
"""As the store plan names it; other ids are ours, and lower case."""
FieldName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
MOST_S = 36_600 * 86_400.0
"""A hundred years: longer is a slip, and a calendar ends."""
_DURATION_TEXT = Annotated[str, Field(pattern=r"^\d{1,6}(\.\d{1,3})?[smhdw]$", description="15s, 90m, 2h, 30d or 4w")]
_SPAN_TEXT = Annotated[str, Field(pattern=r"^([01]?\d|2[0-4]):[0-5]\d-([01]?\d|2[0-4]):[0-5]\d$", description="09:00-18:00")]
Duration = Annotated[float, Field(gt=0, le=MOST_S), BeforeValidator(_duration, json_schema_input_type=_DURATION_TEXT)]
Span = Annotated[tuple[int, int], BeforeValidator(_span, json_schema_input_type=_SPAN_TEXT)]
Ids = Annotated[tuple[Id, ...], BeforeValidator(listed, json_schema_input_type=Id | list[Id])]
WrittenSpans = Annotated[
    tuple[Span, ...], BeforeValidator(_spans, json_schema_input_type=Literal["closed"] | _SPAN_TEXT | list[_SPAN_TEXT])
]
_DAY_TEXT = r"\d{4}-\d{2}-\d{2}"
WrittenMoment = Annotated[str, WithJsonSchema({"type": "string", "pattern": rf"^{_DAY_TEXT}([T ]\d{{2}}:\d{{2}}.*)?$"})]
HoursDay = Annotated[str, WithJsonSchema({"type": "string", "pattern": rf"^(mon|tue|wed|thu|fri|sat|sun|{_DAY_TEXT})$"})]
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
Money = Annotated[float, Field(ge=0.01, le=100_000), AfterValidator(_whole_cents)]
"""In the book's currency, to the cent."""
Printed = Annotated[str, AfterValidator(_printed)]
"""Words that show as they are written: no control characters, and nothing that turns the direction of reading."""
Said = Annotated[Printed, AfterValidator(_said)]
"""Words that say something: not blank, however invisibly."""
Reason = Annotated[Printed, StringConstraints(max_length=200)]

assert set(get_args(What)) == {"seen", *HAPPENINGS}


class Part(BaseModel):
    """A part of the document: immutable, and a word it doesn't know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


ONE_OF = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})
"""For an editor: exactly one of its keys. The book's own checks say it better."""


def _written(given: dict[Language, T]) -> dict[Language, T]:
    for language in WRITTEN:
        if language not in given:
            raise PydanticCustomError("language_missing", "the words in {key} are missing", {"key": language.value})
    return given


_IN_EACH: dict[str, JsonValue] = {"required": [language.value for language in WRITTEN]}
Label = Annotated[
    dict[Language, Annotated[Said, StringConstraints(min_length=1, max_length=1000)]],
    AfterValidator(_written),
    Field(json_schema_extra=_IN_EACH),
]
"""Words by language, at least in those that every book is written in."""


class CardWords(Part):
    """A card's words in one language; `{placeholder}` is filled in for the shopper."""

    title: Annotated[Said, StringConstraints(min_length=1, max_length=120)]
    body: Annotated[Printed, StringConstraints(max_length=2000)] = ""
    button: Annotated[Printed, StringConstraints(max_length=40)] = ""
    link: Annotated[Printed, StringConstraints(max_length=500)] = ""


Texts = Annotated[dict[Language, CardWords], AfterValidator(_written), Field(json_schema_extra=_IN_EACH)]
"""A card's words by language."""


class WorthPart(Part):
    """What a voucher or reward is worth: one of percent, amount or gift."""

    model_config = ONE_OF

    percent: Annotated[float, Field(gt=0, le=100)] | None = None
    amount: Money | None = None
    gift: Label | None = None

    def worth(self, language: Language, currency: str) -> Worth:
        """Return the worth in one language (only a gift has words), amounts in hundredths of the book's currency."""
        cents = round(self.amount * 100) if self.amount is not None else None
        return Worth(self.percent, cents, spoken(self.gift, language) if self.gift else None, currency)


class CodesPart(Part):
    """One code for all, a pool of codes, or generated codes of so many characters."""

    model_config = ONE_OF

    single: Annotated[str, StringConstraints(min_length=1, max_length=40)] | None = None
    pool: Annotated[tuple[Annotated[str, StringConstraints(min_length=1, max_length=40)], ...], Field(min_length=1)] | None = None
    generated: Annotated[int, Field(ge=6, le=16)] | None = None


class TermsPart(Part):
    """What a basket must fulfil for a voucher to count; the till applies it."""

    minimum: Money | None = None
    categories: Annotated[tuple[Annotated[str, StringConstraints(min_length=1, max_length=64)], ...], Field(max_length=100)] = ()
    once_per_basket: bool = True
    partial: Annotated[bool, Field(description="The amount may be spent bit by bit.")] = False

    def terms(self, currency: str) -> BasketTerms:
        """Return the terms, amounts in cents."""
        minimum_cents = None if self.minimum is None else round(self.minimum * 100)
        return BasketTerms(minimum_cents, self.categories, self.once_per_basket, self.partial, currency)


class Attribute(Part):
    """Something that may be known of a shopper, declared before it may be stored."""

    type: FactType
    values: Annotated[tuple[Printed, ...], Field(min_length=1)] | None = None
    label: Label
    purpose: Purpose = "offers"
    fresh_for: Duration | None = None
    supplier: Literal["backend", "shopper", "gateway"]


class Caps(Part):
    """What the ledger holds over all shoppers; `budget` in the book's currency. With `every`, issues, redemptions and budget count
    per window."""

    issues: PositiveInt | None = None
    per_shopper: PositiveInt | None = None
    redemptions: PositiveInt | None = None
    budget: Money | None = None
    every: CalendarWindow | None = None
    per_hour: PositiveInt | None = None
