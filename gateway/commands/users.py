"""`etalage users`: API tokens, made, listed and revoked on the box itself."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from itertools import count
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from gateway.commands import CommandError
from gateway.commands.opened import Config, opened
from gateway.storage import Connection, Store
from gateway.storage.users import Role, Token, TokenError, create_token, list_tokens, revoke_token

T = TypeVar("T")
users = typer.Typer(no_args_is_help=True, help="Who may call the API: tokens with a role, of which only a hash is kept.")


@users.command()
def token(
    role: Annotated[Role, typer.Option(help="What it may do; give a cash register `till`.")],
    name: Annotated[str | None, typer.Option(help="Whose it is, as in `till-2`; a free one is made up if you give none.")] = None,
    config: Config = None,
) -> None:
    """Make a token. It is printed once, on standard output, and can't be shown again."""

    def make(connection: Connection) -> tuple[str, str]:
        chosen = name or _free_name(role, list_tokens(connection))
        return chosen, create_token(connection, name=chosen, role=role, at_s=now_s)

    with opened(config, create=True) as gateway:
        now_s = gateway.now_s()
        made, secret = _written(gateway.store, make)
    typer.echo(
        f"Token {made} with the role {role} is made. Keep it as you keep a key: it is not stored and not shown again.", err=True
    )
    typer.echo(secret)


@users.command(name="list")
def show(config: Config = None) -> None:
    """Show all tokens ever made: whose, which role, since when. Never the tokens themselves."""
    with opened(config, create=True) as gateway, gateway.store.read() as connection:
        known = list_tokens(connection)
    table = Table("name", "role", "made", "revoked")
    for one in known:
        table.add_row(one.name, one.role, _when(one.made_at_s), _when(one.revoked_at_s))
    Console(file=sys.stdout).print(table if known else "No tokens yet; `etalage users token --role admin` makes one.")


@users.command()
def revoke(name: Annotated[str, typer.Argument(help="As `etalage users list` shows it.")], config: Config = None) -> None:
    """End a token at once and for good."""
    with opened(config, create=True) as gateway:
        _written(gateway.store, lambda connection: revoke_token(connection, name=name, at_s=gateway.now_s()))
    typer.echo(f"Token {name} is revoked.")


def _written(store: Store, work: Callable[[Connection], T]) -> T:
    try:
        return store.writer.submit(work).result()
    except TokenError as error:
        raise CommandError(str(error)) from error


def _free_name(role: Role, known: list[Token]) -> str:
    taken = {token.name for token in known}
    return next(name for number in count(1) if (name := f"{role}-{number}") not in taken)


def _when(at_s: float | None) -> str:
    return "" if at_s is None else f"{datetime.fromtimestamp(at_s).astimezone():%Y-%m-%d %H:%M}"
