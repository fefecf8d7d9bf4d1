"""`etalage privacy`: what is collected, why and read by whom, and the papers that go with it, from the live settings and rules."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from gateway.commands.config import Config
from gateway.commands.opened import InLanguage, opened
from gateway.commands.showing import AsJson, print_json
from gateway.privacy.papers import impact_assessment, privacy_statement
from gateway.privacy.report import Report, collected_table, kept_table, privacy_report
from gateway.settings import Settings
from rules.texts import N_, Language, text

privacy = typer.Typer(no_args_is_help=True, help="What is collected about shoppers, why, and who reads it.")


@privacy.command()
def report(as_json: AsJson = False, language: InLanguage = Language.NL, config: Config = None) -> None:
    """Show what is collected, why and read by which offers, how many consented, and how long everything is kept."""
    made, _settings = _report(config, language)
    if as_json:
        print_json(made.as_dict())
        return
    console = Console()
    words = text(language, N_("shoppers who consented"))
    console.print(f"{made.shoppers} {words}: " + ", ".join(f"{purpose} {count}" for purpose, count in made.by_purpose.items()))
    for table in (collected_table(made), kept_table(made)):
        console.print(_as_rich(table))


@privacy.command()
def statement(language: InLanguage = Language.NL, config: Config = None) -> None:
    """Print the draft of a privacy statement, as Markdown, filled in from the settings and the live rules."""
    _print(privacy_statement, config, language)


@privacy.command()
def dpia(language: InLanguage = Language.NL, config: Config = None) -> None:
    """Print the data protection impact assessment's template, as Markdown, filled in as far as the gateway knows."""
    _print(impact_assessment, config, language)


def _print(paper: Callable[[Report, Settings], str], config: Path | None, language: Language) -> None:
    typer.echo(paper(*_report(config, language)), nl=False)


def _report(config: Path | None, language: Language) -> tuple[Report, Settings]:
    with opened(config) as gateway:
        books = gateway.live_books()
        with gateway.store.read() as connection:
            return privacy_report(connection, books, gateway.settings, gateway.now_s(), language), gateway.settings


def _as_rich(markdown: str) -> Table:
    head, _rule, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in markdown.splitlines()]
    table = Table(*head)
    for row in rows:
        table.add_row(*row)
    return table
