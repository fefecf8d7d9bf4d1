"""The life of a book, pure: what a version is and may become. Storing it is somebody else's.

    draft ──check──► checked ──approve──► approved ──go_live──► live ◄──resume── paused
      │                 │                     │                   │ ──pause──►     │
      └─────────────────┴───── archive ───────┴───────────────────┴────────────────┴──► archived

A version never changes: another wording is another version, and rolling back is going live again with an archived one. Above a
value that the book names (what its capped offers can give away), somebody other than the author approves: four eyes.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from rules.decision import CapKind
from rules.engine.book import Book
from rules.engine.rule import CapRule, Rule
from rules.texts import N_, Language, Words, in_all, in_each, text


class BookState(StrEnum):
    """Where a version stands."""

    DRAFT = "draft"
    CHECKED = "checked"
    APPROVED = "approved"
    LIVE = "live"
    PAUSED = "paused"
    ARCHIVED = "archived"


class BookAction(StrEnum):
    """What can be done with a version."""

    CHECK = "check"
    APPROVE = "approve"
    GO_LIVE = "go_live"
    PAUSE = "pause"
    RESUME = "resume"
    ARCHIVE = "archive"


STEPS: dict[tuple[BookState, BookAction], BookState] = {
    (BookState.DRAFT, BookAction.CHECK): BookState.CHECKED,
    (BookState.CHECKED, BookAction.APPROVE): BookState.APPROVED,
    (BookState.APPROVED, BookAction.GO_LIVE): BookState.LIVE,
    (BookState.ARCHIVED, BookAction.GO_LIVE): BookState.LIVE,
    (BookState.LIVE, BookAction.GO_LIVE): BookState.LIVE,
    (BookState.LIVE, BookAction.PAUSE): BookState.PAUSED,
    (BookState.PAUSED, BookAction.RESUME): BookState.LIVE,
    (BookState.DRAFT, BookAction.ARCHIVE): BookState.ARCHIVED,
    (BookState.CHECKED, BookAction.ARCHIVE): BookState.ARCHIVED,
    (BookState.APPROVED, BookAction.ARCHIVE): BookState.ARCHIVED,
    (BookState.LIVE, BookAction.ARCHIVE): BookState.ARCHIVED,
    (BookState.PAUSED, BookAction.ARCHIVE): BookState.ARCHIVED,
}
"""Every step there is. Live to live widens or narrows its zones."""

_REFUSALS: dict[str, str] = {
    "step": N_("a book in the state {state} can't be {action}; it can be {possible}"),
    "author": N_("who wrote the book can't approve it; have somebody else do it"),
    "never_live": N_("this book has never been live; add it again and have it approved"),
}
_STATES: dict[BookState, str] = {
    BookState.DRAFT: N_("draft"),
    BookState.CHECKED: N_("checked"),
    BookState.APPROVED: N_("approved"),
    BookState.LIVE: N_("live"),
    BookState.PAUSED: N_("paused"),
    BookState.ARCHIVED: N_("archived"),
}
_DONE: dict[BookAction, str] = {
    BookAction.CHECK: N_("checked"),
    BookAction.APPROVE: N_("approved"),
    BookAction.GO_LIVE: N_("put live"),
    BookAction.PAUSE: N_("paused"),
    BookAction.RESUME: N_("resumed"),
    BookAction.ARCHIVE: N_("archived"),
}


YEAR_S = 366 * 86_400.0
"""What approval looks ahead: a book without an end has a next year to be approved in."""
SHORTEST_WINDOW_S = {"hour": 3600.0, "day": 82_800.0, "week": 601_200.0, "month": 28 * 86_400.0 - 3600}
"""No calendar window is shorter: one in which the clocks go forward. So many begin in a time, and one has begun before it."""
_UNSEEN = re.compile(r"[\s\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]+")


class LifecycleError(ValueError):
    """A step that a version can't take. `code` is one of step, author, never_live; `words` in every language."""

    def __init__(self, code: str, words: Words | None = None) -> None:
        self.code = code
        self.words = words or in_all(_REFUSALS[code])
        super().__init__(self.words[Language.EN])


def _refused(state: BookState, action: BookAction) -> LifecycleError:
    """The refusal of a step, with the steps there are."""
    possible = [step for state_, step in STEPS if state_ is state]

    def told(language: Language) -> str:
        named = {"state": text(language, _STATES[state]), "action": text(language, _DONE[action])}
        return text(language, _REFUSALS["step"], **named, possible=", ".join(text(language, _DONE[step]) for step in possible))

    return LifecycleError("step", in_each(told))


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a book: its hash, where it stands, who wrote and approved it, and the zones it is live in (none: all)."""

    hash: str
    author: str
    state: BookState = BookState.DRAFT
    approved_by: str | None = None
    zones: frozenset[str] = frozenset()
    was_live: bool = False
    changed_at_s: float = 0.0


def step(
    version: Version,
    action: BookAction,
    who: str,
    at_s: float,
    four_eyes: bool = False,
    zones: frozenset[str] = frozenset(),
) -> Version:
    """The version after an action. Raises LifecycleError, and nothing has changed.

    `four_eyes`: see `needs_four_eyes`; `zones`: where to go live, none means everywhere.
    """
    state = STEPS.get((version.state, action))
    if state is None:
        raise _refused(version.state, action)
    moved = replace(version, state=state, changed_at_s=at_s)
    match action:
        case BookAction.APPROVE:
            if four_eyes and is_same_person(who, version.author):
                raise LifecycleError("author")
            return replace(moved, approved_by=who)
        case BookAction.GO_LIVE:
            if version.state is BookState.ARCHIVED and not version.was_live:
                raise LifecycleError("never_live")
            return replace(moved, zones=zones, was_live=True)
        case _:
            return moved


def put_live(versions: Sequence[Version], hash_: str, who: str, at_s: float, zones: frozenset[str] = frozenset()) -> list[Version]:
    """All versions after one went live: everywhere, it archives the one before; in some zones first, that one stays for the rest.

    Rolling back is the same step with an archived version that was live before. Raises LifecycleError, or KeyError for an
    unknown hash.
    """
    chosen = next((version for version in versions if version.hash == hash_), None)
    if chosen is None:
        raise KeyError(hash_)
    lived = step(chosen, BookAction.GO_LIVE, who, at_s, zones=zones)
    moved = []
    for version in versions:
        # in stages, the one for the whole shop stays; another staged one makes way either way
        replaced = version.state in (BookState.LIVE, BookState.PAUSED) and (not zones or bool(version.zones))
        moved.append(lived if version is chosen else step(version, BookAction.ARCHIVE, who, at_s) if replaced else version)
    return moved


def needs_four_eyes(book: Book, from_s: float) -> bool:
    """True where a book may give away more than the amount it names for that, or where nothing bounds what it gives."""
    most = book.document.four_eyes_above
    if most is None:
        return False
    worth = value_cents(book, from_s)
    return worth is None or worth > most * 100


def value_cents(book: Book, from_s: float) -> int | None:
    """The most that a book can give away within a year from a moment on, in cents, all windows of its caps together.

    None when nothing bounds it. Each offer counts for its tightest cap; a budget that several offers share counts once.
    """
    bounds: dict[str, int] = {}
    for rule in book.rules:
        if not rule.cost_cents and rule.worth is None:
            continue
        caps = (cap for cap in rule.caps if not cap.per_shopper and rule.cost_cents)
        found = [(_bound_cents(cap, rule, from_s), cap.key) for cap in caps]
        if not found:
            return None
        bound, key = min(found)
        bounds[key] = max(bound, bounds.get(key, 0))
    return sum(bounds.values())


def _bound_cents(cap: CapRule, rule: Rule, from_s: float) -> int:
    """The most that a cap lets an offer give away until its end, within a year at most."""
    once = cap.at_most if cap.kind is CapKind.BUDGET else cap.at_most * rule.cost_cents
    if cap.every is None:
        return once
    lasts_s = min(rule.until_s, from_s + YEAR_S) - max(rule.from_s, from_s)
    return once * (math.ceil(max(lasts_s, 0.0) / SHORTEST_WINDOW_S[cap.every]) + 1)


def is_same_person(one: str, other: str) -> bool:
    """True for two spellings of one name: another case, width or blank makes nobody somebody else."""
    plain, besides = (_UNSEEN.sub("", unicodedata.normalize("NFKC", name)).casefold() for name in (one, other))
    return plain == besides
