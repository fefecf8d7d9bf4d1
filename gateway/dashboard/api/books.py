"""The life of rule books: /books, its steps, /books/rollback and the replay of a draft against the log."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Annotated, ClassVar, Literal, TypeVar

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from gateway.books import lifecycle, reading
from gateway.books.lifecycle import StepRefused
from gateway.dashboard.access.callers import Caller, require
from gateway.dashboard.languages import language_of
from gateway.dashboard.moments import twin_of
from gateway.dashboard.problems import RESPONSES, Problem
from gateway.offers import decision_log
from gateway.storage import Connection, Store, books
from gateway.storage.books import BookRecord
from gateway.storage.users import Role
from rules import BookError
from rules.texts import N_, Language, ngettext
from rules.workbench.lifecycle import BookAction
from rules.workbench.replay import ReplayReport, replay_decisions

T = TypeVar("T")
State = Literal["draft", "checked", "approved", "live", "paused", "archived"]
Marketeer = Annotated[Caller, Depends(require(Role.MARKETEER))]
Start = Annotated[str, Path(pattern=r"^[0-9a-f]{6,64}$", description="The book's hash, or enough of its start.")]


ACTIONS: dict[str, BookAction] = {action.value: action for action in BookAction} | {"live": BookAction.GO_LIVE}


class BookRow(BaseModel):
    """One book and where it stands."""

    hash: str
    name: str
    state: State
    author: str
    approved_by: str | None
    zones: list[str] = Field(description="Where it is live or paused; none: everywhere.")
    added_at_s: float
    state_at_s: float
    added_at: ClassVar = twin_of("added_at_s")
    state_at: ClassVar = twin_of("state_at_s")


class BookStep(BaseModel):
    """One step of a book's life."""

    state: State
    person: str
    at_s: float
    note: str
    at: ClassVar = twin_of("at_s")


class WholeBook(BaseModel):
    """A book with its document and its life so far."""

    book: BookRow
    document: str
    life: list[BookStep]


class NewBook(BaseModel):
    """A document to keep as a draft."""

    model_config = ConfigDict(extra="forbid")
    document: str = Field(min_length=1, max_length=5_000_000, description="The rule book, as YAML or JSON.")


class StepWanted(BaseModel):
    """A step to take."""

    model_config = ConfigDict(extra="forbid")
    step: Literal["check", "approve", "live", "pause", "resume", "archive"]
    zones: list[str] = Field(default_factory=list, max_length=500, description="For `live`: in these first; none: everywhere.")
    note: str = Field("", max_length=500)


class Changed(BaseModel):
    """One decision that would have gone otherwise."""

    at_s: float
    shopper: str
    zone: str | None
    was: list[str]
    would_be: list[str]
    at: ClassVar = twin_of("at_s")


class Compared(BaseModel):
    """The logged decisions once more, with this book in place of the one that was live."""

    decisions: int
    changed: int
    gained: dict[str, int] = Field(description="Offer to the decisions that would have made it and didn't.")
    lost: dict[str, int]
    kept: dict[str, int]
    differences: list[Changed]


def router(store: Store, zones: Collection[str], clock: Callable[[], float]) -> APIRouter:
    """The calls about books; `zones` are the plan's. The line sees a step within a second."""
    routes = APIRouter(tags=["books"], responses=RESPONSES)
    marketeer = Depends(require(Role.MARKETEER))

    def do(request: Request, work: Callable[[Connection], T], first: Callable[[], None] = lambda: None) -> T:
        """Have `first` done in this thread, and then `work` in the writer."""
        return _done(store, first, work, language_of(request))

    def make_ready(find: Callable[[Connection], str | None], action: BookAction) -> None:
        with store.read() as connection:
            document = find(connection)
        lifecycle.make_ready(document, action, zones)

    @routes.get("/books", dependencies=[Depends(require(Role.VIEWER))])
    def list_books() -> list[BookRow]:
        """List all books, the latest moved first."""
        with store.read() as connection:
            return [_row(row) for row in books.every(connection)]

    @routes.get("/books/{book}", dependencies=[marketeer])
    def get_book(book: Start) -> WholeBook:
        """Show a book with its document and its life."""
        with store.read() as connection:
            return _whole(connection, book)

    @routes.post("/books")
    def add_book(request: Request, new: NewBook, caller: Marketeer) -> WholeBook:
        """Keep a document as a draft. One with faults is refused with all of them, each with its place."""
        book = do(
            request,
            lambda connection: lifecycle.add(connection, new.document, caller.name, clock(), zones),
            lambda: lifecycle.admit(new.document, zones),
        )
        with store.read() as connection:
            return _whole(connection, book)

    @routes.post("/books/{book}/steps")
    def step_book(request: Request, book: Start, wanted: StepWanted, caller: Marketeer) -> WholeBook:
        """Check, approve, put live, pause, resume or archive a book."""
        _check_zones(wanted.zones, zones)
        do(
            request,
            lambda connection: _take(connection, book, wanted, caller.name, clock(), zones),
            lambda: make_ready(lambda connection: lifecycle.document_of(connection, book), ACTIONS[wanted.step]),
        )
        with store.read() as connection:
            return _whole(connection, book)

    @routes.post("/books/rollback")
    def roll_back_books(request: Request, caller: Marketeer) -> list[BookRow]:
        """Undo the latest going live, in one step."""
        do(
            request,
            lambda connection: lifecycle.roll_back(connection, caller.name, clock()),
            lambda: make_ready(lifecycle.document_before, BookAction.GO_LIVE),
        )
        return list_books()

    @routes.get("/books/{book}/replay", dependencies=[marketeer])
    def replay_book(book: Start, days: Annotated[float, Query(gt=0, le=366)] = 7.0) -> Compared:
        """Show who would have got what instead, had this book been live in the past days."""
        from_s = clock() - timedelta(days=days).total_seconds()
        with store.read() as connection:
            draft = reading.load(found(connection, book).document)
            report = replay_decisions(draft, decision_log.logged_since(connection, from_s))
        return _compared(report)

    return routes


def _take(connection: Connection, book: str, wanted: StepWanted, person: str, at_s: float, zones: Collection[str]) -> None:
    match wanted.step:
        case "check":
            lifecycle.check(connection, book, person, at_s, zones)
        case "live":
            lifecycle.go_live(connection, book, person, at_s, wanted.zones)
        case _:
            steps = {
                "approve": lifecycle.approve,
                "pause": lifecycle.pause,
                "resume": lifecycle.resume,
                "archive": lifecycle.archive,
            }
            steps[wanted.step](connection, book, person, at_s, wanted.note)


def _done(store: Store, first: Callable[[], None], work: Callable[[Connection], T], language: Language) -> T:
    try:
        first()
        return store.writer.write_blocking(work)
    except StepRefused as error:
        why = error.words[language]
        raise Problem(
            409, "step_refused", N_("The book can't make that step: {why}"), N_("Nothing has changed."), why=why
        ) from error
    except BookError as error:
        raise faulty(error, language) from error


def faulty(error: BookError, language: Language) -> Problem:
    """Return what to answer about a book that can't be used."""
    faults = "; ".join(problem.text(language) for problem in error.problems[:20])
    return Problem(
        422, "faulty_book", ngettext("The book has a fault: {faults}", "The book has {count} faults: {faults}"),
        N_("Mend them, send it again; the live book stays."),
        count=len(error.problems), faults=faults,
    )  # fmt: skip


def _check_zones(wanted: list[str], zones: Collection[str]) -> None:
    for zone in wanted:
        if zone not in zones:
            known = ", ".join(sorted(zones))
            raise Problem(
                422, "unknown_zone", N_("The plan has no zone {zone}."), N_("It has: {known}"), zone=repr(zone), known=known
            )


def found(connection: Connection, start: str) -> BookRecord:
    """The row of the book whose hash starts so. Raises Problem."""
    row = books.find(connection, start)
    if row is None:
        raise Problem(404, "no_such_book", N_("No book's hash starts so, or more than one's does."), N_("GET /books lists all."))
    return row


def _row(row: BookRecord) -> BookRow:
    return BookRow.model_validate({name: getattr(row, name) for name in BookRow.model_fields})


def _whole(connection: Connection, start: str) -> WholeBook:
    row = found(connection, start)
    life = [BookStep(state=one.state, person=one.person, at_s=one.at_s, note=one.note) for one in books.steps(connection, row.hash)]
    return WholeBook(book=_row(row), document=row.document, life=life)


def _compared(report: ReplayReport) -> Compared:
    differences = [
        Changed(at_s=one.at_s, shopper=one.shopper, zone=one.zone, was=list(one.before), would_be=list(one.after))
        for one in report.differences
    ]
    counts = {"decisions": report.decisions, "changed": report.changed}
    return Compared(**counts, gained=report.gained, lost=report.lost, kept=report.kept, differences=differences)
