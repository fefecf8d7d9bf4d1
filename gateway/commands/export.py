"""`etalage export`: all that is held about one shopper, for them to read or to take elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.commands import CommandError
from gateway.commands.config import Config
from gateway.commands.opened import InLanguage, opened
from gateway.privacy.dossier import as_document, as_json, dossier
from gateway.private_files import open_to_write
from rules.texts import Language


def export(
    shopper: Annotated[str, typer.Argument(help="The shopper's pseudonym.")],
    document: Annotated[bool, typer.Option("--document", help="A document for a person to read, in place of JSON.")] = False,
    out: Annotated[Path | None, typer.Option(help="File to write, readable by you only; none: standard output.")] = None,
    language: InLanguage = Language.NL,
    config: Config = None,
) -> None:
    """Write down everything that is held about a shopper, with the reasons of every decision (GDPR articles 15 and 20)."""
    with opened(config) as gateway, gateway.store.read() as connection:
        held = dossier(connection, shopper, gateway.settings, gateway.now_s(), language)
        if held is None:
            raise CommandError(f"nothing is held about {shopper!r}; check the pseudonym with the backend")
        text = as_document(held, gateway.settings, language) if document else as_json(held) + "\n"
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        with open_to_write(out) as file:
            file.write(text.encode())
    except OSError as error:
        raise CommandError(f"{out}: can't be written ({error.strerror}); give a path in a folder of yours") from error
    typer.echo(f"{out}: everything about {shopper}; hand it over, then delete it", err=True)
