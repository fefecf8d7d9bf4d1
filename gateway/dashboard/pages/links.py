"""The pages that one-time links open: a new person's welcome, and the demo's way in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel

from gateway.dashboard.access.sign_in import SignIn
from gateway.dashboard.languages import language_of
from gateway.dashboard.pages.rendering import render
from gateway.dashboard.pages.sheets import Sheet, sent, show
from gateway.dashboard.pages.sign_in import NEW_PASSWORD, Typed, let_in
from rules.texts import N_, text


class WelcomeForm(BaseModel):
    """A new person's own password."""

    password: Annotated[Typed, NEW_PASSWORD]


def router(sign_in: SignIn) -> APIRouter:
    """The pages under /welcome and /enter, for whoever has the link."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/welcome/{secret}")
    async def welcome_page(request: Request, secret: str) -> Response:
        """Show where a new person chooses a password."""
        account = await sign_in.invited(secret)
        return _link_ended(request) if account is None else show(request, _welcome(account.name))

    @routes.post("/welcome/{secret}")
    async def welcome(request: Request, secret: str) -> Response:
        """Take the password, and let the person in."""
        account = await sign_in.invited(secret)
        if account is None:
            return _link_ended(request)

        async def take(form: WelcomeForm) -> Response:
            return let_in(request, "/", await sign_in.welcome(secret, form.password))

        return await sent(request, _welcome(account.name), take)

    @routes.get("/enter/{secret}")
    def enter_page(request: Request) -> Response:
        """Let somebody in by a one-time link at the press of a button: a preview of the link must not use it up."""
        language = language_of(request)
        return render(
            request,
            "said.html",
            framed=False,
            heading=text(language, N_("Welcome")),
            lead=text(language, N_("This link lets you in, once.")),
            verb=text(language, N_("Begin")),
            secret="",
            link="",
        )

    @routes.post("/enter/{secret}")
    async def enter(request: Request, secret: str) -> Response:
        """Open the session of a one-time link."""
        session = await sign_in.enter(secret)
        return _link_ended(request) if session is None else let_in(request, "/", session)

    return routes


def _welcome(name: str) -> Sheet[WelcomeForm]:
    lead = N_("You sign in as {name}. Choose a password that only you know.")
    return Sheet(WelcomeForm, N_("Welcome"), N_("Begin"), lead, framed=False, words={"name": name})


def _link_ended(request: Request) -> HTMLResponse:
    language = language_of(request)
    return render(
        request,
        "said.html",
        status=410,
        framed=False,
        heading=text(language, N_("This link has ended")),
        lead=text(language, N_("It has been used, or its time is over. Ask the owner for a new one.")),
        verb="",
        secret="",
        link="/sign-in",
        link_name=text(language, N_("Sign in")),
    )
