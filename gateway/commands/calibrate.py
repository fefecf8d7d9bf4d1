"""`etalage calibrate`: learn a place from walks whose zones are known, and show what that brought before it is used."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from gateway.commands import CommandError
from gateway.commands.hearing import faults, sightings
from gateway.commands.showing import AsJson, counted, print_json
from gateway.radio.recordings import RecordingError, read_recording
from gateway.shoppers.optins import OptIn, OptInsError, read_optins
from gateway.zones.calibration import CalibrationError, save_calibration
from gateway.zones.ground_truth import Confusion, GroundTruthError, confusion, read_ground_truth
from gateway.zones.plan import PlanError, StorePlan, load_plan
from gateway.zones.survey import Walk, learn


def calibrate(
    recordings: Annotated[list[Path], typer.Argument(help="The walks: .jsonl or .jsonl.gz, as `etalage record` writes them.")],
    plan: Annotated[Path, typer.Option(help="The store plan.")],
    optins: Annotated[Path, typer.Option(help="Who walked, and what they carried.")],
    truth: Annotated[list[Path], typer.Option(help="Where they were: a .truth.csv per recording, in the same order.")],
    out: Annotated[Path, typer.Option(help="Where the calibration goes; one that is there already is kept beside it.")],
    as_json: AsJson = False,
) -> None:
    """Learn the place from walks. Prints which zones are told apart: each judged by what the other walks taught."""
    console = Console(stderr=as_json)
    if len(truth) != len(recordings):
        raise CommandError(
            f"{counted(len(recordings), 'recording')} but {counted(len(truth), 'truth file')}; give --truth once for each, in order"
        )
    try:
        store_plan, members = load_plan(plan), read_optins(optins)
        walks = [_walk(*pair, members, store_plan, console) for pair in zip(recordings, truth, strict=True)]
        calibration = learn(store_plan, walks)
        told = confusion(store_plan, walks)
        _show(console, told)
        kept = save_calibration(calibration, out)
    except (PlanError, OptInsError, RecordingError, GroundTruthError, CalibrationError) as error:
        raise CommandError(str(error)) from error
    console.print(f"{calibration.walked_s:.0f} s of walking learned; written to {out}", highlight=False, soft_wrap=True)
    if calibration.trust == 0:
        console.print(
            "on walks left out the plan alone does as well: the calibration keeps to the plan", highlight=False, soft_wrap=True
        )
    if kept is not None:
        console.print(f"the one before it is kept as {kept}", highlight=False, soft_wrap=True)
    if as_json:
        learned = {"walked_s": calibration.walked_s, "trust": calibration.trust}
        judged = {"accuracy": told.accuracy if told.true_zones else None}
        print_json({"file": str(out), "kept": None if kept is None else str(kept), **learned, **judged})


def _walk(recording: Path, truth: Path, members: tuple[OptIn, ...], plan: StorePlan, console: Console) -> Walk:
    heard = read_recording(recording)
    stays = read_ground_truth(truth, plan)
    walk = Walk(tuple(sightings(heard, members, plan.store, console)), stays)
    for fault in faults(heard):
        console.print(fault, markup=False, highlight=False, soft_wrap=True)
    return walk


def _show(console: Console, told: Confusion) -> None:
    """The confusion table: rows the truth, columns what the tracker said, in per cent of the row."""
    if not told.true_zones:
        console.print("one short walk: too little to judge it by; walk once more to see how well zones are told apart")
        return
    table = Table(title="true zone (row) and zone said (column), % of the time")
    for head in ("", *told.said_zones):
        table.add_column(head, justify="right" if head else "left")
    for zone, row in zip(told.true_zones, told.share, strict=True):
        table.add_row(zone, *(f"{share:.0%}".removesuffix("%") if share >= 0.005 else "·" for share in row))
    console.print(table)
    console.print(f"right {told.accuracy:.0%} of the time, by walks it had not learned from", highlight=False)
