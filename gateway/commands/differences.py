"""What another book would have done with the decisions of the past, for a person to read."""

from __future__ import annotations

from datetime import datetime

from rich.console import Console
from rich.table import Table

from rules.replay import ReplayReport

SHOWN = 20
"""Decisions a person reads one by one; the table by offer says the rest."""


def show(report: ReplayReport) -> None:
    """Print who would have got what instead."""
    console = Console()
    table = Table("offer", "more", "fewer", "the same")
    for offer in sorted({*report.gained, *report.lost, *report.kept}):
        table.add_row(offer, *(str(counts.get(offer, 0)) for counts in (report.gained, report.lost, report.kept)))
    console.print(table)
    for one in report.differences[:SHOWN]:
        at, where = datetime.fromtimestamp(one.at_s).astimezone(), one.zone or "the shop"
        console.print(f"{at:%Y-%m-%d %H:%M} {one.shopper} in {where}: {named(one.before)} → {named(one.after)}", highlight=False)
    if report.changed > SHOWN:
        console.print(f"… and {report.changed - SHOWN} more")
    skipped = f"; {report.malformed} lines were no decisions" if report.malformed else ""
    console.print(f"{report.changed} of {report.decisions} decisions would differ{skipped}.")


def named(offers: tuple[str, ...]) -> str:
    """Offers in a row."""
    return ", ".join(offers) or "nothing"
