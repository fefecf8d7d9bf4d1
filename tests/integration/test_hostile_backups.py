"""Backups that somebody made up: refused in a line, within bounds, and nothing of them is restored."""

from __future__ import annotations

import gzip
import json
import random
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

import pytest

from gateway.settings import StorageSettings
from gateway.storage import Store, open_store
from gateway.storage.backup import write_backup
from gateway.storage.backup_file import BackupError, BackupWriter
from gateway.storage.keys import KEYS_COPY, Keys
from gateway.storage.restore import prove_backup, read_backup
from gateway.storage.tables import metadata

NOON_S = 1_763_719_200.0
TOKEN = {"name": "x", "role": "viewer", "hash": "0" * 64, "made_at_s": 1.0, "revoked_at_s": None}
FACT = {"name": "weather", "value": "sun", "set_at_s": 1.0, "set_by": "x"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(StorageSettings(path=tmp_path / "etalage.db"))
    yield opened
    opened.close()


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "etalage.keys")


def is_empty(store: Store) -> bool:
    with store.read() as connection:
        return all(not connection.execute(table.select()).all() for table in metadata.sorted_tables)


def signed(path: Path, keys: Keys, *lines: Any) -> Path:
    """A file with the box's own signature: what only the checks of its rows can stop."""
    with gzip.open(path, "wb") as out:
        writer = BackupWriter(cast(IO[bytes], out), keys.signing_key(), {"backup": "b", "made_at_s": 1.0})
        for line in lines:
            writer.write(line)
        writer.end()
    return path


def rows(table: str, *of: Any) -> dict[str, Any]:
    return {"table": table, "rows": list(of)}


def test_a_row_that_was_added_is_noticed(store: Store, keys: Keys, tmp_path: Path) -> None:
    path = tmp_path / "one.backup.gz"
    write_backup(store, keys, path, NOON_S)
    *before, end = gzip.decompress(path.read_bytes()).splitlines()
    tampered = [*before, json.dumps(rows("tokens", TOKEN | {"role": "admin"})).encode(), end]
    for spoilt in (tampered, [*tampered[:-1], json.dumps(json.loads(end) | {"end": len(before)}).encode()]):
        path.write_bytes(gzip.compress(b"\n".join(spoilt)))
        with pytest.raises(BackupError, match="was changed"):
            read_backup(store, keys, path, {})
    assert is_empty(store)


def test_a_backup_of_another_box_is_not_taken_for_ones_own(store: Store, keys: Keys, tmp_path: Path) -> None:
    path = tmp_path / "one.backup.gz"
    write_backup(store, Keys(tmp_path / "other.keys"), path, NOON_S)
    with pytest.raises(BackupError, match="another box"):
        read_backup(store, keys, path, {})


def test_the_copy_of_the_keys_beside_the_backups_cant_sign_for_the_box(keys: Keys, tmp_path: Path) -> None:
    own = keys.signing_key().public_key()
    (tmp_path / "backups").mkdir()
    keys.copy_to(tmp_path / "backups" / KEYS_COPY)
    assert Keys(tmp_path / "backups" / KEYS_COPY).signing_key().public_key() != own


@pytest.mark.parametrize(
    "line",
    [
        rows("tokens", TOKEN | {"role": "god"}),
        rows("tokens", TOKEN | {"role": None}),
        rows("tokens", TOKEN | {"made_at_s": "yesterday"}),
        rows("tokens", TOKEN | {"made_at_s": True}),
        rows("tokens", TOKEN | {"name": "x" * 65}),
        rows("tokens", TOKEN, TOKEN),
        rows("tokens", {"name": "x"}),
        rows("counters", {"key": "k", "shopper": "", "used": 2**63, "opened_at_s": 1.0}),
        rows("counters", {"key": "k", "shopper": "", "used": 1.5, "opened_at_s": 1.0}),
        rows("attention", {"shopper": "s-1", "tokens": 1.0, "at_s": 1.0}),
        rows("shop_facts", FACT, "no row"),
        {"table": "shop_facts", "rows": 3},
        {"table": "shop_facts"},
        {"table": ["shop_facts"], "rows": [FACT]},
        {"rows": [FACT]},
        {"table": "attention", "key": "zz", "box": ""},
        {"table": "attention", "key": 3, "box": None},
        [],
        "x",
        3,
        None,
    ],
    ids=repr,
)
def test_a_line_that_no_box_writes_is_refused_even_if_signed(store: Store, keys: Keys, tmp_path: Path, line: Any) -> None:
    path = signed(tmp_path / "one.backup.gz", keys, rows("shop_facts", FACT), line)
    with pytest.raises(BackupError, match="damaged"):
        read_backup(store, keys, path, {})
    assert is_empty(store)


@pytest.mark.parametrize("packed", [b"\0" * (64 << 20), (b"[" * 100_000) + b"\n", b'{"format": "etalage-backup-2"}\n' * 50_000])
def test_a_bomb_is_refused_within_bounds(store: Store, keys: Keys, tmp_path: Path, packed: bytes) -> None:
    path = tmp_path / "bomb.backup.gz"
    path.write_bytes(gzip.compress(packed, 6))
    del packed
    tracemalloc.start(1)
    with pytest.raises(BackupError):
        read_backup(store, keys, path, {})
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100 << 20


def test_flipped_and_cut_bytes_end_in_a_line_and_never_in_rows(store: Store, keys: Keys, tmp_path: Path) -> None:
    path, rng = tmp_path / "one.backup.gz", random.Random(7)
    store.writer.submit(lambda connection: connection.execute(metadata.tables["tokens"].insert(), TOKEN)).result()
    write_backup(store, keys, path, NOON_S)
    fresh = open_store(StorageSettings(path=tmp_path / "fresh.db"))
    whole = path.read_bytes()
    for _ in range(60):
        spoilt = bytearray(gzip.decompress(whole)) if rng.random() < 0.5 else bytearray(whole)
        plain = spoilt[:2] != whole[:2]
        for _ in range(rng.randint(1, 4)):
            spoilt[rng.randrange(len(spoilt))] ^= 1 << rng.randrange(8)
        path.write_bytes(gzip.compress(bytes(spoilt)) if plain else bytes(spoilt[: rng.randint(len(spoilt) // 2, len(spoilt))]))
        try:
            read_backup(fresh, keys, path, {})
        except BackupError:
            assert is_empty(fresh)
        else:
            break  # a flip in gzip's own header, which says nothing
    fresh.close()


def test_a_backup_proves_itself_by_coming_back(store: Store, keys: Keys, tmp_path: Path) -> None:
    store.writer.submit(lambda connection: connection.execute(metadata.tables["tokens"].insert(), TOKEN)).result()
    made = write_backup(store, keys, tmp_path / "one.backup.gz", NOON_S)
    assert prove_backup(keys, tmp_path / "one.backup.gz").rows == made.rows == 1
