"""`etalage replay`: a recording through the same zone tracker as the live gateway's, as fast as it goes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from gateway.commands import CommandError
from gateway.commands.hearing import faults, sightings
from gateway.commands.showing import AsJson, counted, print_json
from gateway.model import Move, Sighting
from gateway.private_files import open_to_write
from gateway.radio.recordings import RecordingError, read_recording
from gateway.settings import ZonesSettings
from gateway.shoppers.optins import OptInsError, read_optins
from gateway.zones.calibration import CalibrationError, load_calibration
from gateway.zones.plan import PlanError, load_plan
from gateway.zones.tracker import Tracker, make_tracker


def replay(
    recording: Annotated[Path, typer.Argument(help="What scanners heard: .jsonl, .jsonl.gz, or a btsnoop or pcap capture.")],
    plan: Annotated[Path, typer.Option(help="The store plan.")],
    optins: Annotated[Path, typer.Option(help="Who opted in, and what they carry.")],
    moves: Annotated[Path, typer.Option(help="Where the moves are written, one JSON object a line.")],
    calibration: Annotated[Path | None, typer.Option(help="What `etalage calibrate` learned of this place.")] = None,
    false_entry_cost: Annotated[
        float, typer.Option(min=1, max=1000, help="How much worse a false entry is than a late one.")
    ] = ZonesSettings().false_entry_cost,
    as_json: AsJson = False,
) -> None:
    """Say where everybody in a recording went. The same input gives the same bytes."""
    console = Console(stderr=True)
    settings = ZonesSettings(false_entry_cost=false_entry_cost)
    followed: Counter[str] = Counter()
    try:
        store_plan, members, heard = load_plan(plan), read_optins(optins), read_recording(recording)
        tracker = make_tracker(store_plan, load_calibration(calibration) if calibration else None, settings)
        readings = _counted(sightings(heard, members, store_plan.store, console), followed)
        written = _write(moves_of(tracker, readings, settings.step_s), moves)
    except (PlanError, OptInsError, RecordingError, CalibrationError) as error:
        raise CommandError(str(error)) from error
    for fault in faults(heard):
        console.print(fault, markup=False, highlight=False, soft_wrap=True)
    for reason, count in sorted(tracker.skipped.items()):
        console.print(f"{recording}: {counted(count, 'reading')} skipped: {reason}", markup=False, highlight=False, soft_wrap=True)
    told = f"{counted(heard.advertisements, 'advertisement')}, {counted(written, 'move')} in {moves}"
    console.print(told, highlight=False, soft_wrap=True)
    if as_json:
        skipped = dict(sorted(tracker.skipped.items()))
        heard_of = {"advertisements": heard.advertisements, "readings": followed.total(), "shoppers": len(followed)}
        print_json({"file": str(moves), **heard_of, "moves": written, "skipped": skipped})
    if not heard.advertisements:
        raise CommandError(
            f"{recording}: nothing in it is an advertisement; a recording has one JSON object a line, as docs/radio.md shows, "
            "or is a btsnoop or pcap capture"
        )
    if not followed:
        raise CommandError(f"{recording}: heard nobody who opted in; compare the beacons in {optins}, and what was recorded")


def _counted(readings: Iterable[Sighting], by_shopper: Counter[str]) -> Iterator[Sighting]:
    """Pass readings on, and count them."""
    for sighting in readings:
        by_shopper[sighting.shopper] += 1
        yield sighting


def moves_of(tracker: Tracker, heard: Iterable[Sighting], step_s: float) -> Iterator[Move]:
    """Return the tracker's moves over readings in time order, the last step included; visits still open at the end stay open."""
    last_s: float | None = None
    for sighting in heard:
        yield from tracker.see(sighting)
        last_s = sighting.at_s
    if last_s is not None:
        yield from tracker.tick(last_s + step_s)


def _write(moves: Iterable[Move], path: Path) -> int:
    fresh = path.with_name(f"{path.name}.new")
    written = 0
    try:
        with open_to_write(fresh) as file:
            for move in moves:
                file.write(as_line(move).encode())
                written += 1
        fresh.replace(path)
    except OSError as error:
        raise CommandError(f"{path}: can't be written ({error.strerror}); name a file in an existing folder") from error
    return written


def as_line(move: Move) -> str:
    """Write a move as a line of `moves.jsonl`."""
    row: dict[str, object] = {
        "t": round(move.at_s, 3),
        "shopper": move.shopper,
        "event": str(move.event),
        "zone": move.zone,
        "confidence": round(move.confidence, 4),
    }
    if move.dwell_s:
        row["dwell_s"] = round(move.dwell_s, 3)
    if move.visit_over:
        row["visit_over"] = True
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"
