"""Which settings a command takes, what it leaves alone, and what `settings --check` refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.__main__ import build
from gateway.commands import CommandError, config
from gateway.commands.config import settings_of

PLAN = "store: demo\nzones: [{id: wine}]\nscanners: [{id: pi-1, zone: wine}]\n"
SETTINGS = '[store]\nchain = "c"\nstore = "demo"\nplan = "plan.yaml"\n'
READING = ["users list", "books list", "books rollback", "quarantine list", "shop list", "privacy report"]


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A box of its own, with nothing in /etc."""
    monkeypatch.setattr(config, "SETTINGS_FILE", tmp_path / "etc" / "etalage.toml")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """The settings of a box that was never started, where an installed one has them."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "plan.yaml").write_text(PLAN)
    file = tmp_path / "etc" / "etalage.toml"
    file.write_text(SETTINGS)
    return file


def refusal(words: list[str]) -> str:
    """Run a command that must not succeed; return what it says."""
    error = CliRunner().invoke(build(words[0]), words).exception
    assert isinstance(error, CommandError), error
    return str(error)


def test_without_config_the_box_s_own_settings_are_read(box: Path) -> None:
    assert settings_of(None).store.chain == "c"


def test_where_there_are_none_the_error_names_the_place_and_the_option(tmp_path: Path) -> None:
    said = refusal(["users", "list"])
    assert str(tmp_path / "etc" / "etalage.toml") in said
    assert "--config" in said


@pytest.mark.parametrize("command", READING)
def test_a_command_that_only_reads_makes_no_database(command: str, box: Path) -> None:
    before = sorted(path.name for path in box.parent.iterdir())
    assert "no database yet" in refusal(command.split())
    assert sorted(path.name for path in box.parent.iterdir()) == before


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ('plan = "nowhere.yaml"', "nowhere.yaml"),
        ('plan = "plan.yaml"\nrule_book = "gone.yaml"', "gone.yaml"),
        ('plan = "plan.yaml"\noptins = "none.yaml"', "none.yaml"),
        ('plan = "plan.yaml"\ncalibration = "lost.json"', "lost.json"),
        ('plan = "plan.yaml"\n[mqtt]\nuser = "gw-1"\npassword_file = "secret"', "secret"),
    ],
)
def test_settings_are_refused_for_what_run_would_refuse(line: str, named: str, box: Path) -> None:
    assert CliRunner().invoke(build("settings"), ["settings", "--check", str(box)]).exit_code == 0
    box.write_text(SETTINGS.replace('plan = "plan.yaml"', line))
    assert named in refusal(["settings", "--check", str(box)])
