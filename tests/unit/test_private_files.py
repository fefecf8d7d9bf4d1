from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway import private_files
from gateway.dashboard.tls.authority import server_certificate
from gateway.settings import StorageSettings
from gateway.storage import open_store
from gateway.storage.backup import write_backup
from gateway.storage.keys import Keys

SERVICE = 64_123
"""A user that no box has."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The service's data folder: another user's where the test may give it away, as root does at an installation."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(folder, SERVICE, SERVICE)
    return folder


def strangers(folder: Path) -> list[str]:
    """Return what in a folder isn't its owner's and group's."""
    of = folder.stat()
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if (path.lstat().st_uid, path.lstat().st_gid) != (of.st_uid, of.st_gid)
    ]


def test_all_that_root_makes_in_the_data_folder_is_the_service_s(data: Path) -> None:
    settings = StorageSettings(path=data / "etalage.db")
    store, keys = open_store(settings), Keys(settings.keys_path)
    keys.note_epoch(3)
    private_files.make_folder(data / "backups" / "nightly")
    write_backup(store, keys, data / "backups" / "nightly" / "b.jsonl.gz", 0.0)
    keys.copy_to(data / "backups" / "nightly" / "etalage.keys")
    private_files.put_in_place(settings.clock_path, b"{}")
    server_certificate(data / "tls", ["etalage.local"], datetime(2026, 11, 21, tzinfo=UTC))
    with store.read() as connection:  # while it is open its log and the log's index lie beside it
        connection.exec_driver_sql("SELECT 1")
        assert (data / "etalage.db-wal").exists()
        assert strangers(data) == []
    store.close()
    assert strangers(data) == []


def test_a_file_is_private_whatever_the_umask(data: Path) -> None:
    before = os.umask(0)
    try:
        private_files.put_in_place(data / "one", b"1")
        private_files.make_private(data / "two")
        private_files.make_folder(data / "three")
    finally:
        os.umask(before)
    assert [stat.S_IMODE((data / name).stat().st_mode) for name in ("one", "two", "three")] == [0o600, 0o600, 0o700]


def test_a_new_file_is_never_somebody_s_link_to_another_place(data: Path, tmp_path: Path) -> None:
    (data / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        private_files.open_to_write(data / "link")
    with pytest.raises(FileExistsError):
        private_files.make_private(data / "link")
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_that_is_there_is_neither_emptied_nor_given_away_by_making_sure_of_it(data: Path) -> None:
    (data / "kept").write_bytes(b"kept")
    before = (data / "kept").stat()
    private_files.make_private(data / "kept")
    assert (data / "kept").read_bytes() == b"kept"
    assert (data / "kept").stat().st_uid == before.st_uid
