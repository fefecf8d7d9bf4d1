"""Why, and why not: GET /decisions, GET /decisions/{id}."""

from __future__ import annotations

from typing import Annotated, ClassVar

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, Field

from gateway.books import reading
from gateway.dashboard.access.callers import require
from gateway.dashboard.moments import twin_of
from gateway.dashboard.problems import RESPONSES, Problem
from gateway.storage import Connection, Store, books, decisions
from gateway.storage.decisions import DecisionRecord
from gateway.storage.users import Role
from rules import BookError, Explanation, explain, situation_of
from rules.texts import N_, in_each


class ScoredOffer(BaseModel):
    """One offer with its score, and the exact chance that it would be chosen."""

    offer: str
    kind: str
    score: float
    propensity: float


class Logged(BaseModel):
    """One decision as it was logged."""

    id: str
    at_s: float
    shopper: str = Field(description="The pseudonym that the backend gave.")
    event: str
    zone: str | None
    book: str
    inputs_hash: str
    group: str = Field(description="treated, control (then all was only as if), or unmeasured.")
    chosen: list[ScoredOffer] = Field(description="What was promised, with its score and exact propensity.")
    ghosts: list[ScoredOffer] = Field(description="What would have been promised, had the shopper not been in control.")
    stopped: dict[str, list[str]] = Field(description="Gate to the offers it stopped.")
    promises: dict[str, str] = Field(description="Offer to the promise it became.")
    refused: dict[str, str] = Field(description="Offer to the cap that was reached at that very moment.")
    at: ClassVar = twin_of("at_s")


class Why(BaseModel):
    """Why one offer was made, or why not, in both languages."""

    offer: str
    gate: str
    path: str = Field(description="What decided, as a place in the book; empty where the gate says it all.")
    expected: dict[str, str]
    actual: dict[str, str]
    text: dict[str, str] = Field(description="All of it in one line.")


class Explained(BaseModel):
    """One decision with its reasons."""

    decision: Logged
    why: list[Why] = Field(description="One for each offer of the book; none where the book is no longer readable.")


def router(store: Store) -> APIRouter:
    """The calls about decisions: who got what and why is for those who write the rules."""
    routes = APIRouter(tags=["decisions"], responses=RESPONSES, dependencies=[Depends(require(Role.MARKETEER))])

    @routes.get("/decisions")
    def list_decisions(
        before: Annotated[str | None, Query(max_length=36, description="Only older ones than this id: the next page.")] = None,
        shopper: Annotated[str | None, Query(max_length=64)] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> list[Logged]:
        """List logged decisions, newest first: those for which at least one offer's moment had come."""
        with store.read() as connection:
            return [_logged(row) for row in decisions.page(connection, before=before, shopper=shopper, limit=limit)]

    @routes.get("/decisions/{decision}")
    def get_decision(decision: Annotated[str, Path(max_length=36)]) -> Explained:
        """Explain one decision: for every offer of its book the gate that decided, what it expected and what it found."""
        with store.read() as connection:
            row = decisions.find(connection, decision)
            if row is None:
                raise Problem(
                    404, "no_such_decision", N_("There is no such decision."), N_("GET /decisions lists those that are kept.")
                )
            return Explained(decision=_logged(row), why=_why(connection, row))

    return routes


def _logged(row: DecisionRecord) -> Logged:
    return Logged.model_validate({**row._asdict(), "group": row.test_group, **row.outcome})


def _why(connection: Connection, row: DecisionRecord) -> list[Why]:
    """The explanation, worked out again from the logged inputs: the same book and inputs give the same decision."""
    book = books.find(connection, row.book)
    if book is None:
        return []
    try:
        return [why_of(one) for one in explain(reading.load(book.document), situation_of(row.inputs))]
    except BookError:  # written for an older engine
        return []


def why_of(one: Explanation) -> Why:
    """An explanation as it is sent."""
    return Why(
        offer=one.offer,
        gate=one.gate.value,
        path=one.reason.path,
        expected=dict(one.reason.expected),
        actual=dict(one.reason.actual),
        text=in_each(one.text),
    )
