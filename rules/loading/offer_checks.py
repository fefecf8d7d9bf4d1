"""What must fit together in one offer: names that exist, the section of its kind, ends after starts, words that can be filled."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import replace

from rules.format.dates import parse_end, parse_moment
from rules.format.document import Document, Limit, Offer
from rules.format.errors import BookProblem, nearest
from rules.format.kinds import KINDS
from rules.format.kinds.kind import Around
from rules.format.names import KnownNames, check_known
from rules.format.schema_parts import CardWords
from rules.format.templates import PLACEHOLDERS, card_template, fillable, placeholders_of
from rules.texts import Language

ADULT = "adult"
"""The flag attribute whose yes an offer for adults needs: no birthday has to be kept for it."""
_UNIT_BESIDE = re.compile(r"\{percent\}\s*%|(?:€|£|\$|\b[A-Z]{3})\s*\{(?:amount|price|was_price)\}")
"""A unit that the placeholder brings along itself."""


def check_offer(offer: Offer, document: Document, words: KnownNames) -> Iterator[BookProblem]:
    """Yield every fault of one offer, its path below the offer."""
    for other in offer.yields_to:
        yield from check_known("offer", "yields_to", other, words.offers)
    if offer.category is not None:
        yield from check_known("category", "category", offer.category, document.categories)
    if offer.group is not None:
        yield from check_known("group", "group", offer.group, document.groups)
    yield from _moments(offer, words)
    yield from _dates(offer, words)
    yield from _section(offer, document, words)
    yield from check_limits(offer.limits, "limits")
    if offer.adults_only and ((adult := document.attributes.get(ADULT)) is None or adult.type != "flag"):
        yield BookProblem("adult_missing", "adults_only")
    if offer.test is not None and (offer.always_made or KINDS[offer.kind].for_staff):
        yield BookProblem("exempt_test", "test")
    yield from _texts(offer, document, words)


def check_limits(limits: tuple[Limit, ...], path: str) -> Iterator[BookProblem]:
    """Yield a problem for a limit that counts in two windows at once."""
    for index, limit in enumerate(limits):
        if sum(value is not None for value in (limit.per, limit.within, limit.every)) > 1:
            yield BookProblem("exactly_one", f"{path}[{index}]", values={"keys": "per, within, every"})


def _moments(offer: Offer, words: KnownNames) -> Iterator[BookProblem]:
    for index, moment in enumerate(offer.at):
        for zone in moment.zone if words.zones is not None else ():
            yield from check_known("zone", f"at[{index}].zone", zone, words.zones or ())
        if (moment.event == "dwell") != (moment.for_ is not None):
            code = "missing" if moment.event == "dwell" else "unknown_key"
            yield BookProblem(code, f"at[{index}].for", values={"key": "for"})
        if moment.of and moment.event != "purchase":
            yield BookProblem("unknown_key", f"at[{index}].of", values={"key": "of"})


def _dates(offer: Offer, words: KnownNames) -> Iterator[BookProblem]:
    for path, value in (("from", offer.from_), ("until", offer.until)):
        if value is not None and parse_moment(value, words.zone) is None:
            yield BookProblem("moment_time", path, values={"value": value})
    start_s = parse_moment(offer.from_, words.zone) if offer.from_ else None
    end_s = parse_end(offer.until, words.zone) if offer.until else None
    if start_s is not None and end_s is not None and end_s <= start_s:
        yield BookProblem("ends_before_start", "until", values={"until": str(offer.until), "start": str(offer.from_)})


def _section(offer: Offer, document: Document, words: KnownNames) -> Iterator[BookProblem]:
    """The section of the offer's kind, by that kind's own checks; no other kind's section may be there."""
    for kind in KINDS.values():
        if kind.section is None or kind.name == offer.kind:
            continue
        if getattr(offer, kind.section) is not None:
            yield BookProblem("section_extra", kind.section, values={"kind": offer.kind, "section": kind.section})
    kind, name = KINDS[offer.kind], KINDS[offer.kind].section
    if name is None:
        return
    if offer.section is None:
        yield BookProblem("section_missing", name, values={"kind": offer.kind, "section": name})
        return
    category = document.categories.get(offer.category or "")
    budgets = (offer.caps.budget, document.caps.budget, category.caps.budget if category else None)
    budgeted = any(budget is not None for budget in budgets)
    around = Around(offer.caps, budgeted, document.attributes, words, offer.from_)
    for problem in kind.check(offer.section, around):
        yield replace(problem, path=f"{name}.{problem.path}".replace(f"{name}.../", ""))


def _texts(offer: Offer, document: Document, words: KnownNames) -> Iterator[BookProblem]:
    own: Collection[str] = {"zone", "ends"}
    if offer.section is not None:
        own = {*own, *KINDS[offer.kind].words(offer.section, Language.EN, document.currency)}
    for path, texts in (("content", offer.content), ("fallback", offer.fallback)):
        for language, written in (texts or {}).items():
            yield from _placeholders(written, own, f"{path}.{language}", words)


def _placeholders(written: CardWords, own: Collection[str], path: str, words: KnownNames) -> Iterator[BookProblem]:
    try:
        used = placeholders_of(card_template(written))
    except ValueError:
        yield BookProblem("placeholder", path, values={"value": "…"})
        return
    for name in used:
        if name in PLACEHOLDERS and name not in own:
            yield BookProblem("placeholder_empty", path, nearest=nearest(name, own), values={"value": name})
        elif name not in PLACEHOLDERS and not fillable(words.fields.get(name)):
            yield BookProblem("placeholder", path, nearest=nearest(name, (*own, *words.fields)), values={"value": name})
    for text in (written.title, written.body, written.button):
        for found in _UNIT_BESIDE.findall(text):
            yield BookProblem("unit_twice", path, values={"value": found})
