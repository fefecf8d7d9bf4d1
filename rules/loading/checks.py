"""What must fit together in a whole book: one offer of a name, nobody giving way in a circle, sensible questions and cases."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import BaseModel

from rules.code_spelling import code_key
from rules.decision import Gate
from rules.engine.book import Book, field_of
from rules.format.condition_text import RESERVED
from rules.format.conditions import Compare, leaves
from rules.format.dates import parse_date, parse_moment
from rules.format.document import Case, CaseSituation, Document
from rules.format.errors import BookError, BookProblem, nearest
from rules.format.fields import BUILT_IN, Field
from rules.format.kinds import KINDS
from rules.format.literals import parse_fact
from rules.format.names import KnownNames, check_known
from rules.format.templates import PLACEHOLDERS
from rules.format.wording import CURRENCIES, WHOLE_CURRENCIES
from rules.loading.offer_checks import check_limits, check_offer
from rules.local_time import WEEKDAYS

AMOUNTS = frozenset({"amount", "budget", "cost", "minimum", "price"})
"""The keys of a book that hold money."""


def declared_fields(document: Document, zones: Collection[str] | None) -> dict[str, Field]:
    """Built-in fields, the book's attributes and shop facts; `zone` and `path` take only zones that exist, when they are known."""
    fields = dict(BUILT_IN)
    known = zones if zones is not None else document.zones
    if known is not None:
        for name in ("zone", "path"):
            fields[name] = replace(BUILT_IN[name], values=frozenset(known))
    for declared in (document.attributes, document.shop_facts):
        for name, one in declared.items():
            fields.setdefault(name, field_of(name, one))
    return fields


def check_document(document: Document, zones: Collection[str] | None) -> list[BookProblem]:
    """Every fault between the parts of a document, with its path. `zones`: the plan's zones, when known."""
    known_zones = zones if zones is not None else (document.zones or None)
    zone, problems = _timezone(document)
    words = KnownNames({offer.id for offer in document.offers}, known_zones, declared_fields(document, zones), zone)
    problems += _whole(document, words)
    for index, offer in enumerate(document.offers):
        place = f"offers[{index}]"
        problems += [_at(place, problem) for problem in check_offer(offer, document, words)]
    for index, case in enumerate(document.cases):
        problems += [_at(f"cases[{index}]", problem) for problem in _case(case, words)]
    return problems


def _at(place: str, problem: BookProblem) -> BookProblem:
    return BookProblem(problem.code, f"{place}.{problem.path}", nearest=problem.nearest, values=problem.values)


def _timezone(document: Document) -> tuple[ZoneInfo, list[BookProblem]]:
    try:
        return ZoneInfo(document.timezone), []
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = nearest(document.timezone, (zone for zone in available_timezones() if zone[0] == document.timezone[:1]))
        return ZoneInfo("UTC"), [BookProblem("timezone", "timezone", nearest=near, values={"value": document.timezone})]


def _whole(document: Document, words: KnownNames) -> Iterator[BookProblem]:
    seen: set[str] = set()
    for index, offer in enumerate(document.offers):
        if offer.id in seen:
            yield BookProblem("same_id", f"offers[{index}].id", values={"id": offer.id})
        seen.add(offer.id)
    for section, declared in (("attributes", document.attributes), ("shop_facts", document.shop_facts)):
        for name, one in declared.items():
            twice = section == "shop_facts" and name in document.attributes
            if twice or name in BUILT_IN or name in PLACEHOLDERS or name in RESERVED:
                yield BookProblem("field_taken", f"{section}.{name}", values={"value": name})
            if (one.type == "choice") and one.values is None:
                yield BookProblem("missing", f"{section}.{name}.values", values={"key": "values"})
            if one.type in ("number", "flag", "date") and one.values is not None:
                yield BookProblem("values_extra", f"{section}.{name}.values", values={"type": one.type})
    if document.currency not in CURRENCIES:
        near = nearest(document.currency.upper(), CURRENCIES)
        yield BookProblem("currency", "currency", nearest=near, values={"value": document.currency})
    yield from _whole_amounts(document)
    yield from _shared_codes(document)
    for day in document.hours or {}:
        if day not in WEEKDAYS and parse_date(day) is None:
            near = nearest(day, WEEKDAYS)
            yield BookProblem("hours_day", f"hours.{day}", nearest=near, values={"key": day})
    yield from check_limits(document.limits, "limits")
    for name, category in document.categories.items():
        yield from check_limits(category.limits, f"categories.{name}.limits")
    yield from _loops(document)


def _whole_amounts(document: Document) -> Iterator[BookProblem]:
    """Amounts in a currency that isn't divided have no decimals: the reader would see another one than is counted."""
    if document.currency not in WHOLE_CURRENCIES:
        return
    for path, amount in _amounts(document, ""):
        if amount != int(amount):
            yield BookProblem("whole_amount", path, values={"value": f"{amount:.2f}", "currency": document.currency})


def _amounts(part: object, path: str) -> Iterator[tuple[str, float]]:
    """Every amount of money in a part of the document, with its path."""
    if isinstance(part, BaseModel):
        for name, field in type(part).model_fields.items():
            value = getattr(part, name)
            place = f"{path}.{field.alias or name}".removeprefix(".")
            if name in AMOUNTS and isinstance(value, float):
                yield place, value
            yield from _amounts(value, place)
    elif isinstance(part, tuple):
        for index, one in enumerate(part):
            yield from _amounts(one, f"{path}[{index}]")
    elif isinstance(part, dict):
        for key, one in part.items():
            yield from _amounts(one, f"{path}.{key}")


def _shared_codes(document: Document) -> Iterator[BookProblem]:
    """A code that two offers share must be worth the same: the till can't know which of them was promised."""
    worths: dict[str, tuple[str, object]] = {}
    for index, offer in enumerate(document.offers):
        voucher = offer.voucher
        codes = () if voucher is None else voucher.codes.pool or (voucher.codes.single or "",)
        for code in filter(None, codes):
            same = (voucher.worth, voucher.terms) if voucher else None
            other, worth = worths.setdefault(code_key(code), (offer.id, same))
            if other != offer.id and (voucher is None or same != worth or voucher.codes.pool is not None):
                yield BookProblem("code_shared", f"offers[{index}].voucher.codes", values={"code": code, "other": other})
                break


def _loops(document: Document) -> Iterator[BookProblem]:
    places = {offer.id: index for index, offer in enumerate(document.offers)}
    try:
        TopologicalSorter({offer.id: offer.yields_to for offer in document.offers}).prepare()
    except CycleError as error:
        loop = error.args[1]
        yield BookProblem("loop", f"offers[{places[loop[0]]}].yields_to", values={"loop": " → ".join(reversed(loop))})


def check_questions(document: Document, reads: Collection[str]) -> Iterator[BookProblem]:
    """Yield a problem for a question whose answer no condition and no text reads: what nobody uses isn't asked."""
    for index, offer in enumerate(document.offers):
        kind = KINDS[offer.kind]
        asked = kind.asks(offer.section) if offer.section is not None else None
        if asked is not None and asked.attribute not in reads:
            where = f"offers[{index}].{kind.section}.attribute"
            yield BookProblem("question_unread", where, values={"value": asked.attribute})


def _case(case: Case, words: KnownNames) -> Iterator[BookProblem]:
    yield from (_at("given", problem) for problem in check_situation(case.given, words))
    for offer in case.chosen:
        yield from check_known("offer", "chosen", offer, words.offers)
    for offer in case.because:
        yield from check_known("offer", f"because.{offer}", offer, words.offers)
    for offer, gate in case.because.items():
        if gate not in list(Gate):
            allowed = ", ".join(Gate)
            yield BookProblem(
                "case_words", f"because.{offer}", nearest=nearest(gate, list(Gate)), values={"value": gate, "allowed": allowed}
            )


def known_names(book: Book) -> KnownNames:
    """The names that a loaded book may use."""
    return KnownNames(book.by_offer, book.fields["zone"].values, book.fields, book.zone)


def unchecked_zones(book: Book) -> tuple[str, ...]:
    """Return the zones that a book names where nothing says which zones there are: no plan, and no `zones` of its own."""
    if book.fields["zone"].values is not None:
        return ()
    zones = {zone for rule in book.rules for trigger in rule.triggers for zone in trigger.zones}
    for leaf in (leaf for rule in book.rules for leaf in leaves(rule.node)):
        if isinstance(leaf, Compare) and leaf.field.name in ("zone", "path"):
            zones |= leaf.value if isinstance(leaf.value, frozenset) else {leaf.value}
    return tuple(sorted(zones))


def check_situation(given: CaseSituation, words: KnownNames) -> Iterator[BookProblem]:
    """Every fault of a described situation, its path below it."""
    if parse_moment(given.at, words.zone) is None:
        yield BookProblem("moment_time", "at", values={"value": given.at})
    if given.zone is not None and words.zones is not None:
        yield from check_known("zone", "zone", given.zone, words.zones)
    for name, value in given.facts.items():
        try:
            parse_fact(words.fields, name, value, f"facts.{name}")
        except BookError as error:
            yield from error.problems
    for name in given.ages:
        yield from check_known("field", f"ages.{name}", name, words.fields)
    for index, happening in enumerate(given.history):
        yield from check_known("offer", f"history[{index}].offer", happening.offer, words.offers)
    for offer in given.exhausted:
        yield from check_known("offer", "exhausted", offer, words.offers)
