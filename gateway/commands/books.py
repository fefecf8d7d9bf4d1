"""`etalage books`: the life of rule books, on the box itself. A running gateway follows within a second."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Column, Table

from gateway.books import lifecycle, reading
from gateway.books.lifecycle import StepRefused
from gateway.commands import CommandError
from gateway.commands.config import Config
from gateway.commands.opened import Opened, opened
from gateway.commands.showing import AsJson, counted, moment, print_json
from gateway.offers import decision_log
from gateway.storage import Connection
from gateway.storage.books import BookRecord, every, find
from rules import Book, BookError
from rules.workbench.lifecycle import BookAction
from rules.workbench.replay import ReplayReport, replay_decisions

T = TypeVar("T")

DIFFERENCES_SHOWN = 20
"""Decisions a person reads one by one; the table by offer says the rest."""
HASH_SHOWN = 12
"""Characters of a hash that nobody has twice."""

books = typer.Typer(no_args_is_help=True, help="Rule books: draft, checked, approved, live, paused, archived, and one step back.")
Hash = Annotated[str, typer.Argument(help="The book's hash, or enough of its start; `etalage books list` shows it.")]
By = Annotated[str | None, typer.Option("--by", help="Who takes this step; none: who is logged in here.")]
Note = Annotated[str, typer.Option(help="Why, for the book's record.")]
Zones = Annotated[list[str] | None, typer.Option("--zone", help="Only in this zone first; may be given more than once.")]


@books.command(name="list")
def show(as_json: AsJson = False, config: Config = None) -> None:
    """Show all books, the latest moved first, and where each stands."""
    with opened(config) as gateway, gateway.store.read() as connection:
        rows = every(connection)
    if as_json:
        print_json([_as_row(row) for row in rows])
        return
    hash_ = Column("hash", no_wrap=True, min_width=HASH_SHOWN)  # to be copied, so never cut
    table = Table(hash_, "name", "state", "where", "author", "approved by", "since")
    for row in rows:
        where = ", ".join(row.zones) or ("everywhere" if row.state in ("live", "paused") else "")
        table.add_row(row.hash[:HASH_SHOWN], row.name, row.state, where, row.author, row.approved_by or "", moment(row.state_at_s))
    Console().print(table if rows else "No books yet; `etalage books add BOOK.yaml` keeps one as a draft.")


@books.command()
def add(
    document: Annotated[Path, typer.Argument(help="The rule book, as YAML or JSON.")], by: By = None, config: Config = None
) -> None:
    """Keep a book as a draft and run its cases; without faults it counts as checked."""
    try:
        text = document.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{document}: can't be read ({error}); give the path of a rule book") from error
    with opened(config, create=True) as gateway:
        zones, now_s = gateway.zones(), gateway.now_s()
        book = _done(
            gateway,
            lambda connection: lifecycle.add(connection, text, _by_whom(by), now_s, zones),
            lambda: lifecycle.admit(text, zones),
            str(document),
        )
        typer.echo(f"Book {book[:12]} is kept as a draft.")
        ready = _ready(gateway, book, BookAction.CHECK)
        _done(gateway, lambda connection: lifecycle.check(connection, book, _by_whom(by), now_s, zones), ready)
    typer.echo(f"Its cases pass: it is checked. Next: `etalage books approve {book[:12]}`.")


@books.command()
def approve(book: Hash, by: By = None, note: Note = "", config: Config = None) -> None:
    """Approve a checked book; above its `four_eyes_above` somebody else than its author has to."""
    with opened(config) as gateway:
        ready = _ready(gateway, book, BookAction.APPROVE)
        _done(gateway, lambda connection: lifecycle.approve(connection, book, _by_whom(by), gateway.now_s(), note), ready)
    typer.echo(f"Book {book} is approved. Next: `etalage books live {book}`.")


@books.command()
def live(book: Hash, zone: Zones = None, by: By = None, config: Config = None) -> None:
    """Put a book to work, everywhere or in some zones first. Promises that were made stay as they are."""
    with opened(config) as gateway:
        zones = gateway.zones()
        unknown = sorted(set(zone or ()) - set(zones))
        if unknown:
            raise CommandError(f"the plan has no zone {', '.join(unknown)}; it has: {', '.join(zones)}")
        ready = _ready(gateway, book, BookAction.GO_LIVE)
        _done(gateway, lambda connection: lifecycle.go_live(connection, book, _by_whom(by), gateway.now_s(), zone or ()), ready)
    typer.echo(f"Book {book} is live {'in ' + ', '.join(zone) if zone else 'everywhere'}.")


@books.command()
def pause(book: Hash, by: By = None, note: Note = "", config: Config = None) -> None:
    """Make no more offers from a live book."""
    with opened(config) as gateway:
        _done(gateway, lambda connection: lifecycle.pause(connection, book, _by_whom(by), gateway.now_s(), note))
    typer.echo(f"Book {book} is paused; `etalage books resume {book}` goes on.")


@books.command()
def resume(book: Hash, by: By = None, note: Note = "", config: Config = None) -> None:
    """Let a paused book make offers again."""
    with opened(config) as gateway:
        _done(gateway, lambda connection: lifecycle.resume(connection, book, _by_whom(by), gateway.now_s(), note))
    typer.echo(f"Book {book} is live again.")


@books.command()
def rollback(by: By = None, config: Config = None) -> None:
    """Undo the latest going live, in one step."""
    with opened(config) as gateway:
        ready = _ready(gateway, None, BookAction.GO_LIVE)
        back = _done(gateway, lambda connection: lifecycle.roll_back(connection, _by_whom(by), gateway.now_s()), ready)
    typer.echo(f"Book {back[:12]} is live again." if back else "The whole shop's book decides everywhere again.")


@books.command()
def diff(
    draft: Annotated[str, typer.Argument(help="A rule book's file, or the hash of a kept one.")],
    days: Annotated[float, typer.Option(min=0.01, max=366, help="How far back, in days.")] = 7.0,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Decide the logged decisions again with a draft: who would have got what instead."""
    with opened(config) as gateway, gateway.store.read() as connection:
        book = _draft(connection, draft, gateway.zones())
        logged = list(decision_log.logged_since(connection, gateway.now_s() - days * 86_400))
        report = replay_decisions(book, track(logged, "Deciding again", console=Console(stderr=True)))
    if as_json:
        print_json(asdict(report) | {"changed": report.changed})
    else:
        _show(report)


def _show(report: ReplayReport) -> None:
    console = Console()
    table = Table("offer", "more", "fewer", "the same")
    for offer in sorted({*report.gained, *report.lost, *report.kept}):
        table.add_row(offer, *(str(counts.get(offer, 0)) for counts in (report.gained, report.lost, report.kept)))
    console.print(table)
    for one in report.differences[:DIFFERENCES_SHOWN]:
        was, would_be = (", ".join(offers) or "nothing" for offers in (one.before, one.after))
        console.print(f"{moment(one.at_s)} {one.shopper} in {one.zone or 'the shop'}: {was} → {would_be}", highlight=False)
    if report.changed > DIFFERENCES_SHOWN:
        console.print(f"… and {report.changed - DIFFERENCES_SHOWN} more")
    console.print(f"{report.changed} of {counted(report.decisions, 'decision')} would differ.")


def _draft(connection: Connection, draft: str, zones: tuple[str, ...]) -> Book:
    """Return the book in a file of that name, or the kept one of that hash."""
    try:
        if Path(draft).is_file():
            return reading.load(Path(draft).read_text(encoding="utf-8"), zones)
        row = find(connection, draft)
        if row is None:
            raise CommandError(f"{draft}: neither a file nor the hash of one kept book; `etalage books list` shows them")
        return reading.load(row.document, zones)
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{draft}: can't be read ({error})") from error
    except BookError as error:
        raise _faulty(error, draft) from error


def _ready(gateway: Opened, book: str | None, action: BookAction) -> Callable[[], None]:
    """Return what makes a step ready; `book` None: of the book that rolling back brings."""

    def make() -> None:
        with gateway.store.read() as connection:
            document = lifecycle.document_before(connection) if book is None else lifecycle.document_of(connection, book)
        lifecycle.make_ready(document, action, gateway.zones() if action is BookAction.CHECK else None)

    return make


def _done(gateway: Opened, step: Callable[[Connection], T], first: Callable[[], None] = lambda: None, file: str = "") -> T:
    """Have `first` done here, and then `step` in the writer, whose lock keeps a running gateway waiting."""
    try:
        first()
        return gateway.store.writer.write_blocking(step)
    except StepRefused as error:
        raise CommandError(str(error)) from error
    except BookError as error:
        raise _faulty(error, file) from error


def _faulty(error: BookError, file: str) -> CommandError:
    return CommandError("\n".join(replace(problem, file=file).text() for problem in error.problems))


def _by_whom(by: str | None) -> str:
    return by or getpass.getuser()


def _as_row(book: BookRecord) -> dict[str, object]:
    shown = {"hash": book.hash, "name": book.name, "state": book.state, "zones": list(book.zones), "author": book.author}
    return {**shown, "approved_by": book.approved_by, "since_s": book.state_at_s}
