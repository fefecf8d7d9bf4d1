from __future__ import annotations

import stat
from pathlib import Path

import pytest

from gateway.settings import StorageSettings
from gateway.storage import StorageError, open_store


def test_the_database_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    open_store(StorageSettings(path=tmp_path / "etalage.db")).close()
    assert stat.S_IMODE((tmp_path / "etalage.db").stat().st_mode) == 0o600


def test_a_missing_folder_is_named_and_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="doesn't exist; make it"):
        open_store(StorageSettings(path=tmp_path / "nowhere" / "etalage.db"))


def test_a_damaged_database_is_noticed_at_start_with_a_way_forward(tmp_path: Path) -> None:
    path = tmp_path / "etalage.db"
    path.write_bytes(b"this is no database, " * 500)
    with pytest.raises(StorageError, match="etalage restore"):
        open_store(StorageSettings(path=path))


def test_a_promise_outlives_a_pulled_plug_because_every_commit_is_synced(tmp_path: Path) -> None:
    store = open_store(StorageSettings(path=tmp_path / "etalage.db"))
    with store.read() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA secure_delete").scalar() == 1
    store.close()
