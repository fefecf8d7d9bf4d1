"""The steps of an update: a state machine whose state is on the disk. Whatever fails, wherever the power is cut, the box ends with
the old version and its data, or with the new version and its data.

    preparing ──► saving ──► installing ──► probation ──► settling ──► (done)
        │            └────────────┴─────────────┴──► going back ──► (as it was)
        └──► (nothing had changed)

A phase is noted before it begins, and each can be done again from its beginning. What is done to the box is asked of a `Box`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol


class Phase(StrEnum):
    """Where an update stands."""

    PREPARING = "preparing"
    """A proven backup is made. The gateway goes on as if nothing were."""
    SAVING = "saving"
    """The old program is put aside whole; the gateway is stopped, and its data copied."""
    INSTALLING = "installing"
    PROBATION = "probation"
    """The new version runs, makes no new promises, and has to show that it is well."""
    SETTLING = "settling"
    """It was well: from here on there is no going back by itself."""
    GOING_BACK = "going back"


@dataclass(frozen=True, slots=True)
class Journal:
    """What is on the disk during an update, and only then."""

    phase: Phase
    before: str
    """The version that was well."""
    package: str
    """The file of the new one."""
    revision: str | None
    """What the tables of the old version's data are at; None: there are none yet."""


class StepFailed(Exception):
    """A step couldn't be done; `str()` says why, in a line."""


class Box(Protocol):
    """What an update does to a box. Each may be done twice. Each raises StepFailed."""

    def note(self, journal: Journal) -> None:
        """Write the journal, whole or not at all."""

    def forget(self) -> None:
        """Remove the journal."""

    def back_up(self) -> None:
        """Make a backup and prove it."""

    def keep(self, version: str) -> None:
        """Put a version's program aside whole, and let the box run it from there, whatever dpkg does to its files."""

    def stop(self) -> None:
        """Stop the gateway."""

    def start(self) -> None:
        """Start the gateway, or start it anew."""

    def save_data(self) -> None:
        """Copy the data of the stopped gateway."""

    def put_back_data(self) -> None:
        """Put that copy in the place of the data."""

    def put_back_program(self, version: str) -> None:
        """Let the box run a version that was kept; without one that is whole, nothing was changed yet."""

    def revision(self) -> str | None:
        """Return what the tables of the data are at."""

    def install(self, package: str) -> None:
        """Install the new version, without starting it."""

    def hold_promises(self, *, held: bool) -> None:
        """Let the gateway make no new promises from its next start on, or make them again."""

    def wait_until_well(self) -> None:
        """Wait until the gateway is well. Raises StepFailed when it isn't in time."""


def update(box: Box, before: str, package: str) -> None:
    """Bring the box to the version in `package`. Raises StepFailed; then it is as it was."""
    journal = Journal(Phase.PREPARING, before, package, box.revision())
    box.note(journal)
    try:
        box.back_up()
    except StepFailed:
        box.forget()
        raise
    try:
        _try_new(box, journal)
    except StepFailed as failure:
        _go_back(box, journal)
        raise StepFailed(f"{failure}; the version before runs again, with its data") from failure
    _settle(box)


def go_back(box: Box, version: str, revision: str | None) -> None:
    """Let the box run a kept version again, whose data have the tables of `revision`. Raises StepFailed."""
    _go_back(box, Journal(Phase.GOING_BACK, version, "", revision))


def resume(box: Box, journal: Journal) -> None:
    """Bring an update that was cut off to its end: forwards where the new version had been well, else backwards."""
    match journal.phase:
        case Phase.PREPARING:
            box.forget()
        case Phase.SETTLING:
            _settle(box)
        case _:
            _go_back(box, journal)


def _try_new(box: Box, journal: Journal) -> None:
    box.note(replace(journal, phase=Phase.SAVING))
    box.keep(journal.before)
    box.stop()
    box.save_data()
    box.note(replace(journal, phase=Phase.INSTALLING))
    box.hold_promises(held=True)
    box.install(journal.package)
    box.note(replace(journal, phase=Phase.PROBATION))
    box.start()
    box.wait_until_well()
    box.note(replace(journal, phase=Phase.SETTLING))


def _settle(box: Box) -> None:
    box.hold_promises(held=False)
    box.start()
    box.forget()


def _go_back(box: Box, journal: Journal) -> None:
    box.note(replace(journal, phase=Phase.GOING_BACK))
    box.stop()
    box.put_back_program(journal.before)
    # With the same tables the old version goes on with the very data the new one had: nothing that came meanwhile is lost.
    if box.revision() != journal.revision:
        box.put_back_data()
    box.hold_promises(held=False)
    box.start()
    box.forget()
