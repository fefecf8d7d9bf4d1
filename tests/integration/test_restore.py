"""`etalage backup` and `etalage restore` as a shop runs them, on a file and on PostgreSQL: every table, never under a gateway."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.settings import StorageSettings
from gateway.storage import Store, open_store, outbox
from gateway.storage.delivery_lock import DeliveryLock
from gateway.storage.keys import Keys
from gateway.storage.packed import HashText, IdText, PackedJson, PackedText
from gateway.storage.retention import scrub
from gateway.storage.tables import metadata

TABLES = ("books", "book_steps", "tokens", "inbox_seen", "inbox_sync", "shop_facts", "counters", "consents", "promises", "outbox")
"""Of every room at least one."""


@pytest.fixture
def shop(storage: StorageSettings, tmp_path: Path) -> Iterator[Store]:
    """A database with a row in every table."""
    store = open_store(storage)
    store.writer.submit(_fill).result(10)
    yield store
    store.close()


def _fill(connection: sa.Connection) -> None:
    for table in metadata.sorted_tables:
        connection.execute(table.insert().values({column.name: _something(column) for column in table.c}))


def _something(column: sa.Column[Any]) -> Any:
    known = {"shopper": "s-1", "role": "admin", "state": "shown"}
    if column.name in known:
        return known[column.name]
    if isinstance(column.type, IdText | HashText | PackedText):
        return "x"
    if isinstance(column.type, PackedJson | sa.JSON):
        return {"a": 1}
    return {str: "x", int: 1, float: 1.0, bool: True, bytes: b"x"}[column.type.python_type]


def etalage(storage: StorageSettings, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own: it knows what it imports itself, and nothing else."""
    place = {"ETALAGE_STORAGE__PATH": str(storage.path), "ETALAGE_SHOPPERS__BACKUPS": str(folder)}
    if storage.url is not None:
        place["ETALAGE_STORAGE__URL"] = storage.url.get_secret_value()
    command = [sys.executable, "-m", "gateway", *words]
    return subprocess.run(command, env={**os.environ, **place}, capture_output=True, text=True, timeout=60, check=False)


def rows(storage: StorageSettings) -> dict[str, list[str]]:
    store = open_store(storage)
    with store.read() as connection:
        found = {table.name: sorted(map(repr, connection.execute(table.select()))) for table in metadata.sorted_tables}
    store.close()
    return found


def back_up(storage: StorageSettings, folder: Path) -> Path:
    made = etalage(storage, folder, "backup")
    assert made.returncode == 0, made.stderr
    (path,) = folder.glob("*.backup.gz")
    return path


def test_a_backup_by_command_holds_every_table(shop: Store, storage: StorageSettings, tmp_path: Path) -> None:
    backup, before = back_up(storage, tmp_path), rows(storage)
    assert all(before[name] for name in TABLES)
    shop.writer.submit(lambda connection: connection.execute(metadata.tables["books"].delete())).result(10)
    shop.close()
    refused = etalage(storage, tmp_path, "restore", str(backup))
    assert refused.returncode == 1
    assert "--replace" in refused.stderr
    restored = etalage(storage, tmp_path, "restore", str(backup), "--replace")
    assert restored.returncode == 0, restored.stderr
    assert rows(storage) == before


def test_a_restored_database_counts_on(shop: Store, storage: StorageSettings, tmp_path: Path) -> None:
    backup = back_up(storage, tmp_path)
    shop.close()
    assert etalage(storage, tmp_path, "restore", str(backup), "--replace").returncode == 0
    again = open_store(storage)
    row: dict[str, Any] = {"topic": "replies", "shopper": None, "body": "{}", "at_s": time.time(), "expires_at_s": None}
    for number in range(3):
        again.writer.submit(partial(outbox.put, event_id=f"e-{number}", **row)).result(10)
    with again.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(outbox.outbox)).scalar_one() == 4
    again.close()


def test_nothing_is_restored_under_a_running_gateway(shop: Store, storage: StorageSettings, tmp_path: Path) -> None:
    backup, before = back_up(storage, tmp_path), rows(storage)
    lock = DeliveryLock(shop.engine)
    assert lock.acquire(0.0)
    refused = etalage(storage, tmp_path, "restore", str(backup), "--replace")
    lock.release()
    assert refused.returncode == 1
    assert "stop" in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert rows(storage) == before
    assert not list(tmp_path.glob("*.restoring*"))


def test_looking_into_the_file_lets_go_of_none_of_its_locks(tmp_path: Path) -> None:
    """A process that closes a file gives up its locks on it, and the next command to end would take the log for nobody's."""
    settings = StorageSettings(path=tmp_path / "etalage.db")
    store, again = open_store(settings), open_store(settings)
    again.close()
    assert scrub(store.engine, Keys(settings.keys_path), [], marks=[b"nobody"])
    look = "import sys; from pathlib import Path; from gateway.storage.restore import in_use; print(in_use(Path(sys.argv[1])))"
    command = [sys.executable, "-c", look, str(settings.path)]
    assert subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout == "True\n"
    store.close()
    assert subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout == "False\n"
