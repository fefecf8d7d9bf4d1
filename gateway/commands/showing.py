"""How commands show what they found: in words for a person, as JSON for a program."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]


def print_json(found: object) -> None:
    """Print what was found as JSON on standard output. Times are seconds since the epoch."""
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False))


def counted(number: int, one: str) -> str:
    """Return how many there are of something whose plural ends in s."""
    return f"{number} {one}" if number == 1 else f"{number} {one}s"


def moment(at_s: float | None) -> str:
    """Return a moment on this box's own clock, to the minute; nothing where there is none."""
    return "" if at_s is None else f"{datetime.fromtimestamp(at_s).astimezone():%Y-%m-%d %H:%M}"
