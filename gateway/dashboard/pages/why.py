"""The page that says why an offer was made at one moment, and why every other one was not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import HTMLResponse

from gateway.books import reading
from gateway.dashboard.access.callers import require
from gateway.dashboard.languages import language_of
from gateway.dashboard.pages.rendering import render
from gateway.dashboard.problems import Problem
from gateway.dashboard.sentences import local_moment
from gateway.storage import Connection, Store, books, decisions
from gateway.storage.decisions import DecisionRecord
from gateway.storage.users import Role
from gateway.zones.plan import StorePlan
from rules import BookError, explain, situation_of
from rules.texts import N_, Language


@dataclass(frozen=True, slots=True)
class OfferReason:
    """What decided about one offer."""

    offer: str
    made: bool
    words: str


def router(plan: StorePlan, store: Store) -> APIRouter:
    """The page at /why/{decision}, for those who write the rules. It names no shopper."""
    routes = APIRouter(include_in_schema=False, dependencies=[Depends(require(Role.MARKETEER))])

    @routes.get("/why/{decision}")
    def why_page(request: Request, decision: Annotated[str, Path(max_length=36)]) -> HTMLResponse:
        """Show the reasons, those of what was made first."""
        language = language_of(request)
        with store.read() as connection:
            row = decisions.find(connection, decision)
            if row is None:
                raise Problem(
                    404, "no_such_decision", N_("There is no such decision."), N_("It is older than decisions are kept, or erased.")
                )
            reasons = _reasons(connection, row, language)
        zone = next((zone.called(language) for zone in plan.zones if zone.id == row.zone), "")
        return render(
            request,
            "why.html",
            reasons=reasons,
            zone=zone,
            moment=local_moment(row.at_s, plan.timezone, language),
            group=row.test_group,
        )

    return routes


def _reasons(connection: Connection, row: DecisionRecord, language: Language) -> list[OfferReason]:
    """Work the reasons out again from what was logged; none where the book is no longer readable."""
    book, made = books.find(connection, row.book), {str(chosen["offer"]) for chosen in row.outcome["chosen"]}
    if book is None:
        return []
    try:
        found = explain(reading.load(book.document), situation_of(row.inputs))
    except BookError:  # written for an older engine
        return []
    reasons = [OfferReason(one.offer, one.offer in made, one.text(language)) for one in found]
    return sorted(reasons, key=lambda reason: not reason.made)
