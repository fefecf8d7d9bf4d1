"""`etalage record`: writes down what this box's scanners hear, for calibration and replay; the shop's own beacons only."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from gateway.clock import SystemClock
from gateway.commands import CommandError
from gateway.commands.config import Config, settings_if_any
from gateway.commands.showing import AsJson, counted, print_json
from gateway.model import Advertisement
from gateway.radio.frames import beacon_id, uuid_bytes
from gateway.radio.health import words_in
from gateway.radio.recordings import RecordingError, RecordingWriter
from gateway.radio.scanners import RunningScanner, make_scanners
from gateway.settings import Settings
from rules.texts import Language

REFRESH_S = 0.5


def record(
    out: Annotated[Path, typer.Argument(help="The recording to write: a new file that ends in .jsonl or .jsonl.gz.")],
    seconds: Annotated[float, typer.Option(min=1, help="How long to record.")] = 600.0,
    uuid: Annotated[
        list[str] | None, typer.Option(help="Beacon uuid to record; may be repeated. Default: the settings' own.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--everything", help="All beacons, strangers' too: only where everybody present has agreed.")
    ] = False,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Record the shop's beacons as the scanners hear them. Radio addresses are left out; other people's beacons as well."""
    try:
        settings = settings_if_any(config)
        wanted = None if everything else _uuids(settings, uuid or [])
        writer = RecordingWriter(out)
    except (RecordingError, ValueError) as error:
        raise CommandError(str(error)) from error
    scanners = make_scanners(settings.radio, SystemClock().now_s)
    if not scanners:
        raise CommandError("this box has no scanner to record with; see `radio.adapters` in the settings, and docs/radio.md")
    with writer, contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_recording(scanners, writer, wanted, seconds))
    if not writer.written:
        out.unlink()
        words = " ".join(words_in(Language.EN, one.health()) for one in scanners)
        raise CommandError(f"nothing was recorded in {seconds:.0f} s, and {out} not kept; is a beacon of the shop near? {words}")
    if as_json:
        print_json({"file": str(out), "advertisements": writer.written})
    else:
        typer.echo(f"{out}: {counted(writer.written, 'advertisement')}")


def _uuids(settings: Settings, given: list[str]) -> frozenset[bytes]:
    uuids = frozenset(uuid_bytes(one) for one in given or settings.radio.uuids)
    if not uuids:
        raise ValueError("no beacon uuid to record; set `radio.uuids` in the settings or give --uuid")
    return uuids


async def _recording(
    scanners: list[RunningScanner], writer: RecordingWriter, wanted: frozenset[bytes] | None, seconds: float
) -> None:
    """Listens until the time is up, with a line that shows what comes in."""

    def hear(advertisement: Advertisement) -> None:
        beacon = beacon_id(advertisement.payload)
        if beacon is not None and (wanted is None or beacon[:16] in wanted):
            writer.write(advertisement)

    tasks = [asyncio.create_task(scanner.listen(hear)) for scanner in scanners]
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns) as progress:
            task = progress.add_task("", total=seconds)
            begun_s = time.monotonic()
            while (passed_s := time.monotonic() - begun_s) < seconds:
                words = "; ".join(words_in(Language.EN, scanner.health()) for scanner in scanners)
                progress.update(task, completed=passed_s, description=f"{writer.written} written. {words}")
                await asyncio.sleep(min(REFRESH_S, seconds - passed_s))
    finally:
        for listening in tasks:
            listening.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
