"""What must fit together in a book: names that exist, ends after starts, pools that suffice, nobody giving way in a circle."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rules.book import field_of
from rules.content import PLACEHOLDERS, card, fillable, names
from rules.decision import Gate
from rules.document import Document, Offer, Words, WorthPart
from rules.errors import Problem, nearest
from rules.fields import BUILT_IN, WEEKDAYS, Field
from rules.literals import parse_date, parse_moment
from rules.words import LANGUAGES

SMALLEST_CROWD = 15
"""Fewer people than this are no crowd: the figure below which counts are not told (the Dutch precedent)."""

SECTIONS = {
    "voucher": "voucher",
    "social_proof": "proof",
    "question": "question",
    "invitation": "invitation",
}
"""The section that each kind of offer needs, and that no other kind may have."""


class _Words(NamedTuple):
    """The names a book may use."""

    offers: Collection[str]
    zones: Collection[str] | None
    fields: Mapping[str, Field]
    zone: ZoneInfo


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


def check(document: Document, zones: Collection[str] | None) -> list[Problem]:
    """Every fault between the parts of a document, with its path. `zones`: the plan's zones, when known."""
    known_zones = zones if zones is not None else (document.zones or None)
    zone, problems = _timezone(document)
    words = _Words({offer.id for offer in document.offers}, known_zones, declared_fields(document, zones), zone)
    problems += _whole(document, words)
    for index, offer in enumerate(document.offers):
        place = f"offers[{index}]"
        problems += [_at(place, problem) for problem in (*_offer(offer, document, words), *_texts(offer, words))]
    problems += _questions_read(document)
    for index, case in enumerate(document.cases):
        problems += [_at(f"cases[{index}]", problem) for problem in _case(case, words)]
    return problems


def _at(place: str, problem: Problem) -> Problem:
    return Problem(problem.code, f"{place}.{problem.path}", nearest=problem.nearest, values=problem.values)


def _unknown(kind: str, path: str, value: str, known: Collection[str]) -> Iterator[Problem]:
    if value not in known:
        yield Problem(f"unknown_{kind}", path, nearest=nearest(value, known), values={"value": value})


def _timezone(document: Document) -> tuple[ZoneInfo, list[Problem]]:
    try:
        return ZoneInfo(document.timezone), []
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC"), [Problem("timezone", "timezone", values={"value": document.timezone})]


def _whole(document: Document, words: _Words) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, offer in enumerate(document.offers):
        if offer.id in seen:
            yield Problem("same_id", f"offers[{index}].id", values={"id": offer.id})
        seen.add(offer.id)
    for section, declared in (("attributes", document.attributes), ("shop_facts", document.shop_facts)):
        for name, one in declared.items():
            taken = name in BUILT_IN or name in PLACEHOLDERS or (section == "shop_facts" and name in document.attributes)
            if taken:
                yield Problem("field_taken", f"{section}.{name}", values={"value": name})
            if (one.type == "choice") and one.values is None:
                yield Problem("missing", f"{section}.{name}.values", values={"key": "values"})
    for day in document.hours or {}:
        if day not in WEEKDAYS and parse_date(day) is None:
            near = nearest(day, WEEKDAYS)
            yield Problem("unknown_key", f"hours.{day}", nearest=near, values={"key": day})
    yield from _loops(document)


def _loops(document: Document) -> Iterator[Problem]:
    places = {offer.id: index for index, offer in enumerate(document.offers)}
    try:
        TopologicalSorter({offer.id: offer.yields_to for offer in document.offers}).prepare()
    except CycleError as error:
        loop = error.args[1]
        yield Problem("loop", f"offers[{places[loop[0]]}].yields_to", values={"loop": " → ".join(reversed(loop))})


def _offer(offer: Offer, document: Document, words: _Words) -> Iterator[Problem]:
    for other in offer.yields_to:
        yield from _unknown("offer", "yields_to", other, words.offers)
    if offer.category is not None:
        yield from _unknown("category", "category", offer.category, document.categories)
    if offer.group is not None:
        yield from _unknown("group", "group", offer.group, document.groups)
    for index, moment in enumerate(offer.at):
        for zone in moment.zone if words.zones is not None else ():
            yield from _unknown("zone", f"at[{index}].zone", zone, words.zones or ())
        if (moment.event == "dwell") != (moment.for_ is not None):
            code = "missing" if moment.event == "dwell" else "unknown_key"
            yield Problem(code, f"at[{index}].for", values={"key": "for"})
        if moment.of and moment.event != "purchase":
            yield Problem("unknown_key", f"at[{index}].of", values={"key": "of"})
    yield from _dates(offer, words)
    yield from _sections(offer)
    yield from _voucher(offer, document)
    yield from _proof(offer, words)
    yield from _question(offer, document)
    yield from _limits_told(offer)


def _limits_told(offer: Offer) -> Iterator[Problem]:
    for index, limit in enumerate(offer.limits):
        if sum(value is not None for value in (limit.per, limit.within, limit.every)) > 1:
            yield Problem("exactly_one", f"limits[{index}]", values={"keys": "per, within, every"})


def _dates(offer: Offer, words: _Words) -> Iterator[Problem]:
    written = {"from": offer.from_, "until": offer.until}
    if offer.voucher is not None and offer.voucher.valid_until not in ("end_of_day", "closing"):
        written["voucher.valid_until"] = offer.voucher.valid_until
    for path, value in written.items():
        if value is not None and parse_moment(value, words.zone) is None:
            yield Problem("moment_time", path, values={"value": value})
    start = parse_moment(offer.from_, words.zone) if offer.from_ else None
    for path in ("until", "voucher.valid_until"):
        value = written.get(path)
        end = parse_moment(value, words.zone) if value else None
        if start is not None and end is not None and end <= start:
            yield Problem("ends_before_start", path, values={"until": str(value), "start": str(offer.from_)})


def _sections(offer: Offer) -> Iterator[Problem]:
    for kind, section in SECTIONS.items():
        present = getattr(offer, section) is not None
        if kind == offer.kind and not present:
            yield Problem("section_missing", section, values={"kind": offer.kind, "section": section})
        if kind != offer.kind and present:
            yield Problem("section_extra", section, values={"kind": offer.kind, "section": section})


def _one_of(part: Any, path: str, keys: tuple[str, ...]) -> Iterator[Problem]:
    if part is not None and sum(getattr(part, key) is not None for key in keys) != 1:
        yield Problem("exactly_one", path, values={"keys": ", ".join(keys)})


def _worth(part: WorthPart | None, path: str) -> Iterator[Problem]:
    yield from _one_of(part, path, ("percent", "amount", "gift"))


def _voucher(offer: Offer, document: Document) -> Iterator[Problem]:
    invitation, voucher = offer.invitation, offer.voucher
    if invitation is not None:
        yield from _worth(invitation.reward, "invitation.reward")
        yield from _worth(invitation.friend, "invitation.friend")
        if invitation.to == "share" and (invitation.codes is None or invitation.codes.generated is None):
            yield Problem("share_code", "invitation.codes")
        if invitation.to == "share" and invitation.friend is None:
            yield Problem("missing", "invitation.friend", values={"key": "friend"})
    if voucher is None:
        return
    yield from _worth(voucher.worth, "voucher.worth")
    yield from _one_of(voucher.codes, "voucher.codes", ("single", "pool", "generated"))
    yield from _pool(offer)
    category = document.categories.get(offer.category or "")
    budgets = (offer.caps.budget, document.caps.budget, category.caps.budget if category else None)
    if any(budget is not None for budget in budgets) and voucher.cost is None and voucher.worth.amount is None:
        yield Problem("budget_cost", "voucher.cost")
    was = voucher.was_price
    if was is not None and not was.source.strip():
        yield Problem("was_price", "voucher.was_price")
    if was is not None and voucher.price is not None and was.amount <= voucher.price:
        yield Problem("was_price_low", "voucher.was_price")


def _pool(offer: Offer) -> Iterator[Problem]:
    pool, caps = offer.voucher.codes.pool if offer.voucher else None, offer.caps
    if pool is None:
        return
    twice = next((code for index, code in enumerate(pool) if code in pool[:index]), None) if len(set(pool)) < len(pool) else None
    if twice is not None:
        yield Problem("pool_twice", "voucher.codes.pool", values={"code": twice})
    if caps.issues is None or caps.every is not None:
        yield Problem("pool_uncapped", "caps.issues", values={"codes": str(len(pool))})
    elif len(pool) < caps.issues:
        yield Problem("pool_short", "voucher.codes.pool", values={"codes": str(len(pool)), "most": str(caps.issues)})


def _proof(offer: Offer, words: _Words) -> Iterator[Problem]:
    proof = offer.proof
    if proof is None:
        return
    if proof.type == "crowd" and (proof.people or 0) < SMALLEST_CROWD:
        yield Problem("crowd_small", "proof.people", values={"least": str(SMALLEST_CROWD)})
    consent = words.fields.get(proof.consent or "")
    if proof.type == "friend" and (consent is None or consent.type != "flag" or consent.supplier != "backend"):
        yield Problem("friend_consent", "proof.consent")
    elif proof.consent is not None and consent is None:
        yield from _unknown("attribute", "proof.consent", proof.consent, words.fields)


def _question(offer: Offer, document: Document) -> Iterator[Problem]:
    question = offer.question
    if question is None:
        return
    yield from _unknown("attribute", "question.attribute", question.attribute, document.attributes)
    asked = document.attributes.get(question.attribute)
    if asked is None:
        return
    if asked.supplier != "shopper":
        yield Problem("question_supplier", "question.attribute", values={"value": question.attribute})
    for answer in question.answers if asked.values else ():
        if answer not in (asked.values or ()):
            words = {"value": answer, "field": question.attribute, "allowed": ", ".join(asked.values or ())}
            yield Problem("not_in_domain", f"question.answers.{answer}", nearest=nearest(answer, asked.values or ()), values=words)


def _questions_read(document: Document) -> Iterator[Problem]:
    """A question whose answer no rule uses is not asked. Conditions are searched as written: they are not compiled yet."""
    for index, offer in enumerate(document.offers):
        if offer.question is None:
            continue
        name = offer.question.attribute
        if not any(name in str(other.if_) or f"{{{name}}}" in str(other.content) for other in document.offers):
            yield Problem("question_unread", f"offers[{index}].question.attribute", values={"value": name})


def _texts(offer: Offer, words: _Words) -> Iterator[Problem]:
    for path, texts in (("content", offer.content), ("fallback", offer.fallback)):
        for language in LANGUAGES if texts is not None else ():
            yield from _placeholders(offer, getattr(texts, language), f"{path}.{language}", words)


def _placeholders(offer: Offer, written: Words, path: str, words: _Words) -> Iterator[Problem]:
    try:
        used = names(card(written))
    except ValueError:
        yield Problem("placeholder", path, values={"value": "…"})
        return
    own = _own_words(offer)
    for name in used:
        if name in PLACEHOLDERS and name not in own:
            yield Problem("placeholder_empty", path, nearest=nearest(name, own), values={"value": name})
        elif name not in PLACEHOLDERS and not fillable(words.fields.get(name)):
            yield Problem("placeholder", path, nearest=nearest(name, (*own, *words.fields)), values={"value": name})


def _own_words(offer: Offer) -> set[str]:
    """The placeholders that an offer can fill."""
    own = {"zone", "ends"}
    voucher, invitation, proof = offer.voucher, offer.invitation, offer.proof
    if voucher is not None:
        own |= {key for key in ("percent", "amount", "gift") if getattr(voucher.worth, key) is not None}
        own |= {key for key in ("price", "was_price") if getattr(voucher, key) is not None}
    if invitation is not None:
        own |= {key for key in ("reward", "friend") if getattr(invitation, key) is not None}
    if proof is not None:
        own |= {"source"} | ({"people"} if proof.people is not None else set())
    return own


def _case(case: Any, words: _Words) -> Iterator[Problem]:
    given = case.given
    if parse_moment(given.at, words.zone) is None:
        yield Problem("moment_time", "given.at", values={"value": given.at})
    for name in (*given.facts, *given.ages):
        if not name.startswith("affinity."):
            yield from _unknown("field", f"given.facts.{name}", name, words.fields)
    for happening in given.history:
        yield from _unknown("offer", "given.history", happening.offer, words.offers)
    for offer in (*given.exhausted, *case.chosen, *case.because):
        yield from _unknown("offer", "chosen" if offer in case.chosen else "because", offer, words.offers)
    for offer, gate in case.because.items():
        if gate not in list(Gate):
            allowed = ", ".join(Gate)
            yield Problem(
                "case_words", f"because.{offer}", nearest=nearest(gate, list(Gate)), values={"value": gate, "allowed": allowed}
            )
