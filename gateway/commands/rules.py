"""`etalage rules`: check a rule book and its cases, and ask it why and why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gateway.clock import SystemClock
from gateway.commands import CommandError
from gateway.commands.opened import InLanguage
from gateway.commands.showing import AsJson, counted, print_json
from gateway.zones.plan import PlanError, load_plan
from rules import Book, BookError, Explanation, Gate, Situation, explain, load_book
from rules.format.document import CaseSituation
from rules.format.literals import parse_fact, typed_fact
from rules.format.reading import scalar
from rules.format.wording import money
from rules.loading.checks import check_situation, known_names, unchecked_zones
from rules.loading.load import problems_of
from rules.texts import Language
from rules.workbench.cards import ShownCard, cards_in, cards_of
from rules.workbench.cases import CaseReport, run_cases, situation_of_case
from rules.workbench.lifecycle import needs_four_eyes, value_cents

rules = typer.Typer(no_args_is_help=True, help="Rule books on disk: check one, and ask it why.")
BookFile = Annotated[Path, typer.Argument(help="The rule book, as YAML or JSON.", show_default=False)]
PlanFile = Annotated[Path | None, typer.Option("--plan", help="The store plan: zones that it lacks are refused.")]


@rules.command()
def check(book: BookFile, plan: PlanFile = None, language: InLanguage = Language.EN, as_json: AsJson = False) -> None:
    """Validate a book, run its cases, and show which offers no case reaches."""
    try:
        loaded = _loaded(book, plan, language)
        report = _cases(loaded, language)
    except CommandError as error:
        if as_json:
            print_json({"right": False, "faults": str(error).splitlines()})
        raise
    if as_json:
        print_json(_as_found(loaded, report))
    else:
        _show_check(loaded, report, language)
    failed, ran = sum(not result.passed for result in report.results), len(report.results)
    if failed:
        raise CommandError(f"{failed} of {counted(ran, 'case')} came out otherwise: change the book or the case")
    if not as_json:
        typer.echo(f"All {ran} cases pass." if ran > 1 else "The one case passes." if ran else "The book carries no cases.")


def _cases(book: Book, language: Language) -> CaseReport:
    try:
        return run_cases(book)
    except BookError as error:
        raise CommandError("\n".join(problem.text(language) for problem in error.problems)) from None


def _show_check(book: Book, report: CaseReport, language: Language) -> None:
    now_s = SystemClock().now_s()
    _show_cases(report)
    _show_cards(cards_of(book, now_s))
    typer.echo(f"{book.id} {book.hash[:12]}: {counted(len(book.rules), 'offer')}, {_given_away(book, now_s, language)}.")
    if unchecked := unchecked_zones(book):
        typer.echo(f"Zones that nothing was checked against: {', '.join(unchecked)}. Give --plan, or name them under `zones`.")


def _as_found(book: Book, report: CaseReport) -> dict[str, object]:
    """Return what a check found, for JSON; `worth_cents` is what the book can give away in a year, null without a bound."""
    now_s = SystemClock().now_s()
    cases = [
        {"name": one.name, "passed": one.passed, "chosen": one.chosen, "expected": one.expected, "reasons": one.reasons}
        for one in report.results
    ]
    reached = [{"offer": one.offer, "chosen": one.chosen, "stopped_by": dict(one.gates)} for one in report.coverage]
    return {
        "book": book.id,
        "hash": book.hash,
        "right": report.passed,
        "worth_cents": value_cents(book, now_s),
        "currency": book.document.currency,
        "second_person": needs_four_eyes(book, now_s),
        "unchecked_zones": list(unchecked_zones(book)),
        "cases": cases,
        "offers": reached,
    }


def _given_away(book: Book, now_s: float, language: Language) -> str:
    """Return what a book can give away, and whether that takes a second person."""
    worth = value_cents(book, now_s)
    eyes = "; approval takes a second person" if needs_four_eyes(book, now_s) else ""
    if worth == 0:
        return f"gives nothing away{eyes}"
    if worth is None:
        return f"gives away without a bound{eyes}"
    most = money(worth / 100, language, book.document.currency)
    return f"gives away at most {most} in a year, all windows of its caps together{eyes}"


@rules.command(name="explain")
def dry_run(
    book: BookFile,
    event: Annotated[str, typer.Option(help="visit_start, enter, dwell, exit or purchase.")] = "enter",
    zone: Annotated[str | None, typer.Option(help="Where it happens.")] = None,
    dwell: Annotated[str | None, typer.Option(help="How long the shopper has been there, as in 15s.")] = None,
    at: Annotated[str | None, typer.Option(help="Any now, in the shop's time: 2026-12-05T17:30. None: this moment.")] = None,
    given: Annotated[list[str] | None, typer.Option("--fact", help="A fact: stage=fan; a set with commas: path=fish,wine.")] = None,
    happened: Annotated[
        list[str] | None, typer.Option("--happened", help="offer:what:ago, as in wine-tasting:dismissed:20d.")
    ] = None,
    purpose: Annotated[list[str] | None, typer.Option(help="A purpose the shopper consented to. None given: all.")] = None,
    shopper: Annotated[str, typer.Option(help="Whose test groups to look up.")] = "case",
    exhausted: Annotated[list[str] | None, typer.Option(help="An offer whose cap is reached.")] = None,
    attention: Annotated[float | None, typer.Option(help="Tokens left. None: a full budget.")] = None,
    plan: PlanFile = None,
    language: InLanguage = Language.EN,
    comparisons: Annotated[bool, typer.Option("--comparisons", help="Show every comparison of every condition.")] = False,
    as_json: AsJson = False,
) -> None:
    """Dry run: what this book would do in any situation at any moment, with a reason for every offer."""
    loaded = _loaded(book, plan, language)
    described = {
        "event": event,
        "zone": zone,
        "at": at or datetime.fromtimestamp(SystemClock().now_s(), loaded.zone).isoformat(timespec="seconds"),
        "dwell": dwell,
        "shopper": shopper,
        "language": language,
        "history": [_happening(one) for one in happened or ()],
        "exhausted": exhausted or [],
        "attention": attention,
        "facts": dict(_fact(loaded, one) for one in given or ()),
    } | ({"purposes": purpose} if purpose else {})
    situation = _situation(loaded, described, language)
    reasons = explain(loaded, situation)
    if as_json:
        print_json([{"offer": one.offer, "gate": one.gate, "why": one.text(language)} for one in reasons])
        return
    _show_reasons(reasons, language, comparisons)
    _show_cards(cards_in(loaded, situation))


def _show_cards(cards: tuple[ShownCard, ...]) -> None:
    """Each card as its reader sees it, in each language."""
    console = Console(soft_wrap=True)
    for offer, group in groupby(cards, key=lambda card: card.offer):
        console.print(f"[bold]{escape(offer)}[/bold]")
        for card in group:
            words = card.content
            console.print(f"  {card.language}  {escape(words.title)}")
            below = [words.body, " | ".join(card.answers), words.button and f"[ {words.button} ]", words.link]
            below.append(f"{card.worth} → {card.ends}" if card.worth else f"→ {card.ends}")
            for line in filter(None, below):
                console.print(f"      {escape(line)}", style="dim" if line is below[-1] else None)


def _loaded(book: Path, plan: Path | None, language: Language) -> Book:
    try:
        zones = None if plan is None else {zone.id for zone in load_plan(plan).zones}
        return load_book(book, zones)
    except PlanError as error:
        raise CommandError(str(error)) from None
    except BookError as error:
        raise CommandError("\n".join(problem.text(language) for problem in error.problems)) from None


def _situation(book: Book, described: Mapping[str, object], language: Language) -> Situation:
    try:
        case = CaseSituation.model_validate({key: value for key, value in described.items() if value is not None})
        problems = list(check_situation(case, known_names(book)))
        if not problems:
            return situation_of_case(book, case)
    except ValidationError as error:
        problems = problems_of(error, CaseSituation)
    except BookError as error:
        problems = list(error.problems)
    raise CommandError("\n".join(replace(problem, path=_option(problem.path)).text(language) for problem in problems)) from None


def _option(path: str) -> str:
    """Return the option that fills a part of a case's situation: `purposes[0]` is `--purpose`."""
    name = path.partition("[")[0].partition(".")[0]
    return f"--{ {'purposes': 'purpose', 'history': 'happened', 'facts': 'fact'}.get(name, name) }"


def _fact(book: Book, written: str) -> tuple[str, object]:
    """`name=value` with the value as its field has it. The value is checked here, so that a slip is told by its word."""
    name, equals, value = written.partition("=")
    if not equals:
        raise CommandError(f"--fact {written}: write name=value")
    field = book.fields.get(name)
    plain = scalar(value) if field is None else typed_fact(field, value)
    try:
        parse_fact(book.fields, name, plain, f"--fact {name}")
    except BookError as error:
        raise CommandError(str(error)) from None
    return name, plain


def _happening(written: str) -> dict[str, str]:
    parts = written.split(":")
    if len(parts) != 3:
        raise CommandError(f"--happened {written}: write offer:what:ago, as in wine-tasting:dismissed:20d")
    return dict(zip(("offer", "what", "ago"), parts, strict=True))


def _show_cases(report: CaseReport) -> None:
    console = Console()
    for result in report.results:
        if not result.passed:
            console.print(f"[red]✗[/red] {escape(result.name)}")
            console.print(f"    chosen {_names(result.chosen)}, expected {_names(result.expected)}")
            for offer, expected, actual in result.reasons:
                console.print(f"    {offer}: {actual}, expected {expected}")
    table = Table("offer", "chosen", "stopped by")
    for one in report.coverage:
        stopped = ", ".join(f"{gate} {count}" for gate, count in one.gates.items() if gate not in (Gate.CHOSEN, Gate.GHOST))
        table.add_row(one.offer, str(one.chosen) if one.reached else "[yellow]never reached[/yellow]", stopped)
    console.print(table)


def _show_reasons(explanations: tuple[Explanation, ...], language: Language, comparisons: bool) -> None:
    console = Console(soft_wrap=True)
    for one in sorted(explanations, key=lambda one: (one.gate is not Gate.CHOSEN, one.gate is Gate.MOMENT)):
        mark = "[green]✓[/green]" if one.gate is Gate.CHOSEN else "·"
        console.print(f"{mark} {escape(one.text(language))}")
        for leaf in one.leaves if comparisons else ():
            truth = {True: "✓", False: "✗", None: "?"}[leaf.truth]
            line = f"{truth} {leaf.path}: {leaf.expected_text(language)} ← {leaf.actual_text(language)}"
            console.print(f"    {escape(line)}")


def _names(offers: tuple[str, ...]) -> str:
    return ", ".join(offers) or "nothing"
