"""The till: POST /redemptions, POST /redemptions/reversals, GET /redemptions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, ClassVar, Literal

import structlog
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from gateway.dashboard.access.callers import Caller, require
from gateway.dashboard.moments import twin_of
from gateway.dashboard.problems import RESPONSES, Problem
from gateway.messages import TillAnswer, VoucherTerms
from gateway.offers.guesses import TillGuesses
from gateway.offers.ledger import Ledger
from gateway.offers.redemption import KeyReused, TillRequest
from gateway.offers.till import LONGEST_KEY
from gateway.storage import Store, vouchers
from gateway.storage.users import Role
from gateway.wire_values import Moment
from rules.texts import N_, ngettext

Till = Annotated[Caller, Depends(require(Role.TILL))]

log = structlog.get_logger(__name__)


class AtTheTill(BaseModel):
    """A code that a shopper shows."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(min_length=1, max_length=64, description="As scanned or typed; small letters, missing hyphens are forgiven.")
    key: str = Field(
        min_length=1,
        max_length=LONGEST_KEY,
        description="The till's own id of this request: sent again with the same key, it counts once.",
    )
    at: Moment | None = Field(None, description="When it happened, as RFC 3339, where the till was offline; null: now.")
    at_s: float | None = Field(None, ge=0, le=1e11, description="The same in seconds since 1970, where `at` is null.")
    amount: float | None = Field(
        None, gt=0, le=100_000, description="How much of a voucher with `terms.partial` is spent, or comes back; null: all of it."
    )
    shopper: str | None = Field(
        None, pattern=r"^[A-Za-z0-9_-]{1,64}$", description="Whose basket it is, where that is known: nobody rewards themselves."
    )


class Answer(BaseModel):
    """What the till does with it, and what was promised."""

    answer: TillAnswer
    code: str
    promise: str | None
    offer: str | None
    title: str | None = Field(description="As the shopper read it.")
    value: dict[str, float | str] | None = Field(description="One of percent, amount (euro, unless `currency` is there), gift.")
    terms: VoucherTerms | None = Field(description="What the basket must fulfil.")
    amount: float | None = Field(description="Of an amount spent bit by bit: how much was spent, or came back, just now.")
    left: float | None = Field(description="And how much of it is left.")
    ends_at_s: float | None
    redeemed_at_s: float | None = Field(description="When it was used: now, or that earlier time.")
    ends_at: ClassVar = twin_of("ends_at_s", maybe=True)
    redeemed_at: ClassVar = twin_of("redeemed_at_s", maybe=True)


class CheckoutRequest(BaseModel):
    """One request of a till, and its answer."""

    till: str
    what: str
    code: str
    answer: str
    at_s: float
    at: ClassVar = twin_of("at_s")


def router(ledger: Ledger, store: Store, clock: Callable[[], float]) -> APIRouter:
    """The till's calls. They need the shop's own database and nothing else, so they work without the internet."""
    routes = APIRouter(tags=["redemptions"], responses=RESPONSES)
    guesses = TillGuesses()

    @routes.post("/redemptions")
    def redeem_voucher(asked: AtTheTill, caller: Till) -> Answer:
        """Use a voucher: valid once, until its end. The same `key` gets the same answer, whatever happened since."""
        return _guarded(guesses, caller.name, clock(), lambda now_s: _answer(ledger, "redeem", asked, caller, now_s))

    @routes.post("/redemptions/reversals")
    def reverse_redemption(asked: AtTheTill, caller: Till) -> Answer:
        """Undo a redemption, for a purchase that was cancelled: the voucher is good again until its end."""
        return _guarded(guesses, caller.name, clock(), lambda now_s: _answer(ledger, "reverse", asked, caller, now_s))

    @routes.get("/redemptions", dependencies=[Depends(require(Role.STAFF))])
    def list_redemptions(limit: Annotated[int, Query(ge=1, le=500)] = 50) -> list[CheckoutRequest]:
        """List what tills asked and were answered, newest first."""
        with store.read() as connection:
            rows = vouchers.latest_redemptions(connection, limit)
        return [CheckoutRequest(till=row.till, what=row.what, code=row.code, answer=row.answer, at_s=row.at_s) for row in rows]

    return routes


def _guarded(guesses: TillGuesses, till: str, now_s: float, ask: Callable[[float], Answer]) -> Answer:
    """Answer a till unless it is locked for guessing codes, which leaves no row."""
    locked_s = guesses.locked_for_s(till, now_s)
    if locked_s:
        raise Problem(
            429, "too_many_guesses", N_("This till asked for too many codes that nobody has."),
            ngettext(
                "Wait a second. If nobody guessed, give the till another token.",
                "Wait {count} seconds. If nobody guessed, give the till another token.",
            ),
            count=math.ceil(locked_s),
        )  # fmt: skip
    answer = ask(now_s)
    if guesses.note(till, answer.answer, now_s):
        log.error("a till asks for code after code that nobody has; it is locked for a while", till=till)
    return answer


def _answer(ledger: Ledger, what: Literal["redeem", "reverse"], asked: AtTheTill, caller: Caller, now_s: float) -> Answer:
    """A till's clock may run ahead, but nothing is redeemed in the future."""
    said_s = asked.at_s if asked.at is None else asked.at.timestamp()
    at_s = now_s if said_s is None else max(0.0, min(said_s, now_s))
    amount_cents = None if asked.amount is None else round(asked.amount * 100)
    request = TillRequest(what, asked.code, caller.name, at_s, asked.key, amount_cents, asked.shopper, now_s)
    try:
        return Answer.model_validate(asdict(ledger.answer(request)))
    except KeyReused as error:
        raise Problem(
            409, "key_reused", N_("The key {key} was used for another request."),
            N_("Send a new key with each new request."), key=repr(asked.key),
        ) from error  # fmt: skip
