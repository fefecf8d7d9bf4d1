"""`etalage doctor`: everything an IT person would look at, looked at, each line fine or with what to do."""

from __future__ import annotations

import json as json_
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.commands.config import Config, settings_of
from gateway.commands.opened import InLanguage
from gateway.doctor.examination import examine
from gateway.doctor.finding import Finding, Grade, worst
from rules.texts import Language

SIGNS = {Grade.FINE: "[green]✓[/]", Grade.UNKNOWN: "?", Grade.LOOK: "[yellow]![/]", Grade.BROKEN: "[red]✗[/]"}


def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    language: InLanguage = Language.EN,
    config: Config = None,
) -> None:
    """Examine this box. Ends with 0 when all is fine or can wait, with 1 when something is broken.

    Run it as root or as the gateway's user: others may not read its files.
    """
    found = examine(settings_of(config))
    if json:
        typer.echo(json_.dumps([_as_json(finding, language) for finding in found], indent=2, ensure_ascii=False))
    else:
        table = Table.grid(padding=(0, 1))
        for finding in found:
            table.add_row(SIGNS[finding.grade], Text(finding.says(language)), Text(finding.to_do(language)))
        Console().print(table)
    if worst(found) is Grade.BROKEN:
        raise typer.Exit(1)


def _as_json(finding: Finding, language: Language) -> dict[str, str]:
    return {
        "about": finding.about,
        "grade": finding.grade.value,
        "says": finding.says(language),
        "to_do": finding.to_do(language),
    }
