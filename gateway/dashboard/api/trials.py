"""A book tried out: its own cases and what they reach, and a dry run with any facts at any moment."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import datetime

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import Response

from gateway.books import reading
from gateway.dashboard.access.callers import require
from gateway.dashboard.api.books import Start, faulty, found
from gateway.dashboard.api.decisions import Why, why_of
from gateway.dashboard.languages import language_of
from gateway.dashboard.problems import RESPONSES, TOO_FAULTY, Fault, Problem, answer
from gateway.storage import Store
from gateway.storage.users import Role
from rules import Book, BookError, BookProblem, Gate, explain
from rules.format.document import CaseSituation
from rules.loading.checks import check_situation, known_names
from rules.loading.load import problems_of
from rules.texts import N_
from rules.workbench.cards import ShownCard, cards_in, cards_of
from rules.workbench.cases import CaseReport, run_cases, situation_of_case


class Differs(BaseModel):
    """An offer that another gate decided about than the case says."""

    offer: str
    expected: str
    actual: str


class CaseRun(BaseModel):
    """How one of the book's own cases went."""

    name: str
    passed: bool
    expected: list[str]
    chosen: list[str]
    differs: list[Differs]


class Reach(BaseModel):
    """What the cases reach of one offer."""

    offer: str
    chosen: int = Field(description="In how many cases it is made; 0: no case reaches it.")
    stopped: dict[str, int] = Field(description="Gate to the number of cases in which it stopped the offer.")


class ReadCard(BaseModel):
    """One card as its reader sees it."""

    offer: str
    language: str
    title: str
    body: str
    button: str
    link: str
    worth: str = Field(description="What it gives, in words; empty where it gives nothing.")
    ends: str = Field(description="Until when, in words.")
    answers: list[str]


class Tried(BaseModel):
    """The book's own cases, run, and its cards in each language."""

    passed: bool
    cases: list[CaseRun]
    offers: list[Reach]
    cards: list[ReadCard]


class DryRun(BaseModel):
    """A situation to decide as if: `event` is needed; what isn't said is the plainest, and `at` is now."""

    model_config = ConfigDict(extra="forbid")
    given: dict[str, object] = Field(description="As `given` in a book's case: event, zone, at, dwell, facts, history, purposes, …")


class Decided(BaseModel):
    """What the book would do, and why."""

    chosen: list[str]
    cards: list[ReadCard] = Field(description="What is chosen, as its reader sees it, in each language.")
    why: list[Why] = Field(description="One for each offer of the book.")


def router(store: Store, zones: Collection[str], clock: Callable[[], float]) -> APIRouter:
    """The calls that try a book out; nothing is promised and nothing kept. `zones` are the plan's."""
    marketeer = Depends(require(Role.MARKETEER))
    routes = APIRouter(tags=["books"], responses=RESPONSES, dependencies=[marketeer])

    def loaded(request: Request, start: str) -> Book:
        with store.read() as connection:
            document = found(connection, start).document
        try:
            return reading.load(document, zones)
        except BookError as error:  # kept before the plan was what it is now
            raise faulty(error, language_of(request)) from error

    @routes.get("/books/{book}/cases")
    def run_book_cases(request: Request, book: Start) -> Tried:
        """Run the book's own cases, and show which offers none of them reaches."""
        tried = loaded(request, book)
        return _tried(run_cases(tried), cards_of(tried, clock()))

    @routes.post("/books/{book}/dry-run", response_model=Decided)
    def dry_run_book(request: Request, book: Start, wanted: DryRun) -> Decided | Response:
        """Show what this book would do in any situation at any moment, with a reason for every offer."""
        tried = loaded(request, book)
        now = datetime.fromtimestamp(clock(), tried.zone).isoformat(timespec="seconds")
        outcome = _decided(tried, {"at": now, **wanted.given})
        if isinstance(outcome, Decided):
            return outcome
        faults = [_fault(problem, request) for problem in outcome]
        refusal = Problem(422, "invalid", TOO_FAULTY, N_("Mend what `errors` lists."), count=len(faults))
        return answer(request, refusal, faults)

    return routes


def _decided(book: Book, given: dict[str, object]) -> Decided | list[BookProblem]:
    try:
        situation = CaseSituation.model_validate(given)
        problems = list(check_situation(situation, known_names(book)))
        if problems:
            return problems
        here = situation_of_case(book, situation)
        reasons = explain(book, here)
    except ValidationError as error:
        return problems_of(error, CaseSituation)
    chosen = [one.offer for one in reasons if one.gate is Gate.CHOSEN]
    return Decided(chosen=chosen, cards=_read_cards(cards_in(book, here)), why=[why_of(one) for one in reasons])


def _read_cards(cards: Iterable[ShownCard]) -> list[ReadCard]:
    return [
        ReadCard(
            offer=card.offer,
            language=card.language,
            title=card.content.title,
            body=card.content.body,
            button=card.content.button,
            link=card.content.link,
            worth=card.worth,
            ends=card.ends,
            answers=list(card.answers),
        )
        for card in cards
    ]


def _fault(problem: BookProblem, request: Request) -> Fault:
    place = f"body.given.{problem.path}".rstrip(".")
    return Fault(path=place, code=problem.code, text=replace(problem, path="").text(language_of(request)))


def _tried(report: CaseReport, cards: Iterable[ShownCard]) -> Tried:
    runs = [
        CaseRun(
            name=one.name,
            passed=one.passed,
            expected=list(one.expected),
            chosen=list(one.chosen),
            differs=[Differs(offer=offer, expected=expected, actual=actual) for offer, expected, actual in one.reasons],
        )
        for one in report.results
    ]
    made = (Gate.CHOSEN, Gate.GHOST)
    offers = [
        Reach(offer=one.offer, chosen=one.chosen, stopped={gate: count for gate, count in one.gates.items() if gate not in made})
        for one in report.coverage
    ]
    return Tried(passed=report.passed, cases=runs, offers=offers, cards=_read_cards(cards))
