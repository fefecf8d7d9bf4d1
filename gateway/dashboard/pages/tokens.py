"""The pages about access for programs and tills. They are the owner's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, StringConstraints

from gateway.dashboard.forms import Choice, Control, FieldRefused
from gateway.dashboard.pages.rendering import see_other
from gateway.dashboard.pages.sheets import Sheet, sent, show
from gateway.dashboard.pages.users import ROLE_SENTENCES, FreshOwner, shown_once
from gateway.storage import Connection, Store, audit, users
from gateway.storage.users import Role, TokenError
from rules.texts import N_

CHOICES = tuple(Choice(role.value, said) for role, said in ROLE_SENTENCES.items() if role is not Role.OWNER)


class TokenForm(BaseModel):
    """Access for a program or a till."""

    name: Annotated[
        str,
        StringConstraints(min_length=1, max_length=48),
        Control(N_("Name"), N_("Small letters, digits, _ and -, as in till-2.")),
    ]
    role: Annotated[
        str,
        StringConstraints(pattern="^(" + "|".join(choice.value for choice in CHOICES) + ")$"),
        Control(N_("May do"), kind="radio", choices=CHOICES),
    ]


TOKEN = Sheet(TokenForm, N_("New token"), N_("Make the token"), N_("It is shown once. Only its hash is kept."), "/shop/users")


def router(store: Store, now_s: Callable[[], float]) -> APIRouter:
    """The pages under /shop/users/tokens."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/shop/users/tokens/new")
    def token_page(request: Request, _caller: FreshOwner) -> HTMLResponse:
        """Access for a program or a till."""
        return show(request, TOKEN, {"role": Role.TILL.value})

    @routes.post("/shop/users/tokens/new")
    async def token(request: Request, caller: FreshOwner) -> Response:
        """Make the token and show it, the only time it can be seen."""

        async def take(form: TokenForm) -> Response:
            def make(connection: Connection) -> str:
                made = users.create_token(connection, name=form.name, role=Role(form.role), at_s=now_s())
                audit.note(connection, now_s(), caller.name, "made_token", form.name)
                return made

            try:
                secret = await store.writer.write(make)
            except TokenError as error:
                raise FieldRefused("name", N_("This name can't be used: {why}"), why=str(error)) from error
            return shown_once(request, N_("The token {name}"), N_("Copy it now; it can't be shown again."), secret, form.name)

        return await sent(request, TOKEN, take)

    @routes.post("/shop/users/tokens/{name}/revoke")
    async def revoke(name: str, caller: FreshOwner) -> Response:
        """End a token at once."""

        def end(connection: Connection) -> None:
            users.revoke_token(connection, name=name, at_s=now_s())
            audit.note(connection, now_s(), caller.name, "revoked_token", name)

        try:
            await store.writer.write(end)
        except TokenError:
            return see_other("/shop/users", N_("That token had ended already."))
        return see_other("/shop/users", N_("The token is revoked."))

    return routes
