"""`etalage settings`: every setting with its default and what it does, or a configuration file checked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gateway.commands import CommandError
from gateway.commands.showing import AsJson, print_json
from gateway.mqtt.credentials import read_credentials
from gateway.settings import Settings, SettingsError, load_settings
from gateway.shoppers.optins import OptInsError, read_optins
from gateway.zones.calibration import CalibrationError
from gateway.zones.plan import PlanError
from gateway.zones.plan_in_force import plan_in_force
from gateway.zones.tracker import make_tracker
from rules import BookError, load_book

INTRODUCTION = """# Settings

One TOML file (`--config FILE`; `/etc/etalage/etalage.toml` where none is named), over it environment
variables: `ETALAGE_MQTT__USER=gateway` is `user` in `[mqtt]`.
Relative paths count from the file's folder. A word that isn't in this list stops the start, with the nearest one that is.
`etalage settings --check FILE` says whether a file, and each file it names, is right. This page is made by `etalage settings`.
"""


def settings(
    check: Annotated[Path | None, typer.Option(help="Say whether this file and those it names are right.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print every setting as Markdown, or check a file."""
    if check is None:
        _print_all(as_json)
        return
    try:
        _read_all(load_settings(check))
    except (SettingsError, PlanError, CalibrationError, BookError, OptInsError) as error:
        if as_json:
            print_json({"file": str(check), "right": False, "faults": str(error).splitlines()})
        raise CommandError(str(error)) from error
    if as_json:
        print_json({"file": str(check), "right": True, "faults": []})
    else:
        typer.echo(f"{check}: right")


def _print_all(as_json: bool) -> None:
    if not as_json:
        typer.echo(reference())
        return
    print_json({section: {name: one.description for name, one in model.model_fields.items()} for section, _, model in _sections()})


def _read_all(settings: Settings) -> None:
    """Read the files that the settings name, as `etalage run` does. Raises what each raises."""
    plan, _source, calibration, _misfit = plan_in_force(settings)
    make_tracker(plan, calibration, settings.zones)
    if settings.store.rule_book:
        load_book(settings.store.rule_book, plan.zone_ids)
    if settings.store.optins:
        read_optins(settings.store.optins)
    read_credentials(settings.mqtt)


def reference() -> str:
    """Return the whole tree as one Markdown page."""
    parts = [INTRODUCTION]
    for section, description, model in _sections():
        parts += [f"## [{section}]\n", f"{description}\n", "| setting | default | what it does |", "|---|---|---|"]
        parts += [*_rows(model), ""]
    return "\n".join(parts).rstrip()


def _sections() -> Iterator[tuple[str, str, type[BaseModel]]]:
    """Yield each section's name, what it is about, and its model."""
    for section, field in Settings.model_fields.items():
        model: Any = field.annotation
        yield section, field.description or "", model


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
