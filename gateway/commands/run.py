"""`etalage run`: the gateway on a real box, or the same gateway driven by a recording."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import typer

from gateway.app import Gateway, GatewayFailed, run_and_renew
from gateway.books.lifecycle import StepRefused
from gateway.commands import CommandError
from gateway.commands.config import Config, settings_file, settings_of
from gateway.commands.logs import set_up_log
from gateway.dashboard import DashboardError
from gateway.radio.playback import Playback
from gateway.radio.recordings import RecordingError
from gateway.settings import SettingsError
from gateway.shoppers.optins import OptInsError
from gateway.storage import StorageError
from gateway.storage.keys import KeysError
from gateway.zones.calibration import CalibrationError
from gateway.zones.plan import PlanError
from rules import BookError

CANT_START = (
    SettingsError,
    PlanError,
    CalibrationError,
    BookError,
    StepRefused,
    OptInsError,
    StorageError,
    KeysError,
    DashboardError,
    RecordingError,
)
"""What a person has to mend before the gateway starts. Each says in a line what, where, and what to do."""


def run(
    recording: Annotated[Path | None, typer.Option(help="Hear this recording instead of the air, as if it happened now.")] = None,
    speed: Annotated[float, typer.Option(min=0.1, max=1000, help="How many times faster than it was recorded.")] = 1.0,
    config: Config = None,
) -> None:
    """Run the gateway until it is told to stop (Ctrl-C, SIGTERM) or its recording has ended."""
    try:
        settings = settings_of(config)
        set_up_log(settings.log)
        stop = asyncio.Event()
        playback = Playback(recording, speed, on_end=stop.set) if recording is not None else None
        gateway = (
            Gateway(settings, config=settings_file(config))
            if playback is None
            else Gateway(settings, clock=playback.clock, scanners=playback.scanners)
        )
        asyncio.run(_live(gateway, stop))
    except CANT_START as error:
        raise CommandError(str(error)) from error
    except GatewayFailed as failure:
        typer.echo(f"etalage: {failure}", err=True)
        raise typer.Exit(1) from None


async def _live(gateway: Gateway, stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for signal_ in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signal_, stop.set)
    await run_and_renew(gateway, stop)
