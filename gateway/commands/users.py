"""`etalage users`: API tokens, made, listed and revoked on the box itself."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import count
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from gateway.commands import CommandError, accounts
from gateway.commands.config import Config
from gateway.commands.opened import opened
from gateway.commands.showing import AsJson, moment, print_json
from gateway.storage import Connection, Store
from gateway.storage.accounts import every
from gateway.storage.users import Role, Token, TokenError, create_token, list_tokens, revoke_token

T = TypeVar("T")
users = typer.Typer(no_args_is_help=True, help="Who may come in: people who sign in, and tokens for programs and tills.")
for command in (accounts.claim, accounts.add, accounts.password, accounts.reset):
    users.command()(command)


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
def show(as_json: AsJson = False, config: Config = None) -> None:
    """Show who may sign in, and all tokens ever made: whose, which role, since when. Never a password or a token itself."""
    with opened(config) as gateway, gateway.store.read() as connection:
        people, known = every(connection), list_tokens(connection)
    if as_json:
        print_json(
            {
                "people": [{"name": one.name, "role": one.role, "made_at_s": one.made_at_s} for one in people],
                "tokens": [
                    {"name": one.name, "role": one.role, "made_at_s": one.made_at_s, "revoked_at_s": one.revoked_at_s}
                    for one in known
                ],
            }
        )
        return
    table = Table("name", "kind", "role", "made", "revoked")
    for person in people:
        table.add_row(person.name, "person", person.role, moment(person.made_at_s), "")
    for one in known:
        table.add_row(one.name, "token", one.role, moment(one.made_at_s), moment(one.revoked_at_s))
    nobody = "Nobody yet; `etalage users claim` prints the code for the first page, `etalage users token` makes a token."
    Console(file=sys.stdout).print(table if people or known else nobody)


@users.command()
def revoke(name: Annotated[str, typer.Argument(help="As `etalage users list` shows it.")], config: Config = None) -> None:
    """End a token at once and for good."""
    with opened(config) as gateway:
        _written(gateway.store, lambda connection: revoke_token(connection, name=name, at_s=gateway.now_s()))
    typer.echo(f"Token {name} is revoked.")


def _written(store: Store, work: Callable[[Connection], T]) -> T:
    try:
        return store.writer.write_blocking(work)
    except TokenError as error:
        raise CommandError(str(error)) from error


def _free_name(role: Role, known: list[Token]) -> str:
    taken = {token.name for token in known}
    return next(name for number in count(1) if (name := f"{role}-{number}") not in taken)
