"""`etalage`: the command line. Each command is a module of gateway/commands, imported only when it is asked for."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import entry_points
from typing import Annotated

import typer

from gateway import __version__
from gateway.commands import CommandError

COMMANDS = {
    "run": "gateway.commands.run:run",
    "scanner": "gateway.commands.scanner:scanner",
    "record": "gateway.commands.record:record",
    "settings": "gateway.commands.settings:settings",
    "schema": "gateway.commands.schema:schema",
    "replay": "gateway.commands.replay:replay",
    "calibrate": "gateway.commands.calibrate:calibrate",
    "rules": "gateway.commands.rules:rules",
    "books": "gateway.commands.books:books",
    "plan": "gateway.commands.plan:plan",
    "shop": "gateway.commands.shop:shop",
    "users": "gateway.commands.users:users",
    "privacy": "gateway.commands.privacy:privacy",
    "export": "gateway.commands.export:export",
    "erase": "gateway.commands.erase:erase",
    "backup": "gateway.commands.backup:backup",
    "restore": "gateway.commands.backup:restore",
    "recall": "gateway.commands.recall:recall",
    "quarantine": "gateway.commands.quarantine:quarantine",
    "update": "gateway.commands.update:update",
    "rollback": "gateway.commands.update:rollback",
    "doctor": "gateway.commands.doctor:doctor",
    "contract": "gateway.commands.contract:contract",
}
"""Command to `module:name` of the typer function or app behind it."""


def _places() -> dict[str, str]:
    """Ours, and those from above the gateway (the simulated shop's `demo`), which it may not import itself."""
    return COMMANDS | {entry.name: entry.value for entry in entry_points(group="etalage.commands")}


def build(wanted: str | None = None) -> typer.Typer:
    """The command line; only the `wanted` command is loaded where it is known: a Pi needn't load the radio to make a token."""
    # Typer's own tracebacks print local variables, and those may hold a key or a password.
    app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=_root.__doc__)
    app.callback()(_root)
    places = _places()
    if wanted in places or wanted == "--version":
        places = {name: place for name, place in places.items() if name == wanted}
    for name, place in places.items():
        module, _, attribute = place.partition(":")
        found = getattr(import_module(module), attribute)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            app.command(name)(found)
    return app


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"etalage {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """Etalage: the in-store beacon personalization gateway."""


def main() -> None:
    """Run a command; what a person can mend is said in a line, without a traceback.

    Ends with 0 where all is fine, 1 where it isn't, and 2 where the command line itself can't be read.
    """
    try:
        build(sys.argv[1] if len(sys.argv) > 1 else None)()
    except CommandError as error:
        typer.echo(f"etalage: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
