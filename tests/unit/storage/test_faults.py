from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.settings import StorageSettings
from gateway.storage import StorageError, open_store
from gateway.storage.faults import FileFault, fault_of
from gateway.storage.keys import Keys, KeysError

IN_A_ROOM_OF_ITS_OWN = """
import os, sqlite3, sys
from pathlib import Path
from gateway.settings import StorageSettings
from gateway.storage import StorageError, open_store
from gateway.storage.keys import Keys, KeysError
folder, prepare = Path("."), sys.argv[2]
os.chdir(sys.argv[1])
settings = StorageSettings(path=folder / "etalage.db")
open_store(settings).close()
Keys(settings.keys_path)
before = settings.path.read_bytes()
exec(prepare)
for attempt in (lambda: open_store(settings), lambda: Keys(settings.keys_path).note_epoch(1)):
    try:
        attempt()
    except (StorageError, KeysError, sqlite3.Error) as error:
        print(error)
assert settings.path.read_bytes() == before
"""
"""A tmpfs of its own: what is done to it is no other program's trouble.

Worked in by a relative path: a user without rights needn't come in from above.
"""
READ_ONLY = "import subprocess; subprocess.run(['mount', '-o', 'remount,ro', sys.argv[1]], check=True)"
NO_RIGHT = (
    "os.chmod(folder, 0o755); os.chmod(settings.path, 0o644); os.setgroups([]); os.setgid(64123); os.setuid(64123)"
    if os.geteuid() == 0
    else "os.chmod(settings.path, 0o400); os.chmod(settings.keys_path, 0o400)"
)
FULL = """
try:
    with open(folder / "all", "wb") as file:
        while True:
            file.write(b"0" * 4096); file.flush()
except OSError:
    pass
"""


def told(folder: Path, prepare: str) -> list[str]:
    """Return what is said of a healthy database on a disk to which something was done."""
    alone = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]
    shell = 'mount -t tmpfs -o size=2m none "$1" && exec "$3" -c "$4" "$1" "$2"'
    words = [*alone, "sh", "-ec", shell, "sh", str(folder), prepare, sys.executable, IN_A_ROOM_OF_ITS_OWN]
    run = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    return run.stdout.splitlines()


@pytest.mark.parametrize(("prepare", "says"), [(READ_ONLY, "is read-only"), (NO_RIGHT, "may not write"), (FULL, "disk is full")])
def test_a_healthy_database_that_can_t_be_written_is_never_to_be_moved(tmp_path: Path, prepare: str, says: str) -> None:
    lines = told(tmp_path, prepare)
    assert lines
    assert says in lines[0]
    for line in lines:
        assert "healthy" in line or "full" in line
        assert "move" not in line
        assert "restore" not in line


def test_a_damaged_file_is_to_be_moved_and_restored(tmp_path: Path) -> None:
    settings = StorageSettings(path=tmp_path / "etalage.db")
    settings.path.write_bytes(b"no database at all " * 300)
    with pytest.raises(StorageError, match="damaged or no database; move it aside and restore"):
        open_store(settings)


def test_a_database_whose_pages_were_overwritten_is_damaged(tmp_path: Path) -> None:
    settings = StorageSettings(path=tmp_path / "etalage.db")
    open_store(settings).close()
    with settings.path.open("r+b") as file:
        file.seek(2048 * 3)
        file.write(b"\xff" * 2048 * 5)
    with pytest.raises(StorageError, match="move it aside"):
        open_store(settings)


def test_a_damaged_keys_file_has_a_copy(tmp_path: Path) -> None:
    (tmp_path / "etalage.keys").write_bytes(b"no keys at all " * 300)
    with pytest.raises(KeysError, match="put back its copy"):
        Keys(tmp_path / "etalage.keys")


def test_a_folder_in_the_database_s_place_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="is a folder"):
        open_store(StorageSettings(path=tmp_path))


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        (errno.EROFS, FileFault.READ_ONLY),
        (errno.EACCES, FileFault.NO_RIGHT),
        (errno.ENOSPC, FileFault.FULL),
        (errno.EDQUOT, FileFault.FULL),
        (errno.EIO, FileFault.DISK),
        (errno.ELOOP, FileFault.OTHER),
    ],
)
def test_the_system_s_errors_are_told_apart(number: int, fault: FileFault, tmp_path: Path) -> None:
    assert fault_of(OSError(number, "x"), tmp_path / "etalage.db") is fault


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (sqlite3.SQLITE_IOERR_FSYNC, FileFault.DISK),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, FileFault.LOCKED),
        (sqlite3.SQLITE_FULL, FileFault.FULL),
        (sqlite3.SQLITE_READONLY, FileFault.READ_ONLY),
        (sqlite3.SQLITE_READONLY_DBMOVED, FileFault.MOVED),
        (sqlite3.SQLITE_CORRUPT_INDEX, FileFault.DAMAGED),
        (sqlite3.SQLITE_NOMEM, FileFault.OTHER),
    ],
)
def test_sqlite_s_codes_are_told_apart(code: int, fault: FileFault, tmp_path: Path) -> None:
    error = sqlite3.OperationalError("x")
    error.sqlite_errorcode = code
    assert fault_of(error, tmp_path / "etalage.db") is fault


def test_only_a_damaged_file_is_ever_to_be_moved() -> None:
    assert [fault for fault in FileFault if "move it" in fault.value or "etalage restore" in fault.value] == [FileFault.DAMAGED]
