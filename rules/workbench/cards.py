"""Cards as their readers see them: every offer of a book in each language, and what a situation would bring."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from rules.decision import Chosen, Content
from rules.engine.book import Book
from rules.engine.composing import compose
from rules.engine.decide import decide
from rules.engine.ranking import Ranked
from rules.engine.rule import Rule
from rules.format.conditions import IsKnown, leaves
from rules.format.kinds import KINDS
from rules.format.wording import end_text, worth_text
from rules.local_time import Local
from rules.situation import PURPOSES, Situation
from rules.texts import WRITTEN, Language
from rules.workbench.cases import situation_of_case


class ShownCard(NamedTuple):
    """One card in one language: its words, and in words what it gives, until when, and which answers it offers."""

    offer: str
    kind: str
    language: Language
    content: Content
    worth: str
    ends: str
    answers: tuple[str, ...]


def cards_of(book: Book, at_s: float) -> tuple[ShownCard, ...]:
    """Return every offer's card in each language, as it would be at a moment (epoch seconds).

    Facts in its words are those of the first case that makes the offer; a fact that no case gives stands as ‹its name›.
    """
    made_in = _first_situations(book)
    found = []
    for rule in book.rules:
        situation = made_in.get(rule.id) or _plainest(rule, max(at_s, rule.from_s))
        languages = (book.document.staff_language,) if KINDS[rule.offer.kind].for_staff else WRITTEN
        found += [
            _shown(_composed(rule, book, replace(situation, language=language)), book, situation.at_s) for language in languages
        ]
    return tuple(found)


def cards_in(book: Book, situation: Situation) -> tuple[ShownCard, ...]:
    """Return the cards that a situation brings, each in every language."""
    found = []
    for language in WRITTEN:
        decision = decide(book, replace(situation, language=language))
        found += [_shown(chosen, book, situation.at_s) for chosen in (*decision.chosen, *decision.ghosts)]
    return tuple(dict.fromkeys(sorted(found, key=lambda card: card.offer)))


def _first_situations(book: Book) -> dict[str, Situation]:
    """Offer to the situation of the first case that makes it."""
    found: dict[str, Situation] = {}
    for case in book.document.cases:
        situation = situation_of_case(book, case.given)
        for offer in case.chosen:
            found.setdefault(offer, situation)
    return found


def _plainest(rule: Rule, at_s: float) -> Situation:
    trigger = rule.triggers[0]
    zone = min(trigger.zones, default=None)
    return Situation(
        shopper="",
        at_s=at_s,
        event=trigger.event,
        zone=zone,
        dwell_s=trigger.dwell_s,
        visit="",
        purposes=frozenset(PURPOSES),
        language=Language.EN,
        facts={},
        fact_times={},
        history=(),
        attention=rule.attention,
        exhausted=frozenset(),
    )


def _composed(rule: Rule, book: Book, situation: Situation) -> Chosen:
    local = Local(situation.at_s, book.zone)
    view = book.view_of(situation, local)
    for leaf in leaves(rule.node):
        if isinstance(leaf, IsKnown):
            view.values.setdefault(leaf.field.name, f"‹{leaf.field.name}›")
    return compose(rule, book, situation, view, local, Ranked(rule.id, rule.offer.priority), 1.0)


def _shown(chosen: Chosen, book: Book, at_s: float) -> ShownCard:
    language = Language(chosen.language)
    worths = chosen.part.worths() if chosen.part is not None else ()
    if not worths and chosen.voucher is not None:
        worths = (chosen.voucher.worth,)
    ends_s = chosen.voucher.ends_at if chosen.voucher else chosen.expires_at
    return ShownCard(
        offer=chosen.offer,
        kind=chosen.kind,
        language=language,
        content=chosen.content,
        worth=" + ".join(worth_text(worth, language) for worth in worths),
        ends=end_text(ends_s, at_s, book.zone, language),
        answers=chosen.part.choices() if chosen.part is not None else (),
    )
