"""`etalage users claim|add|password|reset`: who may sign in to the dashboard, from the box itself."""

from __future__ import annotations

import getpass
import secrets
import sys
from collections.abc import Callable
from typing import Annotated, TypeVar

import typer

from gateway.commands import CommandError
from gateway.commands.config import Config
from gateway.commands.opened import Opened, opened
from gateway.dashboard.access.passwords import LENGTH_MAX, LENGTH_MIN, hashed
from gateway.dashboard.access.sign_in import SECRET_BYTES, WELCOME_S, new_claim_code
from gateway.storage import Connection, accounts, audit
from gateway.storage.accounts import AccountError, LinkKind
from gateway.storage.users import Role
from rules.texts import Language

T = TypeVar("T")
ON_THE_BOX = "on the box"
"""Who did it, in the record of deeds: whoever may type commands there."""


def claim(config: Config = None) -> None:
    """Print a new claim code: whoever types it on the dashboard's first page becomes the owner. It is good once, for a day."""
    with opened(config, create=True) as gateway:
        if _done(gateway, accounts.any_owner):
            raise CommandError("this box has an owner; `etalage users reset` takes that back")
        typer.echo(new_claim_code(gateway.store, gateway.now_s()))


def add(
    name: Annotated[str, typer.Argument(help="As they will sign in.")],
    role: Annotated[Role, typer.Option(help="What they may do.")] = Role.STAFF,
    language: Annotated[Language, typer.Option(help="What they read.")] = Language.NL,
    config: Config = None,
) -> None:
    """Make an account, and print the path of a page on which its person chooses a password; it works once, for seven days."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    with opened(config, create=True) as gateway:
        now_s = gateway.now_s()

        def make(connection: Connection) -> None:
            account = accounts.add(connection, name, role, language, None, now_s)
            accounts.add_link(connection, secret, account.name, LinkKind.WELCOME, now_s + WELCOME_S)
            audit.note(connection, now_s, ON_THE_BOX, "invited", account.name)

        _done(gateway, make)
    typer.echo(f"{name} is made. Have them open this path of the dashboard:", err=True)
    typer.echo(f"/welcome/{secret}")


def password(name: Annotated[str, typer.Argument(help="Whose.")], config: Config = None) -> None:
    """Give somebody a new password, asked for here or read from standard input; they are signed out everywhere."""
    with opened(config) as gateway:
        if _done(gateway, lambda connection: accounts.find(connection, name)) is None:
            raise CommandError(f"no account is called {name!r}; `etalage users list` shows them")
        chosen = _asked()

        def change(connection: Connection) -> None:
            accounts.set_password(connection, name, chosen)
            audit.note(connection, gateway.now_s(), ON_THE_BOX, "changed_password", name)

        _done(gateway, change)
    typer.echo(f"{name} has a new password.", err=True)


def reset(
    config: Config = None, yes: Annotated[bool, typer.Option("--yes", help="Don't ask whether it is meant.")] = False
) -> None:
    """Remove every account, and print a claim code for a new owner. Tokens, offers and shoppers stay as they are."""
    if not yes:
        typer.confirm("Remove every account of this box's dashboard?", abort=True, err=True)
    with opened(config) as gateway:
        _done(gateway, accounts.remove_all)
        typer.echo(new_claim_code(gateway.store, gateway.now_s()))


def _asked() -> str:
    """Return what to store of a password that a person types twice, or that comes by standard input. Raises CommandError."""
    if sys.stdin.isatty():
        chosen = getpass.getpass("New password: ")
        if getpass.getpass("Once more: ") != chosen:
            raise CommandError("the two are not the same; nothing was changed")
    else:
        chosen = sys.stdin.readline().rstrip("\n")
    if not LENGTH_MIN <= len(chosen) <= LENGTH_MAX:
        raise CommandError(f"a password has {LENGTH_MIN} to {LENGTH_MAX} characters; nothing was changed")
    return hashed(chosen)


def _done(gateway: Opened, work: Callable[[Connection], T]) -> T:
    try:
        return gateway.store.writer.write_blocking(work)
    except AccountError as error:
        raise CommandError(str(error)) from error
