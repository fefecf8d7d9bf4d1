"""`etalage plan`: what is brought in lies in the editor's draft, and what is written can be read again."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from gateway.__main__ import build
from gateway.settings import Settings, StorageSettings
from gateway.zones.plan import parse_plan
from gateway.zones.plan_in_force import plan_folder
from tests.support.drawing import two_zones


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "etalage.toml"
    file.write_text(f'[storage]\npath = "{tmp_path / "etalage.db"}"\n')
    return file


def test_scanners_from_a_table_lie_in_the_draft_and_nothing_is_put_to_work(tmp_path: Path, config: Path) -> None:
    table = tmp_path / "scanners.csv"
    table.write_text("id,x,y\npi-1,1,2\nbroken,,\n")
    done = CliRunner().invoke(build("plan"), ["plan", "import", str(table), "--config", str(config)])
    assert done.exit_code == 0, done.output
    assert "1 scanners in the draft; 1 left out" in done.output
    folder = plan_folder(Settings(storage=StorageSettings(path=tmp_path / "etalage.db")))
    assert folder.draft().plan == {"scanners": [{"id": "pi-1", "at": [1.0, 2.0]}]}
    assert folder.newest() is None


def test_a_file_that_is_no_plan_is_refused_by_its_name(tmp_path: Path, config: Path) -> None:
    file = tmp_path / "drawing.svg"
    file.write_text("<svg/>")
    done = CliRunner().invoke(build("plan"), ["plan", "import", str(file), "--config", str(config)])
    assert done.exit_code != 0
    assert "drawing.svg" in str(done.exception)


def test_the_plan_in_force_is_written_as_a_file_that_can_be_read_again(tmp_path: Path, config: Path) -> None:
    plan = parse_plan(two_zones())
    plan_folder(Settings(storage=StorageSettings(path=tmp_path / "etalage.db"))).put_to_work(plan, "Sanne", 1.0)
    done = CliRunner().invoke(build("plan"), ["plan", "export", "--config", str(config)])
    assert parse_plan(yaml.safe_load(done.stdout)) == plan
