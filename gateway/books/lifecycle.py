"""The life of a rule book as it is stored: every step is one transaction, and noted with who took it.

What a book may become is said in rules/workbench/lifecycle.py. Here a document never changes: another wording is another book,
under another hash.
No step in a book's life touches a promise that was made. Whoever takes a step has what takes long done before, outside the writer,
by `admit` or `make_ready`; the step finds it done.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from gateway import promise_states
from gateway.books import reading
from gateway.books.reading import load
from gateway.storage import Connection, books, promises, vouchers
from gateway.storage.books import BookRecord, BookStepRecord
from rules import Book, CodeKind, code_key
from rules.texts import N_, Language, Words, in_all
from rules.workbench.lifecycle import BookAction, BookState, LifecycleError, Version, needs_four_eyes, put_live, step

_REFUSALS: dict[str, str] = {
    "unknown": N_("no book, or more than one, whose hash starts so; `etalage books list` shows them"),
    "cases": N_("these cases come out otherwise: {names}; mend the book or the cases"),
    "pool": N_("code {code} of {offer} is in another offer's pool already; use each code once"),
    "shared_code": N_(
        "code {code} of {offer} is promised at another worth now; use another code, or wait until those promises have ended"
    ),
    "too_laborious": N_("reading it takes more than {seconds} s or {megabytes} MB; make the book smaller, or its offers simpler"),
    "no_earlier": N_("there is no earlier book to go back to; pausing stops the offers of this one"),
}

SETTINGS_FILE = "settings"
ADMINISTRATOR = "administrator"
"""Who stands in the life of a book that came with the box's settings."""


class StepRefused(ValueError):
    """A book can't make that step, and nothing has changed; `words` say why in every language, `str()` in English."""

    def __init__(self, book: str, words: Words) -> None:
        named = f"{book[:12]}: " if book else ""
        self.words: Words = {language: named + why for language, why in words.items()}
        super().__init__(self.words[Language.EN])


def admit(text: str, zones: Collection[str] | None) -> None:
    """Read a document that is to be added, in a process with limits where it is large. Raises StepRefused, BookError."""
    if not reading.is_affordable(text, zones):
        raise _refused("", "too_laborious", seconds=str(reading.CPU_MAX_S), megabytes=str(reading.MEMORY_MAX_BYTES >> 20))
    load(text, zones)


def make_ready(document: str | None, action: BookAction, zones: Collection[str] | None) -> None:
    """Do what a step with this document is going to need; without one the step itself says what is wrong. Raises BookError."""
    if document is None:
        return
    if action is BookAction.CHECK:
        reading.failing_cases(document, zones)
    elif action is BookAction.APPROVE or action is BookAction.GO_LIVE:
        load(document)


def document_of(connection: Connection, start: str) -> str | None:
    """Return the document of the one book whose hash starts so; None: there is none, or more than one."""
    row = books.find(connection, start) if start else None
    return None if row is None else row.document


def document_before(connection: Connection) -> str | None:
    """Return the document of the book that rolling back puts to work; None: it puts none."""
    latest = _latest(connection)
    return None if latest is None or latest.before is None else document_of(connection, latest.before)


def add(connection: Connection, text: str, person: str, at_s: float, zones: Collection[str] | None) -> str:
    """Keep a document (YAML or JSON) as a draft; its hash. The same document again changes nothing.

    `zones` are the store plan's. Raises BookError with every fault in it.
    """
    book = load(text, zones)
    if books.find(connection, book.hash) is None:
        draft = BookRecord(book.hash, book.id, text, person, at_s, BookState.DRAFT.value, at_s, None, [], was_live=0, before=None)
        books.add(connection, draft, _step(draft, person))
    return book.hash


def first(connection: Connection, text: str, at_s: float, zones: Collection[str]) -> bool:
    """Put the book that the box's settings name to work, where no book ever was live; False: one was.

    Who may write the settings answers for the whole box: no second pair of eyes is needed here. Raises BookError, StepRefused.
    """
    if any(row.was_live for row in books.every(connection)):
        return False
    book = add(connection, text, SETTINGS_FILE, at_s, zones)
    if books.find(connection, book).state == BookState.DRAFT:  # type: ignore[union-attr]  # it was added a line ago
        check(connection, book, SETTINGS_FILE, at_s, zones)
        approve(connection, book, ADMINISTRATOR, at_s)
    go_live(connection, book, SETTINGS_FILE, at_s)
    return True


def check(connection: Connection, start: str, person: str, at_s: float, zones: Collection[str] | None) -> None:
    """Run the book's own cases on the shop's plan; all right, and it counts as checked. Raises StepRefused, BookError."""
    row = _find(connection, start)
    failed = reading.failing_cases(row.document, zones)
    if failed:
        raise _refused(row.hash, "cases", names="; ".join(failed[:5]))
    _take(connection, row, BookAction.CHECK, person, at_s)


def approve(connection: Connection, start: str, person: str, at_s: float, note: str = "") -> None:
    """Approve a checked book; one worth more than its `four_eyes_above` not by its author. Raises StepRefused."""
    row = _find(connection, start)
    _take(connection, row, BookAction.APPROVE, person, at_s, note, four_eyes=needs_four_eyes(load(row.document), at_s))


def pause(connection: Connection, start: str, person: str, at_s: float, note: str = "") -> None:
    """Make no more offers from a live book; every promise made stands. Raises StepRefused."""
    _take(connection, _find(connection, start), BookAction.PAUSE, person, at_s, note)


def resume(connection: Connection, start: str, person: str, at_s: float, note: str = "") -> None:
    """Let a paused book make offers again where it did. Raises StepRefused."""
    _take(connection, _find(connection, start), BookAction.RESUME, person, at_s, note)


def archive(connection: Connection, start: str, person: str, at_s: float, note: str = "") -> None:
    """Put a book away. Raises StepRefused."""
    _take(connection, _find(connection, start), BookAction.ARCHIVE, person, at_s, note)


def go_live(connection: Connection, start: str, person: str, at_s: float, zones: Collection[str] = ()) -> None:
    """Put an approved (or once live) book to work: everywhere, or in some `zones` first. Raises StepRefused.

    Everywhere, it takes the place of every other book; in some zones, of another that was ahead of the shop.
    """
    _go_live(connection, _find(connection, start), person, at_s, frozenset(zones))


def roll_back(connection: Connection, person: str, at_s: float) -> str | None:
    """Undo the latest going live, in one step; the hash of the book that is back.

    None: a book that was ahead in some zones is gone, and the whole shop's decides there again. Raises StepRefused.
    """
    latest = _latest(connection)
    if latest is None:
        raise _refused("", "no_earlier")
    if latest.before is None and not latest.zones:
        raise _refused(latest.hash, "no_earlier")
    if latest.before is None:
        _take(connection, latest, BookAction.ARCHIVE, person, at_s, "rolled back")
        return None
    _go_live(connection, _find(connection, latest.before), person, at_s, frozenset(latest.zones), rolling_back=True)
    return latest.before


def _latest(connection: Connection) -> BookRecord | None:
    """Return the book that went live last, of those that are; one that is ahead in some zones first."""
    working = [row for row in books.every(connection) if row.state in (BookState.LIVE, BookState.PAUSED)]
    return next((row for row in working if row.zones), next(iter(working), None))


def _go_live(
    connection: Connection, row: BookRecord, person: str, at_s: float, zones: frozenset[str], rolling_back: bool = False
) -> None:
    rows = {other.hash: other for other in books.every(connection)}
    before = [_version(other) for other in rows.values()]
    try:
        after = put_live(before, row.hash, person, at_s, zones)
    except LifecycleError as error:
        raise StepRefused(row.hash, error.words) from error
    book = load(row.document)
    if not rolling_back:
        _check_shared_codes(connection, book, at_s)
    _fill_pools(connection, book, exact=not zones)
    note = "rolled back" if rolling_back else f"gave way to {row.hash[:12]}"
    displaced = [old for old, new in zip(before, after, strict=True) if new.hash != row.hash and new != old]
    for old in displaced:
        archived = rows[old.hash]._replace(state=BookState.ARCHIVED.value, state_at_s=at_s)
        books.move(connection, archived, _step(archived, person, note))
    live = row._replace(state=BookState.LIVE.value, state_at_s=at_s, zones=sorted(zones), was_live=1)
    if not rolling_back:
        in_its_place = next((old.hash for old in displaced if bool(old.zones) == bool(zones)), None)
        live = live._replace(before=in_its_place or (row.before if row.state in (BookState.LIVE, BookState.PAUSED) else None))
    where = f"in {', '.join(sorted(zones))}" if zones else "everywhere"
    books.move(connection, live, _step(live, person, where))


def _take(
    connection: Connection, row: BookRecord, action: BookAction, person: str, at_s: float, note: str = "", four_eyes: bool = False
) -> None:
    try:
        after = step(_version(row), action, person, at_s, four_eyes)
    except LifecycleError as error:
        raise StepRefused(row.hash, error.words) from error
    moved = row._replace(state=after.state.value, state_at_s=at_s, approved_by=after.approved_by)
    books.move(connection, moved, _step(moved, person, note))


def _version(row: BookRecord) -> Version:
    zones = frozenset(row.zones)
    return Version(row.hash, row.author, BookState(row.state), row.approved_by, zones, bool(row.was_live), row.state_at_s)


def _step(book: BookRecord, person: str, note: str = "") -> BookStepRecord:
    return BookStepRecord(book.hash, book.state, person, book.state_at_s, note[:500])


def _find(connection: Connection, start: str) -> BookRecord:
    row = books.find(connection, start) if start else None
    if row is None:
        raise _refused(start, "unknown")
    return row


def _check_shared_codes(connection: Connection, book: Book, at_s: float) -> None:
    """Refuse a book whose shared code is promised now at another worth: a till can't know who was promised which.

    An earlier book may always come back: what it offers for such a code isn't promised until the others have ended (issuing.py).
    """
    standing = (*promise_states.OPEN, promise_states.REDEEMED)
    for rule in book.rules:
        if rule.codes is None or rule.codes.kind is not CodeKind.SINGLE or rule.worth is None:
            continue
        key, code = code_key(rule.codes.code), rule.codes.code
        pooled = vouchers.offer_of_code(connection, code)
        if pooled is not None:
            raise _refused(book.hash, "pool", code=code, offer=pooled)
        other = promises.with_shared_code(connection, key, standing, good_at_s=at_s)
        if other is not None and other.value not in [worth.as_message() for worth in rule.worth.values()]:
            raise _refused(book.hash, "shared_code", code=code, offer=other.offer)


def _fill_pools(connection: Connection, book: Book, exact: bool) -> None:
    """Ready the pools of codes. A book that is live in some zones only adds to those of the whole shop's."""
    pools: Sequence[tuple[str, tuple[str, ...]]] = [
        (rule.id, rule.codes.pool) for rule in book.rules if rule.codes is not None and rule.codes.kind is CodeKind.POOL
    ]
    for offer, pool in pools:
        foreign = vouchers.fill_pool(connection, offer, pool, exact)
        if foreign is not None:
            raise _refused(book.hash, "pool", code=foreign, offer=offer)


def _refused(book: str, why: str, /, **values: str) -> StepRefused:
    return StepRefused(book, in_all(_REFUSALS[why], **values))
