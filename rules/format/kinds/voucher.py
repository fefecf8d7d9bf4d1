"""A voucher: something worth money, by a code, until an end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, StringConstraints, WithJsonSchema

from rules.code_spelling import code_key
from rules.format.dates import parse_end, parse_moment
from rules.format.errors import BookProblem
from rules.format.kinds.kind import Around, Giving, OfferKind
from rules.format.kinds.worth_checks import check_code, check_cost, check_worth, exactly_one
from rules.format.schema_parts import CodesPart, Duration, Money, Part, Reason, TermsPart, WorthPart
from rules.format.wording import money, worth_text
from rules.texts import Language

WORKED_OUT = ("end_of_day", "closing")
"""Ends that are worked out for each promise."""


class WasPrice(Part):
    """What it cost before, in euro, and where that comes from (by law the lowest price of the last 30 days)."""

    amount: Money
    source: Annotated[str, StringConstraints(max_length=200)] = ""


class VoucherPart(Part):
    """A voucher: its worth, codes, what one redemption costs at most, and when it ends."""

    worth: WorthPart
    codes: CodesPart
    cost: Annotated[Money | None, Field(description="The most that one redemption costs the shop.")] = None
    cost_reason: Annotated[Reason, Field(description="Why the cost is below the amount.")] = ""
    valid_for: Duration | None = None
    valid_until: Annotated[str, WithJsonSchema({"type": "string", "pattern": "^(end_of_day|closing|\\d{4}-.*)$"})] = "end_of_day"
    price: Money | None = None
    was_price: WasPrice | None = None
    terms: TermsPart = TermsPart()


class VoucherKind(OfferKind[VoucherPart]):
    """A voucher."""

    name = "voucher"
    section = "voucher"

    def check(self, section: VoucherPart, around: Around) -> Iterator[BookProblem]:
        """Yield every fault of a voucher."""
        yield from check_worth(section.worth, "worth")
        yield from check_cost([section.worth], section.cost, section.cost_reason, "voucher", around.budgeted)
        yield from exactly_one(section.codes, "codes", ("single", "pool", "generated"))
        if section.codes.single is not None:
            yield from check_code(section.codes.single, "codes.single")
        yield from _pool(section, around)
        if section.terms.partial and (section.worth.amount is None or section.codes.single is not None):
            yield BookProblem("partial_worth", "terms.partial")
        yield from _end(section, around)
        was = section.was_price
        if was is not None and not was.source.strip():
            yield BookProblem("was_price", "was_price")
        if was is not None and section.price is not None and was.amount <= section.price:
            yield BookProblem("was_price_low", "was_price")

    def words(self, section: VoucherPart, language: Language, currency: str) -> dict[str, str]:
        """Return its worth and prices."""
        text = worth_text(section.worth.worth(language, currency), language)
        words = {key: text for key in ("percent", "amount", "gift") if getattr(section.worth, key) is not None}
        if section.price is not None:
            words["price"] = money(section.price, language, currency)
        if section.was_price is not None:
            words["was_price"] = money(section.was_price.amount, language, currency)
        return words

    def gives(self, section: VoucherPart) -> Giving:
        """Return the voucher's worth, codes and end."""
        source = section.was_price.source if section.was_price else ""
        return Giving(section.worth, section.codes, section.valid_for, section.valid_until, source, section.terms)

    def cost(self, section: VoucherPart) -> float:
        """Return its cost as stated, or the amount given away."""
        return section.cost or section.worth.amount or 0.0


def _pool(section: VoucherPart, around: Around) -> Iterator[BookProblem]:
    pool, caps = section.codes.pool, around.caps
    if pool is None:
        return
    for index, code in enumerate(pool):
        yield from check_code(code, f"codes.pool[{index}]")
    twice, count = Counter(code_key(code) for code in pool).most_common(1)[0]
    if count > 1:
        shown = next(code for code in pool if code_key(code) == twice)
        yield BookProblem("pool_twice", "codes.pool", values={"code": shown})
    if caps.issues is None or caps.every is not None:
        yield BookProblem("pool_uncapped", "../caps.issues", values={"codes": str(len(pool))})
    elif len(pool) < caps.issues:
        yield BookProblem("pool_short", "codes.pool", values={"codes": str(len(pool)), "most": str(caps.issues)})


def _end(section: VoucherPart, around: Around) -> Iterator[BookProblem]:
    written = section.valid_until
    if section.valid_for is not None and "valid_until" in section.model_fields_set:
        yield BookProblem("exactly_one", "valid_until", values={"keys": "valid_for, valid_until"})
    if written in WORKED_OUT:
        return
    end_s = parse_end(written, around.names.zone)
    start_s = parse_moment(around.from_, around.names.zone) if around.from_ else None
    if end_s is None:
        yield BookProblem("moment_time", "valid_until", values={"value": written})
    elif start_s is not None and end_s <= start_s:
        yield BookProblem("ends_before_start", "valid_until", values={"until": written, "start": str(around.from_)})
