"""From a winning rule to what the ledger needs: words filled, ends worked out, caps with their windows."""

from __future__ import annotations

from rules.decision import Cap, Chosen, Invitation, Proof, Question, Voucher, Worth
from rules.engine.book import Book
from rules.engine.evaluate import FactsView
from rules.engine.gates import spent_gate
from rules.engine.local_time import Local, closing
from rules.engine.ranking import Ranked
from rules.engine.rule import Rule
from rules.format.document import Offer
from rules.format.schema_parts import WorthPart
from rules.format.templates import chooser, end_text, euro, worth_text
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
    fixed["ends"] = end_text(voucher.ends_at if voucher else expires_at, situation.at_s, book.zone)
    word = chooser(fixed, view.values, language)
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
        proof=Proof(offer.proof.type, offer.proof.source, offer.proof.people) if offer.proof else None,
        question=_question(offer, language),
        invitation=_invitation(offer, language),
    )


def _language(book: Book, offer: Offer, situation: Situation) -> Language:
    if offer.kind == "staff_call":
        return book.document.staff_language
    return known_language(situation.language)


def _voucher(rule: Rule, book: Book, local: Local, language: Language) -> Voucher | None:
    if rule.worth is None or rule.codes is None:
        return None
    voucher, invitation = rule.offer.voucher, rule.offer.invitation
    valid_for = voucher.valid_for if voucher else invitation.valid_for if invitation else None
    if valid_for is not None:
        ends_at = local.at_s + valid_for
    elif voucher is not None and voucher.valid_until == "closing" and book.document.hours is not None:
        ends_at = closing(book.document.hours, local) or local.end_of_day()
    elif voucher is not None and voucher.valid_until not in ("closing", "end_of_day"):
        ends_at = rule.voucher_until_s
    else:
        ends_at = local.end_of_day()
    source = voucher.was_price.source if voucher and voucher.was_price else ""
    return Voucher(rule.worth[language], rule.codes, rule.cost_cents, ends_at, source)


def _fixed_words(rule: Rule, book: Book, situation: Situation, language: Language) -> dict[str, str]:
    """The placeholders that the offer fills itself; checks.py saw to it that no other is used."""
    words: dict[str, str] = {}
    offer, zones = rule.offer, book.document.zones or {}
    label = zones.get(situation.zone or "")
    words["zone"] = spoken(label, language) if label is not None else situation.zone or ""
    if offer.voucher is not None:
        words |= _worth_words(offer.voucher.worth.worth(language), language)
        if offer.voucher.price is not None:
            words["price"] = euro(offer.voucher.price, language)
        if offer.voucher.was_price is not None:
            words["was_price"] = euro(offer.voucher.was_price.amount, language)
    if offer.proof is not None:
        words |= {"source": offer.proof.source, "people": str(offer.proof.people)}
    if offer.invitation is not None:
        parts = {"reward": offer.invitation.reward, "friend": offer.invitation.friend}
        words |= {name: worth_text(part.worth(language), language) for name, part in parts.items() if part}
    return words


def _worth_words(worth: Worth, language: Language) -> dict[str, str]:
    text = worth_text(worth, language)
    return {"percent": text, "amount": text, "gift": text}


def _question(offer: Offer, language: Language) -> Question | None:
    asked = offer.question
    if asked is None:
        return None
    answers = tuple((value, spoken(label, language)) for value, label in asked.answers.items())
    return Question(asked.attribute, answers, asked.valid_for)


def _invitation(offer: Offer, language: Language) -> Invitation | None:
    if offer.invitation is None:
        return None

    def worth(part: WorthPart | None) -> Worth | None:
        return part.worth(language) if part is not None else None

    return Invitation(offer.invitation.to, worth(offer.invitation.reward), worth(offer.invitation.friend))


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
