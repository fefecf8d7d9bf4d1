"""`etalage doctor` beside a real broker, a real database and a real backup: what it says of a box, well and broken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.__main__ import build
from gateway.commands.opened import opened
from tests.support.mosquitto import Mosquitto

PLAN = "store: demo\nzones: [{id: door}]\nscanners: [{id: pi-1, zone: door}]\n"
SETTINGS = """
[store]
plan = "plan.yaml"
[radio]
adapters = {{ {scanner} = "hci77" }}
[mqtt]
brokers = ["{broker}"]
[shoppers]
backups = "backups"
[dashboard]
enabled = false
"""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    mosquitto = Mosquitto(tmp_path_factory.mktemp("broker")).start()
    yield mosquitto
    mosquitto.stop()


def box(folder: Path, broker: str, scanner: str = "pi-1") -> Path:
    """Return the settings of a box whose database is there."""
    (folder / "backups").mkdir()
    (folder / "plan.yaml").write_text(PLAN)
    config = folder / "etalage.toml"
    config.write_text(SETTINGS.format(broker=broker, scanner=scanner))
    with opened(config, create=True):
        pass
    return config


def run(*words: str) -> tuple[int, str]:
    """Run a command; its exit code and what it printed."""
    done = CliRunner().invoke(build(words[0]), list(words))
    return done.exit_code, done.stdout


def examined(config: Path, *more: str) -> tuple[int, dict[str, dict[str, str]]]:
    """Return the exit code, and the findings by what they are about."""
    code, told = run("doctor", "--json", "--config", str(config), *more)
    return code, {finding["about"]: finding for finding in json.loads(told)}


def test_what_is_well_is_said_to_be_and_what_is_broken_ends_with_1(tmp_path: Path, broker: Mosquitto) -> None:
    config = box(tmp_path, broker.url)
    assert run("backup", "--config", str(config))[0] == 0
    code, found = examined(config)
    assert code == 1  # no hci77 here, and no service
    grades = {about: finding["grade"] for about, finding in found.items()}
    assert grades["adapter"] == "broken"
    well = ("kernel", "broker", "plan", "database", "outbox", "backups")
    assert {about: grades[about] for about in well} == dict.fromkeys(well, "fine")


def test_a_broker_that_is_not_there_a_damaged_database_and_a_spoilt_backup_are_found(tmp_path: Path) -> None:
    config = box(tmp_path, "mqtt://127.0.0.1:1", scanner="pi-9")
    assert run("backup", "--config", str(config))[0] == 0
    (backup,) = (tmp_path / "backups").glob("*.backup.gz")
    backup.write_bytes(backup.read_bytes()[:-40])
    database = tmp_path / "etalage.db"
    database.write_bytes(database.read_bytes()[:4096] + b"x" * 8192)
    _, found = examined(config, "--language", "nl")
    assert {about: found[about]["grade"] for about in ("broker", "plan", "database", "backups")} == dict.fromkeys(
        ("broker", "plan", "database", "backups"), "broken"
    )
    assert "pi-9" in found["plan"]["says"]
    assert found["database"]["to_do"] == "Stop de gateway en zet de nieuwste back-up terug: etalage restore"


def test_a_broker_that_knows_nobody_says_why(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    strict = Mosquitto(tmp_path_factory.mktemp("strict"), ("allow_anonymous false",)).start()
    try:
        _, found = examined(box(tmp_path, strict.url))
    finally:
        strict.stop()
    assert found["broker"]["grade"] == "broken"
    assert "user" in found["broker"]["says"]


def test_people_read_lines_in_their_language(tmp_path: Path, broker: Mosquitto) -> None:
    code, told = run("doctor", "--language", "nl", "--config", str(box(tmp_path, broker.url)))
    assert code == 1
    assert "✓ De database is heel." in told
    assert "[radio]" in told  # not taken for a colour
