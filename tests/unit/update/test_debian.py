"""What an update does to files: versions put aside and run again, data copied and put back, a journal whole or not there."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gateway.settings import Settings, ShoppersSettings, StorageSettings
from gateway.storage.keys import Keys
from gateway.update.debian import DebianBox, Places, read_journal
from gateway.update.steps import Journal, Phase, StepFailed

OLD = "1.0~deb12"


class Shell:
    """Stands in for dpkg and systemd: remembers what was run; a backup makes a file, `cp -al` a folder."""

    def __init__(self, backups: Path) -> None:
        self.ran: list[str] = []
        self._backups = backups

    def __call__(self, *command: str) -> None:
        self.ran.append(" ".join(command))
        if command[-1] == "etalage-backup.service":
            (self._backups / "etalage-20260101-000000.backup.gz").touch()
        if command[:2] == ("cp", "-al"):
            Path(command[3]).mkdir()


@pytest.fixture
def places(tmp_path: Path) -> Places:
    home = tmp_path / "home"
    (home / OLD).mkdir(parents=True)
    (home / "current").symlink_to(OLD)
    (tmp_path / "state").mkdir()
    return Places(tmp_path / "state", home, tmp_path / "run" / "probation.conf")


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    (tmp_path / "backups").mkdir()
    return Shell(tmp_path / "backups")


@pytest.fixture
def box(tmp_path: Path, places: Places, shell: Shell) -> DebianBox:
    database = tmp_path / "data" / "etalage.db"
    database.parent.mkdir()
    _tables(database, "0009")
    settings = Settings(storage=StorageSettings(path=database), shoppers=ShoppersSettings(backups=tmp_path / "backups"))
    return DebianBox(settings, places, shell)


def _tables(database: Path, revision: str) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS alembic_version (version_num TEXT)")
        connection.execute("DELETE FROM alembic_version")
        connection.execute("INSERT INTO alembic_version VALUES (?)", (revision,))
    connection.close()


def test_a_kept_version_runs_from_its_own_place_and_is_found_again(box: DebianBox, places: Places) -> None:
    box.keep(OLD)
    assert (places.home / "current").readlink() == places.home / "kept" / OLD
    assert box.running_version() == OLD
    assert box.kept_versions() == []  # the one that runs is none to go back to
    (places.home / "current").unlink()
    (places.home / "current").symlink_to("2.0~deb12")
    assert box.kept_versions() == [OLD]
    box.put_back_program(OLD)
    assert box.running_version() == OLD


def test_only_one_version_is_kept(box: DebianBox, places: Places) -> None:
    (places.home / "kept" / "0.9~deb12").mkdir(parents=True)
    box.keep(OLD)
    assert [path.name for path in (places.home / "kept").iterdir()] == [OLD]


def test_a_version_that_was_never_kept_leaves_what_runs(box: DebianBox) -> None:
    box.put_back_program("7.0")
    assert box.running_version() == OLD


def test_data_come_back_as_they_were_and_the_keys_stay_as_they_are(box: DebianBox, tmp_path: Path) -> None:
    database = tmp_path / "data" / "etalage.db"
    keys = Keys(database.with_suffix(".keys"))
    epoch = keys.epoch()
    box.save_data()
    _tables(database, "9999")
    database.with_name("etalage.db-wal").write_text("of the new version")
    assert box.revision() == "9999"
    box.put_back_data()
    assert box.revision() == "0009"
    assert not database.with_name("etalage.db-wal").exists()
    assert keys.epoch() > epoch  # the backend is asked for what came meanwhile


def test_the_copy_of_the_data_goes_with_the_journal_because_no_erasure_reaches_it(box: DebianBox, places: Places) -> None:
    box.save_data()
    box.note(Journal(Phase.SETTLING, OLD, "x.deb", "0009"))
    box.forget()
    assert not (places.state / "saved").exists()
    assert read_journal(places) is None


def test_without_that_copy_the_backup_of_before_is_restored(box: DebianBox, places: Places, shell: Shell, tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match="no backup of before the update"):
        box.put_back_data()
    box.back_up()
    assert box.revision_before() == "0009"
    box.put_back_data()
    assert (
        shell.ran[-1] == f"{places.home}/current/bin/etalage restore --replace {tmp_path}/backups/etalage-20260101-000000.backup.gz"
    )


def test_a_journal_is_read_as_it_was_noted(box: DebianBox, places: Places) -> None:
    noted = Journal(Phase.PROBATION, OLD, "/new.deb", None)
    box.note(noted)
    assert read_journal(places) == noted


@pytest.mark.parametrize("text", ["", "{", "{}", '{"phase": "dreaming"}', '{"phase": "saving", "more": 1}'])
def test_a_journal_that_cannot_be_read_is_named(places: Places, text: str) -> None:
    (places.state / "journal.json").write_text(text)
    with pytest.raises(StepFailed, match="can't be read"):
        read_journal(places)


def test_promises_are_held_and_made_again(box: DebianBox, places: Places) -> None:
    box.hold_promises(held=True)
    assert "FREE_SPACE_MIN_MB" in places.drop_in.read_text()
    box.hold_promises(held=False)
    box.hold_promises(held=False)
    assert not places.drop_in.exists()


def test_a_service_that_was_masked_for_dpkg_is_unmasked_also_when_dpkg_fails(
    box: DebianBox, places: Places, tmp_path: Path
) -> None:
    ran: list[str] = []

    def run(*command: str) -> None:
        ran.append(" ".join(command))
        if command[0] == "apt-get":
            raise StepFailed("half a package")

    failing = DebianBox(Settings(storage=StorageSettings(path=tmp_path / "x.db")), places, run)
    with pytest.raises(StepFailed, match="half a package"):
        failing.install("/x.deb")
    assert ran[-1] == "systemctl unmask --runtime etalage.service"


def test_a_box_without_the_package_says_so(tmp_path: Path, shell: Shell) -> None:
    with pytest.raises(StepFailed, match="wasn't installed by the package"):
        DebianBox(Settings(), Places(tmp_path, tmp_path, tmp_path), shell).running_version()
