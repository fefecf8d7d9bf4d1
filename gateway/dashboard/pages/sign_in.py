"""The pages that let people in, claim and sign-in; and those of one's own account."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, StringConstraints

from gateway.dashboard.access.callers import Caller, require
from gateway.dashboard.access.csrf import SESSION_COOKIE
from gateway.dashboard.access.middleware import address_of
from gateway.dashboard.access.passwords import LENGTH_MAX
from gateway.dashboard.access.sign_in import LASTS_LONGEST_S, SignIn
from gateway.dashboard.forms import Choice, Control
from gateway.dashboard.languages import language_of
from gateway.dashboard.pages.rendering import own_path, see_other, set_session
from gateway.dashboard.pages.sheets import Sheet, sent, show
from gateway.storage.accounts import NAME_MAX
from gateway.storage.users import Role
from rules.texts import LANGUAGES, N_, own_name

Name = Annotated[str, StringConstraints(min_length=1, max_length=NAME_MAX)]
Typed = Annotated[str, StringConstraints(min_length=1, max_length=LENGTH_MAX)]
InLanguage = Annotated[str, StringConstraints(pattern="^(" + "|".join(LANGUAGES) + ")$")]
LANGUAGE_CHOICES = tuple(Choice(language.value, own_name(language), as_is=True) for language in LANGUAGES)
PASSWORD_HELP = N_("At least 10 characters; a few words are best.")
NEW_PASSWORD = Control(N_("Password"), PASSWORD_HELP, kind="password", autocomplete="new-password", kept=False)
KNOWN_PASSWORD = Control(N_("Password"), kind="password", autocomplete="current-password", kept=False)
Anybody = Annotated[Caller, Depends(require(Role.VIEWER))]


class ClaimForm(BaseModel):
    """Who takes a new box into use."""

    code: Annotated[
        str,
        StringConstraints(min_length=1, max_length=40),
        Control(N_("Code"), N_("From the screen or the log of the box."), kept=False),
    ]
    name: Annotated[Name, Control(N_("Your name"), autocomplete="username")]
    language: Annotated[InLanguage, Control(N_("Language"), kind="radio", choices=LANGUAGE_CHOICES)]
    password: Annotated[Typed, NEW_PASSWORD]


class SignInForm(BaseModel):
    """Name and password."""

    name: Annotated[Name, Control(N_("Name"), autocomplete="username")]
    password: Annotated[Typed, KNOWN_PASSWORD]


class ConfirmForm(BaseModel):
    """The password once more."""

    password: Annotated[Typed, KNOWN_PASSWORD]


class PasswordForm(BaseModel):
    """A new password, by who knows the old one."""

    old: Annotated[Typed, Control(N_("Password now"), kind="password", autocomplete="current-password", kept=False)]
    new: Annotated[Typed, Control(N_("New password"), PASSWORD_HELP, kind="password", autocomplete="new-password", kept=False)]


CLAIM = Sheet(
    ClaimForm,
    N_("Take this box into use"),
    N_("Take into use"),
    N_("This box has no owner yet. The code shows that you can get at it."),
    framed=False,
)
SIGN_IN = Sheet(SignInForm, N_("Sign in"), N_("Sign in"), forgotten=True, framed=False)
CONFIRM = Sheet(
    ConfirmForm,
    N_("Confirm that it is you"),
    N_("Continue"),
    N_("What comes next can't be undone, so give your password once more."),
    cancel="/",
)
ACCOUNT = Sheet(PasswordForm, N_("Your account"), N_("Change the password"), cancel="/")


def router(sign_in: SignIn, first_page: str) -> APIRouter:
    """The pages that anybody may open. `first_page`: where a new owner goes on."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/claim")
    def claim_page(request: Request) -> Response:
        """Show where a new box gets its owner."""
        if sign_in.is_claimed():
            return RedirectResponse("/sign-in", 303)
        return show(request, CLAIM, {"language": language_of(request)})

    @routes.post("/claim")
    async def claim(request: Request) -> Response:
        """Take the box into use."""

        async def take(form: ClaimForm) -> Response:
            address = address_of(request)
            return let_in(request, first_page, await sign_in.claim(form.code, form.name, form.password, form.language, address))

        return await sent(request, CLAIM, take)

    @routes.get("/sign-in")
    def sign_in_page(request: Request) -> Response:
        """Name and password."""
        return show(request, SIGN_IN) if sign_in.is_claimed() else RedirectResponse("/claim", 303)

    @routes.post("/sign-in")
    async def signed_in(request: Request) -> Response:
        """Open a session, and go on where the caller wanted to go."""

        async def take(form: SignInForm) -> Response:
            session = await sign_in.sign_in(form.name, form.password, address_of(request))
            return let_in(request, own_path(request.query_params.get("next")), session)

        return await sent(request, SIGN_IN, take)

    return routes


def own_pages(sign_in: SignIn) -> APIRouter:
    """The pages of one's own account."""
    routes = APIRouter(include_in_schema=False)

    @routes.post("/sign-out")
    async def sign_out(caller: Anybody) -> Response:
        """End the session."""
        await sign_in.sign_out(caller)
        response = see_other("/sign-in")
        response.delete_cookie(SESSION_COOKIE)
        return response

    @routes.get("/confirm")
    def confirm_page(request: Request, _caller: Anybody) -> Response:
        """The password once more, before something that can't be undone."""
        return show(request, CONFIRM)

    @routes.post("/confirm")
    async def confirm(request: Request, caller: Anybody) -> Response:
        """Take the password, and go back to what needed it."""

        async def take(form: ConfirmForm) -> Response:
            await sign_in.confirm(caller, form.password, address_of(request))
            return see_other(own_path(request.query_params.get("next")))

        return await sent(request, CONFIRM, take)

    @routes.get("/account")
    def account_page(request: Request, caller: Anybody) -> Response:
        """One's own account."""
        return RedirectResponse("/sign-in?next=/account", 303) if caller.session is None else show(request, ACCOUNT)

    @routes.post("/account")
    async def change_password(request: Request, caller: Anybody) -> Response:
        """Take a new password; the sessions of other browsers end."""

        async def take(form: PasswordForm) -> Response:
            session = await sign_in.change_password(caller, form.old, form.new, address_of(request))
            return let_in(request, "/account", session, N_("Your password has changed; other browsers are signed out."))

        return await sent(request, ACCOUNT, take)

    return routes


def let_in(request: Request, path: str, session: str, notice: str = "") -> RedirectResponse:
    """Go on with a session. The cookie outlives every session; how long one lasts is looked up at each call."""
    response = see_other(path, notice)
    set_session(request, response, session, LASTS_LONGEST_S)
    return response
