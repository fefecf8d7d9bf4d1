"""`etalage shop`: what the shop says of itself today. A running gateway goes by it within a second."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from gateway.books.shop_facts import FactValue, ShopFactNow, ShopFacts, as_read, declared
from gateway.commands import CommandError
from gateway.commands.config import Config
from gateway.commands.opened import InLanguage, Opened, opened
from gateway.commands.showing import AsJson, moment, print_json
from rules import Book, BookError
from rules.format.literals import typed_fact
from rules.texts import Language

T = TypeVar("T")

"""How staff say a flag, besides `true` and `false`."""

shop = typer.Typer(no_args_is_help=True, help="What the shop says of itself: weather, stock, anything a live rule book asks it.")
Name = Annotated[str, typer.Argument(help="The fact, as `etalage shop list` shows it.")]


@shop.command(name="list")
def show(as_json: AsJson = False, language: InLanguage = Language.EN, config: Config = None) -> None:
    """Show whether the shop is open, and every fact that the live rule books ask for."""
    with opened(config) as gateway:
        now_s = gateway.now_s()
        said = _facts(gateway)
        facts, is_open = said.every(gateway.live_books()), said.open_at(now_s)
    if as_json:
        print_json({"open": is_open, "facts": [_as_fact(fact, now_s, language) for fact in facts]})
        return
    console = Console()
    console.print({True: "The shop is open.", False: "The shop is closed.", None: "The store plan has no opening hours."}[is_open])
    table = Table("fact", "what it is", "may be", "value", "set", "by", "counts")
    for fact in facts:
        table.add_row(*_row(fact, language), "yes" if fact.counts_at(now_s) else "no")
    console.print(table if facts else "No live rule book asks the shop anything.")


# A number below zero is a value here, not an option.
@shop.command(name="set", context_settings={"ignore_unknown_options": True})
def say(
    name: Name,
    value: Annotated[str, typer.Argument(help="The value; a set with commas: fish,wine.")],
    by: Annotated[str | None, typer.Option("--by", help="Who says so; none: who is logged in here.")] = None,
    language: InLanguage = Language.EN,
    config: Config = None,
) -> None:
    """Set a fact. Setting it again makes it fresh again."""
    with opened(config) as gateway:
        books = gateway.live_books()
        given = _value(books, name, value)
        _said(language, lambda: _facts(gateway).set(books, name, given, gateway.now_s(), by or getpass.getuser()))
    typer.echo(f"{name} is set.")


@shop.command()
def clear(name: Name, language: InLanguage = Language.EN, config: Config = None) -> None:
    """Say no more of a fact: it is unknown again, and what needs it isn't offered."""
    with opened(config) as gateway:
        cleared = _said(language, lambda: _facts(gateway).clear(gateway.live_books(), name))
    typer.echo(f"{name} is unknown again." if cleared else f"{name} was unknown already.")


def _facts(gateway: Opened) -> ShopFacts:
    return ShopFacts(gateway.store, gateway.plan().open_at)


def _said(language: Language, step: Callable[[], T]) -> T:
    try:
        return step()
    except BookError as error:
        lines = "\n".join(problem.text(language) for problem in error.problems)
        raise CommandError(f"{lines}; `etalage shop list` shows what can be said") from error


def _value(books: tuple[Book, ...], name: str, text: str) -> FactValue:
    """Return what somebody typed, in the form its field has."""
    if text != text.encode(errors="replace").decode():
        raise CommandError(f"{name}: the value is not UTF-8 text; type it in a terminal that is set to UTF-8")
    typed: list[FactValue] = []
    for field in declared(books).get(name, ()):
        typed.append(typed_fact(field, text))
        if field.admits(as_read(typed[-1])):
            return typed[-1]
    return typed[0] if typed else text


def _as_fact(fact: ShopFactNow, now_s: float, language: Language) -> dict[str, object]:
    field = fact.field
    return {
        "name": fact.name,
        "label": field.label[language] if field else None,
        "type": field.type.value if field else None,
        "values": sorted(field.values) if field and field.values else [],
        "value": fact.value,
        "set_at_s": fact.set_at_s,
        "set_by": fact.set_by,
        "counts": fact.counts_at(now_s),
    }


def _row(fact: ShopFactNow, language: Language) -> tuple[str, ...]:
    field = fact.field
    label = field.label[language] if field else "no live rule book asks for it"
    may_be = ", ".join(sorted(field.values)) if field and field.values else field.type.value if field else ""
    value = ", ".join(fact.value) if isinstance(fact.value, list) else "" if fact.value is None else str(fact.value)
    return fact.name, label, may_be, value, moment(fact.set_at_s), fact.set_by or ""
