"""From a winning rule to what the ledger needs: words filled, ends worked out, caps with their windows."""

from __future__ import annotations

import math

from rules.decision import Cap, Chosen, PlannedVoucher
from rules.engine.book import Book
from rules.engine.evaluate import FactsView
from rules.engine.gates import spent_gate
from rules.engine.ranking import Ranked
from rules.engine.rule import Rule
from rules.format.document import Offer
from rules.format.kinds import KINDS
from rules.format.kinds.kind import Giving
from rules.format.kinds.voucher import WORKED_OUT
from rules.format.templates import chooser
from rules.format.wording import end_text
from rules.local_time import Local, closing
from rules.situation import Situation
from rules.texts import Language, known_language, spoken


def compose(
    rule: Rule, book: Book, situation: Situation, view: FactsView, local: Local, ranked: Ranked, propensity: float
) -> Chosen:
    """The offer as it will be promised, in the shopper's language (staff read their own)."""
    offer = rule.offer
    language = _language(book, offer, situation)
    fell_back = rule.fallback is not None and spent_gate(rule, situation, view, local) is not None
    voucher = None if fell_back else _voucher(rule, book, local, language)
    ends_s = [situation.at_s + offer.show_for, rule.until_s, *([voucher.ends_at] if voucher else [])]
    expires_at = min(ends_s)
    fixed = _fixed_words(rule, book, situation, language)
    fixed["ends"] = end_text(voucher.ends_at if voucher else expires_at, situation.at_s, book.zone, language)
    word = chooser(fixed, book.fields, view.values, language)
    fallback = rule.fallback[language].fill(word) if rule.fallback is not None else None
    return Chosen(
        offer=rule.id,
        kind="content" if fell_back else offer.kind,
        category=offer.category,
        zone=situation.zone,
        language=language,
        content=fallback if fell_back and fallback is not None else rule.cards[language].fill(word),
        expires_at=expires_at,
        attention=offer.attention,
        score=ranked.score,
        propensity=propensity,
        voucher=voucher,
        caps=() if fell_back else tuple(_caps(rule, local)),
        fallback=None if fell_back else fallback,
        fell_back=fell_back,
        part=KINDS[offer.kind].shows(offer.section, language, book.document.currency),
    )


def _language(book: Book, offer: Offer, situation: Situation) -> Language:
    if KINDS[offer.kind].for_staff:
        return book.document.staff_language
    return known_language(situation.language)


def _voucher(rule: Rule, book: Book, local: Local, language: Language) -> PlannedVoucher | None:
    if rule.giving is None or rule.worth is None or rule.codes is None:
        return None
    ends_at = _ends_at(rule.giving, rule.voucher_until_s, book, local)
    return PlannedVoucher(
        rule.worth[language],
        rule.codes,
        rule.cost_cents,
        ends_at,
        rule.giving.was_price_source,
        rule.giving.terms.terms(book.document.currency),
    )


def _ends_at(giving: Giving, written_s: float, book: Book, local: Local) -> float:
    if giving.valid_for_s is not None:
        return local.at_s + giving.valid_for_s
    if giving.valid_until not in WORKED_OUT:
        return written_s
    hours = book.document.hours
    closes_at = closing(hours, local) if giving.valid_until == "closing" and hours is not None else None
    return local.end_of_day() if closes_at is None or closes_at == math.inf else closes_at


def _fixed_words(rule: Rule, book: Book, situation: Situation, language: Language) -> dict[str, str]:
    """The placeholders that the offer fills itself; the checks saw to it that no other is used."""
    label = (book.document.zones or {}).get(situation.zone or "")
    zone = spoken(label, language) if label is not None else situation.zone or ""
    own = KINDS[rule.offer.kind].words(rule.offer.section, language, book.document.currency) if rule.offer.section else {}
    return {"zone": zone} | own


def _caps(rule: Rule, local: Local) -> list[Cap]:
    return [
        Cap(
            cap.key if cap.every is None else f"{cap.key}@{local.key(cap.every)}",
            cap.kind,
            cap.at_most,
            cap.amount,
            cap.per_shopper,
        )
        for cap in rule.caps
    ]
