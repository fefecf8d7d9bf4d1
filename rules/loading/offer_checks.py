"""What must fit together in one offer: names that exist, sections of its kind, ends after starts, pools that suffice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from rules.format.dates import parse_moment
from rules.format.document import Document, Limit, Offer
from rules.format.errors import BookProblem, nearest
from rules.format.fields import Field
from rules.format.schema_parts import CardWords, VoucherPart, WorthPart
from rules.format.templates import PLACEHOLDERS, card_template, fillable, placeholders_of

SMALLEST_CROWD = 15
"""Fewer people than this are no crowd: the figure below which counts are not told (the Dutch precedent)."""

SECTIONS = {
    "voucher": "voucher",
    "social_proof": "proof",
    "question": "question",
    "invitation": "invitation",
}
"""The section that each kind of offer needs, and that no other kind may have."""


class KnownNames(NamedTuple):
    """The names a book may use."""

    offers: Collection[str]
    zones: Collection[str] | None
    fields: Mapping[str, Field]
    zone: ZoneInfo


def check_known(kind: str, path: str, value: str, known: Collection[str]) -> Iterator[BookProblem]:
    """A problem when a name is none of the known ones."""
    if value not in known:
        yield BookProblem(f"unknown_{kind}", path, nearest=nearest(value, known), values={"value": value})


def check_offer(offer: Offer, document: Document, words: KnownNames) -> Iterator[BookProblem]:
    """Every fault of one offer, its path below the offer."""
    for other in offer.yields_to:
        yield from check_known("offer", "yields_to", other, words.offers)
    if offer.category is not None:
        yield from check_known("category", "category", offer.category, document.categories)
    if offer.group is not None:
        yield from check_known("group", "group", offer.group, document.groups)
    for index, moment in enumerate(offer.at):
        for zone in moment.zone if words.zones is not None else ():
            yield from check_known("zone", f"at[{index}].zone", zone, words.zones or ())
        if (moment.event == "dwell") != (moment.for_ is not None):
            code = "missing" if moment.event == "dwell" else "unknown_key"
            yield BookProblem(code, f"at[{index}].for", values={"key": "for"})
        if moment.of and moment.event != "purchase":
            yield BookProblem("unknown_key", f"at[{index}].of", values={"key": "of"})
    yield from _dates(offer, words)
    yield from _sections(offer)
    yield from _voucher(offer)
    yield from _cost(offer, document)
    yield from _proof(offer, words)
    yield from _question(offer, document)
    yield from check_limits(offer.limits, "limits")
    yield from _texts(offer, words)


def check_limits(limits: tuple[Limit, ...], path: str) -> Iterator[BookProblem]:
    """A limit that counts in two windows at once."""
    for index, limit in enumerate(limits):
        if sum(value is not None for value in (limit.per, limit.within, limit.every)) > 1:
            yield BookProblem("exactly_one", f"{path}[{index}]", values={"keys": "per, within, every"})


def _dates(offer: Offer, words: KnownNames) -> Iterator[BookProblem]:
    written = {"from": offer.from_, "until": offer.until}
    if offer.voucher is not None and offer.voucher.valid_until not in ("end_of_day", "closing"):
        written["voucher.valid_until"] = offer.voucher.valid_until
    for path, value in written.items():
        if value is not None and parse_moment(value, words.zone) is None:
            yield BookProblem("moment_time", path, values={"value": value})
    start = parse_moment(offer.from_, words.zone) if offer.from_ else None
    for path in ("until", "voucher.valid_until"):
        value = written.get(path)
        end = parse_moment(value, words.zone) if value else None
        if start is not None and end is not None and end <= start:
            yield BookProblem("ends_before_start", path, values={"until": str(value), "start": str(offer.from_)})


def _sections(offer: Offer) -> Iterator[BookProblem]:
    for kind, section in SECTIONS.items():
        present = getattr(offer, section) is not None
        if kind == offer.kind and not present:
            yield BookProblem("section_missing", section, values={"kind": offer.kind, "section": section})
        if kind != offer.kind and present:
            yield BookProblem("section_extra", section, values={"kind": offer.kind, "section": section})


def _one_of(part: Any, path: str, keys: tuple[str, ...]) -> Iterator[BookProblem]:
    if part is not None and sum(getattr(part, key) is not None for key in keys) != 1:
        yield BookProblem("exactly_one", path, values={"keys": ", ".join(keys)})


def _worth(part: WorthPart | None, path: str) -> Iterator[BookProblem]:
    yield from _one_of(part, path, ("percent", "amount", "gift"))


def _voucher(offer: Offer) -> Iterator[BookProblem]:
    invitation, voucher = offer.invitation, offer.voucher
    if invitation is not None:
        yield from _worth(invitation.reward, "invitation.reward")
        yield from _worth(invitation.friend, "invitation.friend")
        if invitation.to == "share" and (invitation.codes is None or invitation.codes.generated is None):
            yield BookProblem("share_code", "invitation.codes")
        if invitation.to == "share" and invitation.friend is None:
            yield BookProblem("missing", "invitation.friend", values={"key": "friend"})
    if voucher is None:
        return
    yield from _worth(voucher.worth, "voucher.worth")
    yield from _one_of(voucher.codes, "voucher.codes", ("single", "pool", "generated"))
    yield from _pool(offer)
    was = voucher.was_price
    if was is not None and not was.source.strip():
        yield BookProblem("was_price", "voucher.was_price")
    if was is not None and voucher.price is not None and was.amount <= voucher.price:
        yield BookProblem("was_price_low", "voucher.was_price")


def _cost(offer: Offer, document: Document) -> Iterator[BookProblem]:
    """Under a budget, what is given away must have a price: an amount is its own."""
    category = document.categories.get(offer.category or "")
    budgets = (offer.caps.budget, document.caps.budget, category.caps.budget if category else None)
    if all(budget is None for budget in budgets):
        return
    for section, part in (("voucher", offer.voucher), ("invitation", offer.invitation)):
        if part is not None and part.cost is None:
            given = [part.worth] if isinstance(part, VoucherPart) else [part.reward, part.friend]
            if any(worth is not None and worth.amount is None for worth in given):
                yield BookProblem("budget_cost", f"{section}.cost", values={"section": section})


def _pool(offer: Offer) -> Iterator[BookProblem]:
    pool, caps = offer.voucher.codes.pool if offer.voucher else None, offer.caps
    if pool is None:
        return
    twice, count = Counter(pool).most_common(1)[0]
    if count > 1:
        yield BookProblem("pool_twice", "voucher.codes.pool", values={"code": twice})
    if caps.issues is None or caps.every is not None:
        yield BookProblem("pool_uncapped", "caps.issues", values={"codes": str(len(pool))})
    elif len(pool) < caps.issues:
        yield BookProblem("pool_short", "voucher.codes.pool", values={"codes": str(len(pool)), "most": str(caps.issues)})


def _proof(offer: Offer, words: KnownNames) -> Iterator[BookProblem]:
    proof = offer.proof
    if proof is None:
        return
    if proof.type == "crowd" and (proof.people or 0) < SMALLEST_CROWD:
        yield BookProblem("crowd_small", "proof.people", values={"least": str(SMALLEST_CROWD)})
    consent = words.fields.get(proof.consent or "")
    if proof.type == "friend" and (consent is None or consent.type != "flag" or consent.supplier != "backend"):
        yield BookProblem("friend_consent", "proof.consent")
    elif proof.consent is not None and consent is None:
        yield from check_known("attribute", "proof.consent", proof.consent, words.fields)


def _question(offer: Offer, document: Document) -> Iterator[BookProblem]:
    question = offer.question
    if question is None:
        return
    yield from check_known("attribute", "question.attribute", question.attribute, document.attributes)
    asked = document.attributes.get(question.attribute)
    if asked is None:
        return
    if asked.supplier != "shopper":
        yield BookProblem("question_supplier", "question.attribute", values={"value": question.attribute})
    allowed = asked.values or ()
    for answer in question.answers if allowed else ():
        if answer not in allowed:
            words = {"value": answer, "field": question.attribute, "allowed": ", ".join(allowed)}
            yield BookProblem("not_in_domain", f"question.answers.{answer}", nearest=nearest(answer, allowed), values=words)


def _texts(offer: Offer, words: KnownNames) -> Iterator[BookProblem]:
    for path, texts in (("content", offer.content), ("fallback", offer.fallback)):
        for language, written in (texts or {}).items():
            yield from _placeholders(offer, written, f"{path}.{language}", words)


def _placeholders(offer: Offer, written: CardWords, path: str, words: KnownNames) -> Iterator[BookProblem]:
    try:
        used = placeholders_of(card_template(written))
    except ValueError:
        yield BookProblem("placeholder", path, values={"value": "…"})
        return
    own = _own_words(offer)
    for name in used:
        if name in PLACEHOLDERS and name not in own:
            yield BookProblem("placeholder_empty", path, nearest=nearest(name, own), values={"value": name})
        elif name not in PLACEHOLDERS and not fillable(words.fields.get(name)):
            yield BookProblem("placeholder", path, nearest=nearest(name, (*own, *words.fields)), values={"value": name})


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
