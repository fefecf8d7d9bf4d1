"""`etalage settings`: every setting with its default and what it does, or a configuration file checked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gateway.commands import CommandError
from gateway.settings import Settings, SettingsError, load_settings

INTRODUCTION = """# Settings

One TOML file (`etalage run --config FILE`), over it environment variables: `ETALAGE_MQTT__USER=gateway` is `user` in `[mqtt]`.
Relative paths count from the file's folder. A word that isn't in this list stops the start, with the nearest one that is.
`etalage settings --check FILE` says whether a file is right. This page is made by `etalage settings`.
"""


def settings(
    check: Annotated[Path | None, typer.Option(help="Say whether this file is right, and nothing else.")] = None,
) -> None:
    """Print every setting as Markdown, or check a file."""
    if check is None:
        typer.echo(reference())
        return
    try:
        load_settings(check)
    except SettingsError as error:
        raise CommandError(str(error)) from error
    typer.echo(f"{check}: right")


def reference() -> str:
    """Return the whole tree as one Markdown page."""
    parts = [INTRODUCTION]
    for section, field in Settings.model_fields.items():
        model: Any = field.annotation
        parts += [f"## [{section}]\n", f"{field.description}\n", "| setting | default | what it does |", "|---|---|---|"]
        parts += [*_rows(model), ""]
    return "\n".join(parts).rstrip()


def _rows(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield f"| `{name}` | {_shown(field)} | {field.description} |".replace("\n", " ")


def _shown(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value is None or value in ((), {}, ""):
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return "`[" + ", ".join(f'"{each}"' for each in value) + "]`"
    if isinstance(value, dict):
        return "`{" + ", ".join(f'{key} = "{each}"' for key, each in value.items()) + "}`"
    return f'`"{value}"`' if isinstance(value, str | Path) else f"`{value}`"
