"""Backups: consistent while the gateway writes, whole or not there, and restored all or nothing."""

from __future__ import annotations

import gzip
import json
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from gateway.settings import StorageSettings
from gateway.storage import Store, consents, identities, journey, open_store
from gateway.storage.backup import write_backup
from gateway.storage.backup_file import BackupError
from gateway.storage.consents import ConsentEvent, ConsentRecord
from gateway.storage.keys import Keys, KeysError
from gateway.storage.metadata import metadata
from gateway.storage.restore import read_backup

NOON_S = 1_763_719_200.0


@pytest.fixture
def store(storage: StorageSettings) -> Iterator[Store]:
    opened = open_store(storage)
    yield opened
    opened.close()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(StorageSettings(path=tmp_path / "fresh.db"))
    yield opened
    opened.close()


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "etalage.keys")


def join(store: Store, shopper: str, at_s: float = NOON_S) -> None:
    purposes, how = frozenset({"offers", "recognise"}), ("nl", "2026-03", "app", at_s)

    def work(connection: Any) -> None:
        consents.note(connection, ConsentEvent(shopper, at_s, 1, purposes, *how))
        consents.put(connection, ConsentRecord(shopper, "r", at_s, 1, purposes, {"offers": at_s}, None, *how))
        identities.put(connection, shopper, bytes(16), None, bytes(range(16)))
        journey.put_bucket(connection, shopper, 1.5, at_s)

    store.writer.submit(work).result()


def everything(store: Store) -> dict[str, list[Any]]:
    with store.read() as connection:
        return {table.name: sorted(map(repr, connection.execute(table.select()))) for table in metadata.sorted_tables}


def test_a_restored_database_holds_row_for_row_what_was_backed_up(store: Store, fresh: Store, keys: Keys, tmp_path: Path) -> None:
    for number in range(25):
        join(store, f"s-{number}")
    store.writer.submit(
        lambda connection: consents.prove_erasure(connection, b"d" * 32, consents.ErasureProof(1.0), 2.0, 3)
    ).result()
    made = write_backup(store, keys, tmp_path / "one.backup.gz", NOON_S)
    read = read_backup(fresh, keys, tmp_path / "one.backup.gz", {})
    assert everything(fresh) == everything(store)
    assert (made.shoppers, read.shoppers, read.unreadable, read.erased_again) == (25, 25, 0, 0)
    assert made.rows == read.rows == 25 * 4 + 1


def test_a_backup_names_nobody_and_holds_no_key(store: Store, keys: Keys, tmp_path: Path) -> None:
    join(store, "shopper-in-clear")
    write_backup(store, keys, tmp_path / "one.backup.gz", NOON_S)
    text = gzip.decompress((tmp_path / "one.backup.gz").read_bytes())
    assert b"shopper-in-clear" not in text
    assert all(key not in text and key.hex().encode() not in text for key in keys.by_id().values())


def test_backup_and_keys_can_be_read_by_their_owner_only(store: Store, keys: Keys, tmp_path: Path) -> None:
    write_backup(store, keys, tmp_path / "one.backup.gz", NOON_S)
    keys.copy_to(tmp_path / "copy.keys")
    for name in ("one.backup.gz", "etalage.keys", "copy.keys"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_a_backup_taken_while_the_gateway_writes_is_of_one_moment(store: Store, fresh: Store, keys: Keys, tmp_path: Path) -> None:
    for number in range(50):
        join(store, f"s-{number}")
    stop = threading.Event()

    def write() -> None:
        number = 50
        while not stop.is_set():
            join(store, f"s-{number}")
            number += 1

    writing = threading.Thread(target=write)
    writing.start()
    try:
        for number in range(5):
            write_backup(store, keys, tmp_path / f"{number}.backup.gz", NOON_S)
    finally:
        stop.set()
        writing.join()
    read_backup(fresh, keys, tmp_path / "4.backup.gz", {})
    with fresh.read() as connection:
        counts = {
            name: connection.execute(select(func.count()).select_from(metadata.tables[name])).scalar()
            for name in ("consents", "consent_events", "identities", "attention")
        }
    assert len(set(counts.values())) == 1, f"one transaction of a shopper is there whole or not at all: {counts}"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda content: content[:-40], "damaged|cut short"),
        (lambda content: b"no backup at all", "damaged"),
        (lambda content: gzip.compress(b'{"format": "something-else"}\n'), "no backup of this program"),
        (lambda content: gzip.compress(gzip.decompress(content).rsplit(b"\n", 2)[0] + b"\n"), "cut short"),
        (lambda content: _other_box(content), "was changed"),
    ],
    ids=["truncated", "garbage", "foreign", "without its end", "a box moved to another table"],
)
def test_a_spoilt_backup_is_refused_and_nothing_of_it_is_restored(
    store: Store, fresh: Store, keys: Keys, tmp_path: Path, spoil: Any, said: str
) -> None:
    for number in range(5):
        join(store, f"s-{number}")
    path = tmp_path / "one.backup.gz"
    write_backup(store, keys, path, NOON_S)
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(BackupError, match=said):
        read_backup(fresh, keys, path, {})
    assert all(rows == [] for rows in everything(fresh).values())


def _other_box(content: bytes) -> bytes:
    """A backup in which the box of one table claims to be another's."""
    lines = [json.loads(line) for line in gzip.decompress(content).splitlines()]
    boxes = [line for line in lines if "box" in line]
    boxes[0]["box"], boxes[-1]["box"] = boxes[-1]["box"], boxes[0]["box"]
    return gzip.compress("\n".join(map(json.dumps, lines)).encode())


def test_a_missing_backup_is_named(fresh: Store, keys: Keys, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match=r"nowhere\.backup\.gz"):
        read_backup(fresh, keys, tmp_path / "nowhere.backup.gz", {})


def test_a_backup_that_cant_be_written_leaves_the_older_one(store: Store, keys: Keys, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="can't be written"):
        write_backup(store, keys, tmp_path / "no-such-folder" / "one.backup.gz", NOON_S)
    (tmp_path / "one.backup.gz").write_bytes(b"older")
    join(store, "s-1")
    write_backup(store, keys, tmp_path / "one.backup.gz", NOON_S)
    assert (tmp_path / "one.backup.gz").read_bytes() != b"older"
    assert not list(tmp_path.glob("*.partial"))


def test_a_keys_file_that_is_none_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "etalage.keys").write_bytes(b"this is no database" * 100)
    with pytest.raises(KeysError) as refused:
        Keys(tmp_path / "etalage.keys")
    assert "\n" not in str(refused.value)


def test_the_copy_of_the_keys_follows(keys: Keys, tmp_path: Path) -> None:
    first = keys.key_of("s-1", NOON_S)
    keys.copy_to(tmp_path / "copy.keys")
    assert Keys(tmp_path / "copy.keys").key_of("s-1", NOON_S) == first
    keys.destroy([(keys.digest("s-1"), NOON_S)])
    keys.copy_to(tmp_path / "copy.keys")
    assert Keys(tmp_path / "copy.keys").by_id() == {}
    assert first.key not in (tmp_path / "copy.keys").read_bytes()


def test_backups_beside_the_database_need_no_copy(keys: Keys) -> None:
    first = keys.key_of("s-1", NOON_S)
    keys.copy_to(keys.path)
    assert keys.key_of("s-1", NOON_S) == first


def test_no_byte_of_a_destroyed_key_is_left_in_the_keys_file(keys: Keys) -> None:
    made = keys.keys_of([f"s-{number}" for number in range(400)], NOON_S)
    gone = [shopper for number, shopper in enumerate(made) if number % 3 == 0]
    assert keys.destroy((keys.digest(shopper), NOON_S) for shopper in gone) == len(gone)
    content = keys.path.read_bytes()
    assert [shopper for shopper in gone if made[shopper].key in content] == []
    assert len(keys.by_id()) == 400 - len(gone)


def test_a_keys_repr_doesnt_show_it(keys: Keys) -> None:
    key = keys.key_of("s-1", NOON_S)
    assert key.key.hex() not in repr(key)
