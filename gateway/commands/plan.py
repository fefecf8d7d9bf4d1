"""`etalage plan`: bring a plan in from elsewhere, and write the one in force as a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
import yaml

from gateway.clock import SystemClock
from gateway.commands import CommandError
from gateway.commands.config import Config, settings_of
from gateway.zones.calibration import CalibrationError
from gateway.zones.plan import PlanError
from gateway.zones.plan_folder import DraftMoved
from gateway.zones.plan_import import ImportRefused, bring, merged
from gateway.zones.plan_in_force import plan_folder, plan_in_force

plan = typer.Typer(no_args_is_help=True, help="Bring a plan in, and write the one in force.")


@plan.command("import")
def import_plan(
    file: Annotated[Path, typer.Argument(help="A plan file, GeoJSON, IMDF, an ESPresense configuration, or a CSV of scanners.")],
    config: Config = None,
) -> None:
    """Add what a file holds to the draft of the dashboard's plan editor. Nothing is put to work."""
    settings = settings_of(config)
    folder, now_s = plan_folder(settings), SystemClock(settings.storage.clock_path).now_s()
    try:
        draft, brought = folder.draft(), bring(file.read_text(encoding="utf-8"))
        folder.save_draft(merged(draft.plan, brought), draft.tag, "etalage plan import", now_s)
    except ImportRefused as refused:
        raise CommandError(f"{file}: {refused.message}") from refused
    except DraftMoved as moved:
        raise CommandError(f"{moved.who} saved the draft at this very moment; try again") from moved
    except UnicodeDecodeError as error:
        raise CommandError(f"{file}: is not UTF-8 text; save it as UTF-8") from error
    except OSError as error:
        why = f"{error.filename or file}: {error.strerror}"
        raise CommandError(f"{why}; give a file that can be read, and see whether the disk is full") from error
    counts = ", ".join(f"{len(parts)} {name}" for name, parts in brought.parts.items() if parts)
    typer.echo(f"{brought.kind}: {counts} in the draft; {brought.left_out} left out. Look at it in the dashboard: Shop, Plan.")


@plan.command("export")
def export_plan(config: Config = None) -> None:
    """Write the plan in force as a plan file, on standard output."""
    try:
        in_force = plan_in_force(settings_of(config)).plan
    except (PlanError, CalibrationError) as error:
        raise CommandError(str(error)) from error
    document = json.loads(in_force.model_dump_json(exclude_defaults=True))
    typer.echo(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), nl=False)
