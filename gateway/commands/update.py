"""`etalage update` and `etalage rollback`: to the next version, and back again by itself when the next one isn't well."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from gateway.commands import CommandError
from gateway.commands.config import Config, settings_of
from gateway.update import steps
from gateway.update.debian import DebianBox, Places, read_journal


def update(
    package: Annotated[Path | None, typer.Argument(help="The new version: a .deb for this Debian and processor.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Bring an update that was cut off to its end; done at each boot.")
    ] = False,
    config: Config = None,
) -> None:
    """Bring this box to another version, as root. A version that isn't well within a minute gives way to the one before.

    A proven backup is made first. With unchanged tables the old version goes on with all that came meanwhile. With changed ones
    it gets its data as they were, and asks the backend for the rest; the new version promises nothing until it was found well.
    """
    if (package is None) is not resume:
        raise CommandError("give the .deb of the new version, or --resume")
    with _alone(config) as (box, places):
        journal = read_journal(places)
        if journal is not None:
            steps.resume(box, journal)
            typer.echo(f"an update that was cut off has been brought to its end: {box.running_version()} runs")
        if package is None:
            return
        if not package.is_file():
            raise CommandError(f"{package}: there is no such file")
        before = box.running_version()
        steps.update(box, before, str(package.resolve()))
        typer.echo(f"{box.running_version()} runs, and is well; {before} is kept (etalage rollback)")


def rollback(
    with_data: Annotated[
        bool, typer.Option("--with-data", help="Also put back the data of before the update, where its tables have changed.")
    ] = False,
    config: Config = None,
) -> None:
    """Run the version before again, as root; in seconds, while the data's tables are the same."""
    with _alone(config) as (box, _places):
        kept = box.kept_versions()
        if not kept:
            raise CommandError("no other version is kept on this box; install one with: etalage update FILE")
        before = box.revision_before()
        same = before in (None, box.revision())
        if not same and not with_data:
            raise CommandError(
                "the tables have changed since, and the version before can't read them. With --with-data it gets its data as they "
                "were; promises, uses and consents since then are lost here, but for what the backend sends again"
            )
        steps.go_back(box, kept[-1], box.revision() if same else before)
        typer.echo(f"{box.running_version()} runs again")


@contextmanager
def _alone(config: Path | None) -> Iterator[tuple[DebianBox, Places]]:
    """Yield the box, as the only one who changes it. Raises CommandError."""
    if os.geteuid() != 0:
        raise CommandError("only root may change which version runs: sudo etalage …")
    places, settings = Places(), settings_of(config)
    places.state.mkdir(mode=0o700, exist_ok=True)
    with (places.state / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CommandError("another update is under way; wait for its end") from error
        try:
            yield DebianBox(settings, places), places
        except steps.StepFailed as failure:
            raise CommandError(str(failure)) from failure
