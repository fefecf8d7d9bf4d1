"""An update that fails at any step, or is cut off at any instant, ends with one version and the data that belong to it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from gateway.update.steps import Journal, Phase, StepFailed, resume, update

OLD, NEW = "1.0", "2.0"
STEPS = 40
"""More than any way through has."""


class PowerCut(BaseException):
    """Nothing after this instant happens."""


@dataclass
class PretendBox:
    """A box whose disk outlives a power cut. `cut` and `fail` name the operation, counted from 0, at which that happens."""

    cut: int | None = None
    cut_after: bool = False
    """The operation's effect is on the disk, and the updater doesn't live to know it."""
    fail: int | None = None
    new_tables: bool = True
    well: bool = True
    journal: Journal | None = None
    runs_from: str = OLD
    kept: set[str] = field(default_factory=set)
    installed: str = OLD
    data: tuple[str, list[str]] = field(default_factory=lambda: ("r1", ["promised before"]))
    """The revision of the tables, and what is in them."""
    saved: tuple[str, list[str]] | None = None
    held: bool = False
    running: bool = True
    done: list[str] = field(default_factory=list)
    _begun: int = 0

    def _do(self, name: str, effect: Callable[[], None]) -> None:
        at, self._begun = self._begun, self._begun + 1
        if at == self.cut and not self.cut_after:
            raise PowerCut
        if at == self.fail:
            raise StepFailed(f"{name} failed")
        effect()
        self.done.append(name)
        if at == self.cut:
            raise PowerCut

    def note(self, journal: Journal) -> None:
        self._do(f"note {journal.phase}", lambda: setattr(self, "journal", journal))

    def forget(self) -> None:
        self._do("forget", lambda: setattr(self, "journal", None))

    def back_up(self) -> None:
        self._do("back up", lambda: None)

    def keep(self, version: str) -> None:
        self._do("keep", lambda: self.kept.add(version))

    def stop(self) -> None:
        self._do("stop", lambda: setattr(self, "running", False))

    def start(self) -> None:
        self._do("start", self._started)

    def save_data(self) -> None:
        assert not self.running, "a copy of data that changes is no copy"
        self._do("save", lambda: setattr(self, "saved", (self.data[0], list(self.data[1]))))

    def put_back_data(self) -> None:
        assert not self.running
        assert self.saved is not None
        self._do("put data back", lambda: setattr(self, "data", (self.saved[0], list(self.saved[1])) if self.saved else self.data))

    def put_back_program(self, version: str) -> None:
        self._do("put program back", lambda: setattr(self, "runs_from", version if version in self.kept else self.runs_from))

    def revision(self) -> str | None:
        return self.data[0]

    def install(self, package: str) -> None:
        assert not self.running
        self._do("install", lambda: setattr(self, "runs_from", package))

    def hold_promises(self, *, held: bool) -> None:
        self._do("hold", lambda: setattr(self, "held", held))

    def wait_until_well(self) -> None:
        def effect() -> None:
            if not self.well:
                raise StepFailed("the page doesn't answer within 60 s")

        self._do("wait", effect)

    def _started(self) -> None:
        self.running = True
        if self.runs_from == NEW and self.new_tables:
            self.data = ("r2", self.data[1])
        if not self.held:
            self.data[1].append(f"promised by {self.runs_from}")

    @property
    def steps(self) -> int:
        """Return how many operations were begun."""
        return self._begun

    def loses_power(self, *, again_at: int) -> None:
        """Boot, and lose power once more at the given step of what is resumed then."""
        self.running, self.cut = False, self._begun + again_at
        with suppress(PowerCut):
            if self.journal is not None:
                resume(self, self.journal)
        self.running = self.running and self.cut >= self._begun

    def boots(self) -> None:
        """Power comes back: systemd resumes what was cut off, and starts the gateway."""
        self.cut = None
        if self.journal is not None:
            resume(self, self.journal)
        if not self.running:
            self._started()


def is_whole(box: PretendBox) -> None:
    """What must hold at the end, whatever happened."""
    assert box.journal is None
    assert box.running
    assert not box.held, "it makes promises again"
    assert box.runs_from in (OLD, NEW)
    assert box.data[0] == ("r2" if box.runs_from == NEW and box.new_tables else "r1"), "each version has the tables it knows"
    assert "promised before" in box.data[1]
    assert f"promised by {NEW}" not in box.data[1] or box.runs_from == NEW, "what was promised is never lost with a version"


def test_an_update_that_goes_well_ends_with_the_new_version() -> None:
    box = PretendBox()
    update(box, OLD, NEW)
    is_whole(box)
    assert box.runs_from == NEW
    assert box.done.index("back up") < box.done.index("stop") < box.done.index("save") < box.done.index("install")


@pytest.mark.parametrize("new_tables", [True, False])
def test_a_version_that_is_not_well_gives_way_to_the_one_before(new_tables: bool) -> None:
    box = PretendBox(well=False, new_tables=new_tables)
    with pytest.raises(StepFailed, match="the page doesn't answer within 60 s; the version before runs again, with its data"):
        update(box, OLD, NEW)
    is_whole(box)
    assert box.runs_from == OLD
    assert ("put data back" in box.done) is new_tables, "the same tables go on with all that came meanwhile"


def test_a_backup_that_fails_changes_nothing() -> None:
    box = PretendBox(fail=1)
    with pytest.raises(StepFailed, match="back up failed"):
        update(box, OLD, NEW)
    is_whole(box)
    assert "stop" not in box.done


@pytest.mark.parametrize("well", [True, False])
@pytest.mark.parametrize("new_tables", [True, False])
@pytest.mark.parametrize("cut_after", [True, False])
def test_power_cut_at_any_instant_and_again_while_it_goes_back_leaves_a_whole_box(
    well: bool, new_tables: bool, cut_after: bool
) -> None:
    for first, second in itertools.product(range(STEPS), range(STEPS)):
        box = PretendBox(cut=first, cut_after=cut_after, new_tables=new_tables, well=well)
        with suppress(PowerCut, StepFailed):
            update(box, OLD, NEW)
        if box.cut is not None and first < box.steps:
            box.loses_power(again_at=second)
        box.boots()
        is_whole(box)


@pytest.mark.parametrize("fail", range(2, 12))
def test_a_step_that_fails_while_the_new_version_is_tried_leaves_the_old_one(fail: int) -> None:
    box = PretendBox(fail=fail)
    try:
        update(box, OLD, NEW)
    except StepFailed:
        assert box.runs_from == OLD
    box.boots()
    is_whole(box)


@pytest.mark.parametrize("phase", list(Phase))
def test_every_phase_can_be_resumed(phase: Phase) -> None:
    box = PretendBox(journal=Journal(phase, OLD, NEW, "r1"), kept={OLD}, saved=("r1", ["promised before"]))
    box.boots()
    is_whole(box)
