"""Root types commands for a service that runs as another user: nothing they make may lock the service out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.__main__ import build
from gateway.settings import StorageSettings
from gateway.storage import open_store
from gateway.storage.keys import Keys

SERVICE = 64_123
"""A user that no box has."""
PLAN = "store: demo\nzones: [{id: wine}]\nscanners: [{id: pi-1, zone: wine}]\n"
BEFORE_THE_FIRST_START = ["users claim", "users add Joost --role staff", "users token --role till --name till-9"]
LATER = [
    "users claim",
    "users token --role till --name till-1",
    "users revoke till-1",
    "users list",
    "books list",
    "shop list",
    "privacy report",
    "quarantine retry",
    "erase s-1 --yes",
    "export s-1",
    "backup",
    "users reset --yes",
]


def of_the_service(folder: Path) -> None:
    """Give a folder and what is in it to the service, where the test may."""
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, SERVICE, SERVICE)


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """An installed box that was never started: settings of root's, a data folder of the service's; returns that folder."""
    data = tmp_path / "var"
    (data / "backups").mkdir(parents=True)
    (tmp_path / "plan.yaml").write_text(PLAN)
    (tmp_path / "etalage.toml").write_text(
        f'[store]\nchain = "c"\nstore = "demo"\nplan = "plan.yaml"\n[storage]\npath = "{data}/etalage.db"\n'
        f'[shoppers]\nbackups = "{data}/backups"\n'
    )
    of_the_service(data)
    return data


def typed(box: Path, command: str) -> None:
    words = [*command.split(), "--config", str(box.parent / "etalage.toml")]
    CliRunner().invoke(build(words[0]), words)  # some have nothing to do here, and say so


def not_the_service_s(box: Path) -> list[str]:
    folder = box.stat()
    return [path.name for path in box.rglob("*") if (path.stat().st_uid, path.stat().st_gid) != (folder.st_uid, folder.st_gid)]


@pytest.mark.parametrize("command", BEFORE_THE_FIRST_START)
def test_a_command_before_the_first_start_leaves_the_service_its_database(command: str, box: Path) -> None:
    typed(box, command)
    assert (box / "etalage.db").exists()
    assert not_the_service_s(box) == []


def test_no_command_takes_a_file_from_the_service(box: Path) -> None:
    open_store(StorageSettings(path=box / "etalage.db")).close()
    Keys(box / "etalage.keys")
    of_the_service(box)
    for command in LATER:
        typed(box, command)
        assert not_the_service_s(box) == [], command
    assert list((box / "backups").glob("etalage-*"))


def test_a_restored_database_is_the_service_s(box: Path) -> None:
    typed(box, "users claim")
    typed(box, "backup")
    [backup] = (box / "backups").glob("etalage-*.gz")
    (box / "etalage.db").unlink()
    typed(box, f"restore {backup}")
    assert (box / "etalage.db").exists()
    assert not_the_service_s(box) == []
