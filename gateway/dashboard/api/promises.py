"""What was promised: GET /promises, /promises/tally, /promises/unmatched, /promises/{id}. Nothing here names a shopper."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, ClassVar, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, Field

from gateway.dashboard.access.callers import require
from gateway.dashboard.moments import twin_of
from gateway.dashboard.problems import RESPONSES, Problem
from gateway.messages import VoucherTerms
from gateway.offers.ledger import Ledger
from gateway.storage import Store, caps, happenings, promises, waiting
from gateway.storage.promises import PromiseRecord
from gateway.storage.users import Role
from rules.texts import N_

State = Literal["reserved", "announced", "shown", "redeemed", "reversed", "expired", "withdrawn"]


class PromiseMade(BaseModel):
    """One promise, as it was made and where it stands."""

    id: str
    offer: str
    kind: str
    state: State
    zone: str | None
    language: str
    content: dict[str, str]
    value: dict[str, float | str] | None
    terms: VoucherTerms | None = Field(description="What a basket must fulfil for the voucher to count.")
    code: str | None
    book: str
    decision: str | None = Field(description="Null once its shopper was erased.")
    at_s: float
    state_at_s: float
    expires_at_s: float = Field(description="Until when the card may be shown.")
    ends_at_s: float = Field(description="Until when a voucher is honoured.")
    at: ClassVar = twin_of("at_s")
    state_at: ClassVar = twin_of("state_at_s")
    expires_at: ClassVar = twin_of("expires_at_s")
    ends_at: ClassVar = twin_of("ends_at_s")


class PromiseCounts(BaseModel):
    """How many promises of each offer stand in each state, and what the caps have given out."""

    offers: dict[str, dict[str, int]]
    caps: dict[str, int] = Field(description="Cap to what is taken of it: pieces, or cents of a budget.")


class UnmatchedReceipt(BaseModel):
    """A receipt that fits no promise: it was refused, and kept for whoever looks into it."""

    event_id: str
    promise: str = Field(description="As the receipt says.")
    what: str
    reason: str = Field(description="unknown_promise, withdrawn (it was never sent), or expired.")
    at_s: float
    at: ClassVar = twin_of("at_s")


class RecallOutcome(BaseModel):
    """What became of a recall."""

    taken_back: int = Field(description="Promises that were certainly never sent, and are taken back.")
    stand: int = Field(description="Promises that may have been shown: they are honoured until their end.")


def router(store: Store, ledger: Ledger, clock: Callable[[], float]) -> APIRouter:
    """The calls about promises."""
    routes = APIRouter(tags=["promises"], responses=RESPONSES)

    @routes.get("/promises", dependencies=[Depends(require(Role.STAFF))])
    def list_promises(
        before: Annotated[str | None, Query(max_length=36, description="Only older ones than this id: the next page.")] = None,
        state: Annotated[State | None, Query()] = None,
        offer: Annotated[str | None, Query(max_length=64)] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> list[PromiseMade]:
        """List promises, newest first."""
        with store.read() as connection:
            rows = promises.page(connection, before=before, state=state, offer=offer, limit=limit)
        return [_promise(row) for row in rows]

    @routes.get("/promises/tally", dependencies=[Depends(require(Role.VIEWER))])
    def tally_promises() -> PromiseCounts:
        """Count promises by offer and state, and how far the caps are used."""
        offers: dict[str, dict[str, int]] = {}
        with store.read() as connection:
            for offer, state, many in promises.tally(connection):
                offers.setdefault(offer, {})[state] = many
            return PromiseCounts(offers=offers, caps=dict(caps.all_used(connection)))

    @routes.get("/promises/unmatched", dependencies=[Depends(require(Role.STAFF))])
    def list_unmatched(limit: Annotated[int, Query(ge=1, le=500)] = 50) -> list[UnmatchedReceipt]:
        """List receipts that fit no promise, the latest to come first."""
        with store.read() as connection:
            rows = happenings.latest_unmatched(connection, limit)
        return [
            UnmatchedReceipt.model_validate({name: getattr(row, name) for name in UnmatchedReceipt.model_fields}) for row in rows
        ]

    @routes.get("/promises/{promise}", dependencies=[Depends(require(Role.STAFF))])
    def get_promise(promise: Annotated[str, Path(max_length=36)]) -> PromiseMade:
        """Show one promise."""
        with store.read() as connection:
            row = promises.find(connection, promise)
        if row is None:
            raise Problem(404, "no_such_promise", N_("There is no such promise."), N_("GET /promises lists those that are kept."))
        return _promise(row)

    @routes.post("/offers/{offer}/recall", dependencies=[Depends(require(Role.MARKETEER))])
    def recall_offer(offer: Annotated[str, Path(max_length=64)]) -> RecallOutcome:
        """Take back what of a wrong offer still waits to be sent; the backend is told. Pause its book first, or more follows."""
        recalled = waiting.in_thread(ledger.recall(offer, clock()))
        return RecallOutcome(taken_back=recalled.taken_back, stand=recalled.stand)

    return routes


def _promise(row: PromiseRecord) -> PromiseMade:
    return PromiseMade.model_validate({name: getattr(row, name) for name in PromiseMade.model_fields})
