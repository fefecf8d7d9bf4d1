"""The phone's page and what it asks of the backend. No login: it is served on this machine only, to whoever runs the demo."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Literal

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel
from starlette.middleware.trustedhost import TrustedHostMiddleware

from firmware_sim.backend import Backend, Card
from firmware_sim.phone.words import spoken_words
from rules.texts import Language

HERE = Path(__file__).parent
CARDS_SHOWN = 20
"""A phone shows the newest offers; older ones are history."""
_CSP = "default-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"


class PhoneAction(BaseModel):
    """What a thumb does."""

    promise: str
    what: Literal["shown", "tapped", "dismissed", "redeemed", "shared", "reviewed"]
    answer: str | None = None


class ConsentChoice(BaseModel):
    """Yes or no to being recognised in the shop."""

    yes: bool


def create_phone(backend: Backend, shopper: str, identity: Mapping[str, object]) -> FastAPI:
    """The phone of `shopper`, to be mounted or served by itself; from now on nothing acts by chance for them."""
    backend.hold(shopper)
    app = FastAPI(title="Etalage demo phone", openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "testserver"])
    consent = {"yes": True}

    @app.middleware("http")
    async def guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        response.headers["Content-Security-Policy"] = _CSP
        response.headers["Cache-Control"] = "no-store"
        return response

    @app.get("/")
    def page() -> FileResponse:
        return FileResponse(HERE / "phone.html")

    @app.get("/words")
    def words() -> dict[Language, dict[str, str]]:
        return spoken_words()

    @app.get("/cards")
    def cards() -> dict[str, object]:
        newest = backend.cards_of(shopper)[-CARDS_SHOWN:][::-1]
        return {"connected": backend.connected, "consent": consent["yes"], "cards": [_card(card) for card in newest]}

    @app.post("/reactions", status_code=202)
    def react(reaction: PhoneAction) -> None:
        card = next((card for card in backend.cards_of(shopper) if card.promise == reaction.promise), None)
        if card is None:
            raise HTTPException(404, "this phone has no such offer")
        if reaction.what not in card.did:
            backend.react(card.promise, reaction.what, **({"answer": reaction.answer} if reaction.answer else {}))

    @app.post("/consent", status_code=202)
    def choose(choice: ConsentChoice) -> None:
        consent["yes"] = choice.yes
        if choice.yes:
            backend.opt_in(shopper, identity)
        else:
            backend.withdraw(shopper)

    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    return app


def _card(card: Card) -> dict[str, object]:
    names = ("promise", "kind", "zone", "content", "voucher", "question", "proof", "invitation", "expires_at")
    return {name: card.data.get(name) for name in names} | {"did": list(card.did), "arrived_s": card.arrived_s}
