"""Consent by hand, at the desk: give, withdraw, show, export; and a shopper's stage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, ClassVar, Literal

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from gateway.dashboard.access.callers import Caller, require
from gateway.dashboard.moments import twin_of
from gateway.dashboard.problems import RESPONSES, Problem
from gateway.messages import Identity, Outcome, Purpose
from gateway.privacy.dossier import as_document, consent_receipt, dossier
from gateway.settings import Settings
from gateway.shoppers.consent import ConsentDecision
from gateway.shoppers.optins import identity_of
from gateway.shoppers.people import People
from gateway.storage import Store, Transaction, consents, waiting
from gateway.storage.users import Role
from gateway.wire_values import NewPseudonym
from rules.texts import N_, Language, known_language

Staff = Annotated[Caller, Depends(require(Role.STAFF))]
Marketeer = Annotated[Caller, Depends(require(Role.MARKETEER))]
Admin = Annotated[Caller, Depends(require(Role.ADMIN))]
Shopper = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="The pseudonym.")]
NewShopper = Annotated[NewPseudonym, Path(description="A pseudonym; no telephone or customer number.")]
DESK = "desk"


class GivenByHand(BaseModel):
    """A yes, given at the desk. The wording agreed to is shown before and named here."""

    model_config = ConfigDict(extra="forbid")

    purposes: list[Purpose] = Field(min_length=1, max_length=5)
    identity: Identity = Field(description="The fob or tag that is handed out: beacon, or rotating.")
    language: Language = Language.NL
    text: Annotated[str, StringConstraints(min_length=1, max_length=64)] = Field(description="Version of the wording agreed to.")


class ConsentSummary(BaseModel):
    """One shopper's consent, in short."""

    shopper: str
    purposes: list[str]
    language: str
    text: str
    channel: str
    decided_at_s: float
    decided_at: ClassVar = twin_of("decided_at_s")


class Given(BaseModel):
    """What became of a yes: its receipt, to hand over, and what to look at."""

    receipt: dict[str, object] = Field(description="Consent receipt, ISO/IEC TS 27560.")
    notes: list[str] = Field(description="Codes: shared_id, this tag is another shopper's too and recognises nobody.")


class StageByHand(BaseModel):
    """A stage that staff set; null: it follows the signals again."""

    model_config = ConfigDict(extra="forbid")

    stage: Literal["new", "returning", "regular", "engaged", "fan", "ambassador"] | None


def router(people: People, store: Store, settings: Settings, clock: Callable[[], float]) -> APIRouter:
    """Calls about single shoppers. They run in the line's own loop, which takes over in memory what was committed."""
    routes = APIRouter(tags=["shoppers"], responses=RESPONSES)

    async def do(work: Callable[[Transaction], Outcome]) -> Outcome:
        return await waiting.in_loop(store.writer.transact(work))

    @routes.get("/shoppers", dependencies=[Depends(require(Role.STAFF))])
    def list_shoppers(after: str = "", limit: Annotated[int, Query(ge=1, le=500)] = 50) -> list[ConsentSummary]:
        """List the shoppers whose consent stands, by pseudonym."""
        with store.read() as connection:
            rows = consents.page(connection, after, limit)
        return [
            ConsentSummary(
                shopper=row.shopper,
                purposes=sorted(row.purposes),
                language=row.language,
                text=row.text,
                channel=row.channel,
                decided_at_s=row.decided_at_s,
            )
            for row in rows
        ]

    @routes.put("/shoppers/{shopper}/consent")
    async def give_consent(shopper: NewShopper, given: GivenByHand, _caller: Staff) -> Given:
        """Take a consent given at the desk; from here on the tag is recognised. The answer is the receipt to hand over."""
        decision = ConsentDecision(clock(), 1, frozenset(given.purposes), given.language, text=given.text, channel=DESK)
        outcome = await do(lambda tx: people.record_by_hand(tx, shopper, decision, identity_of(given.identity)))
        return Given(receipt=_receipt(store, shopper, settings, clock()), notes=[refusal.code for refusal in outcome.refusals])

    @routes.get("/shoppers/{shopper}/consent")
    def get_consent(shopper: Shopper, _caller: Staff) -> dict[str, object]:
        """Show a shopper's consent receipt, as it stands now."""
        return _receipt(store, shopper, settings, clock())

    @routes.delete("/shoppers/{shopper}", status_code=204)
    async def withdraw_shopper(shopper: Shopper, _caller: Staff) -> None:
        """Take a withdrawal: the shopper is recognised no more, and everything about them is erased. It can't be undone."""
        outcome = await do(lambda tx: people.withdraw(tx, shopper))
        _check_erased(outcome, shopper)

    @routes.get("/shoppers/{shopper}/export")
    def export_shopper(shopper: Shopper, _caller: Admin, language: Language = Language.NL) -> dict[str, object]:
        """Export all that is held about a shopper, with the reasons of every decision."""
        return _dossier(store, shopper, settings, clock(), language)

    @routes.get("/shoppers/{shopper}/export.md", response_class=PlainTextResponse)
    def export_shopper_document(shopper: Shopper, _caller: Admin, language: Language = Language.NL) -> str:
        """Export all that is held about a shopper as Markdown, for a person to read."""
        return as_document(_dossier(store, shopper, settings, clock(), language), settings, language)

    @routes.put("/shoppers/{shopper}/stage", status_code=204)
    async def set_stage(shopper: Shopper, by_hand: StageByHand, caller: Marketeer) -> None:
        """Set the stage a shopper stands in, or let it follow the signals again."""
        outcome = await do(lambda tx: people.set_stage(tx, shopper, by_hand.stage, caller.name))
        if not outcome.taken:
            raise _unknown(shopper)

    return routes


def _check_erased(outcome: Outcome, shopper: str) -> None:
    """Tell the desk when a withdrawal erased nothing: a mistyped pseudonym leaves somebody recognised who said no."""
    if not outcome.taken:
        raise Problem(
            404,
            "nothing_erased",
            N_("Nothing was erased: nothing is held here about {shopper}."),
            N_("Check the pseudonym in the app."),
            shopper=repr(shopper),
        )


def _receipt(store: Store, shopper: str, settings: Settings, now_s: float) -> dict[str, object]:
    with store.read() as connection:
        standing = consents.find(connection, shopper)
        if standing is None:
            raise _unknown(shopper)
        receipt = consent_receipt(connection, shopper, settings, now_s, known_language(standing.language))
    assert receipt is not None  # looked up in the same transaction
    return receipt


def _dossier(store: Store, shopper: str, settings: Settings, now_s: float, language: Language) -> dict[str, object]:
    with store.read() as connection:
        held = dossier(connection, shopper, settings, now_s, language)
    if held is None:
        raise _unknown(shopper)
    return held


def _unknown(shopper: str) -> Problem:
    return Problem(
        404,
        "unknown_shopper",
        N_("No consent of {shopper} stands here."),
        N_("Check the pseudonym in the app."),
        shopper=repr(shopper),
    )
