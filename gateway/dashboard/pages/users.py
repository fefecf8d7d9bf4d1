"""The pages about people who may sign in. They are the owner's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, StringConstraints

from gateway.dashboard.access.callers import ROLE_NAMES, Caller, require
from gateway.dashboard.access.sign_in import ACCOUNT_FAULTS, SignIn
from gateway.dashboard.forms import Choice, Control, FieldRefused
from gateway.dashboard.languages import language_of
from gateway.dashboard.pages.rendering import render, see_other
from gateway.dashboard.pages.sheets import Sheet, sent, show
from gateway.dashboard.pages.sign_in import LANGUAGE_CHOICES, InLanguage, Name
from gateway.dashboard.sentences import local_moment
from gateway.storage import Connection, Store, accounts, audit, users
from gateway.storage.accounts import AccountError
from gateway.storage.users import Role
from rules.texts import N_, Message, text

T = TypeVar("T")
Owner = Annotated[Caller, Depends(require(Role.OWNER))]
FreshOwner = Annotated[Caller, Depends(require(Role.OWNER, fresh=True))]
ROLE_SENTENCES: dict[Role, str] = {
    Role.VIEWER: N_("Viewer: may look."),
    Role.STAFF: N_("Staff: may redeem, and help shoppers at the desk."),
    Role.MARKETEER: N_("Marketeer: may write offers and put them live."),
    Role.ADMIN: N_("Administrator: may set up the shop and its box."),
    Role.OWNER: N_("Owner: may do everything, and decides who else may."),
    Role.TILL: N_("Till: may redeem, and nothing else."),
}
ROLE_CHOICES = tuple(Choice(role.value, said) for role, said in ROLE_SENTENCES.items() if role is not Role.TILL)
RoleCode = Annotated[str, StringConstraints(pattern="^(" + "|".join(choice.value for choice in ROLE_CHOICES) + ")$")]
MAY_DO = Control(N_("May do"), kind="radio", choices=ROLE_CHOICES)


class InviteForm(BaseModel):
    """Somebody new."""

    name: Annotated[Name, Control(N_("Name"))]
    role: Annotated[RoleCode, MAY_DO]
    language: Annotated[InLanguage, Control(N_("Language"), kind="radio", choices=LANGUAGE_CHOICES)]


class RoleForm(BaseModel):
    """Another role for somebody."""

    role: Annotated[RoleCode, MAY_DO]


class RemoveForm(BaseModel):
    """Nothing to fill in: the button says it."""


INVITE = Sheet(
    InviteForm,
    N_("New user"),
    N_("Make the account"),
    N_("A link that works once lets them choose a password."),
    "/shop/users",
)


def router(store: Store, sign_in: SignIn, timezone: str) -> APIRouter:
    """The pages that show who may come in, and let in somebody new."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/shop/users")
    def users_page(request: Request, _caller: Owner) -> HTMLResponse:
        """Show who may come in, and which programs and tills."""
        language = language_of(request)
        with store.read() as connection:
            people = accounts.every(connection)
            tokens = [token for token in users.list_tokens(connection) if token.revoked_at_s is None]
        return render(
            request,
            "users.html",
            people=[(one.name, text(language, ROLE_NAMES[one.role]), one.password is None) for one in people],
            tokens=[
                (one.name, text(language, ROLE_NAMES[one.role]), local_moment(one.made_at_s, timezone, language)) for one in tokens
            ],
        )

    @routes.get("/shop/users/new")
    def invite_page(request: Request, _caller: FreshOwner) -> HTMLResponse:
        """A new person."""
        return show(request, INVITE, {"language": language_of(request), "role": Role.STAFF.value})

    @routes.post("/shop/users/new")
    async def invite(request: Request, caller: FreshOwner) -> Response:
        """Make the account, and show the link with which its person chooses a password."""

        async def take(form: InviteForm) -> Response:
            secret = await sign_in.invite(caller, form.name, Role(form.role), form.language)
            return shown_once(
                request,
                N_("{name} can come in"),
                N_("Send them this link. It works once, for seven days."),
                str(request.url_for("welcome_page", secret=secret)),
                form.name,
            )

        return await sent(request, INVITE, take)

    return routes


def changes(store: Store, now_s: Callable[[], float]) -> APIRouter:
    """The pages that change what somebody may do, or take it away."""
    routes = APIRouter(include_in_schema=False)

    async def do(field: str, work: Callable[[Connection], T]) -> T:
        try:
            return await store.writer.write(work)
        except AccountError as error:
            raise FieldRefused(field, ACCOUNT_FAULTS[error.code]) from error

    @routes.get("/shop/users/{name}/role")
    def role_page(request: Request, name: str, _caller: FreshOwner) -> HTMLResponse:
        """Another role."""
        with store.read() as connection:
            account = accounts.find(connection, name)
        return show(request, _role(name), {"role": account.role.value if account is not None else Role.VIEWER.value})

    @routes.post("/shop/users/{name}/role")
    async def role(request: Request, name: str, caller: FreshOwner) -> Response:
        """Give it, from the person's next call on."""

        async def take(form: RoleForm) -> Response:
            def change(connection: Connection) -> None:
                accounts.set_role(connection, name, Role(form.role))
                audit.note(connection, now_s(), caller.name, "changed_role", f"{name}, {form.role}")

            await do("role", change)
            return see_other("/shop/users", N_("Saved."))

        return await sent(request, _role(name), take)

    @routes.get("/shop/users/{name}/remove")
    def remove_page(request: Request, name: str, _caller: FreshOwner) -> HTMLResponse:
        """Ask before an account goes."""
        return show(request, _removal(name))

    @routes.post("/shop/users/{name}/remove")
    async def remove(request: Request, name: str, caller: FreshOwner) -> Response:
        """Remove an account with all its sessions."""

        def change(connection: Connection) -> None:
            accounts.remove(connection, name)
            audit.note(connection, now_s(), caller.name, "removed_account", name)

        try:
            await do("", change)
        except FieldRefused as refused:
            return show(request, _removal(name, refused.message), status=422)
        return see_other("/shop/users", N_("Saved."))

    return routes


def _role(name: str) -> Sheet[RoleForm]:
    return Sheet(RoleForm, N_("What {name} may do"), N_("Save"), cancel="/shop/users", words={"name": name})


def _removal(name: str, refusal: Message = "") -> Sheet[RemoveForm]:
    lead = refusal or N_("{name} is signed out everywhere and can't sign in any more. What they did stays in the record.")
    return Sheet(
        RemoveForm, N_("Remove {name}?"), N_("Remove {name}"), lead, cancel="/shop/users", danger=True, words={"name": name}
    )


def shown_once(request: Request, heading: str, lead: str, secret: str, name: str) -> HTMLResponse:
    """Return a page with a secret that can't be shown again."""
    language = language_of(request)
    return render(
        request,
        "said.html",
        heading=text(language, heading, name=name),
        lead=text(language, lead),
        verb="",
        secret=secret,
        link="/shop/users",
        link_name=text(language, N_("Back to users")),
    )
