"""Restoring: a database filled from a backup, all of it or nothing. Who is proven erased stays erased."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import sqlite3
import zlib
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, LargeBinary, Table, delete, func, insert, select, text

from gateway.storage import consents, subject
from gateway.storage.backup import FORMAT, NONCE_BYTES, BackupError, Summary, bound, shoppers
from gateway.storage.delivery_lock import DeliveryLock
from gateway.storage.keys import Keys
from gateway.storage.packed import PackedJson, unpack
from gateway.storage.store import Store
from gateway.storage.tables import metadata


def in_use(path: Path) -> bool:
    """Whether anybody has a database file open: to leave the write-ahead log, one must be alone."""
    try:
        with sqlite3.connect(path, timeout=0) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
        connection.close()
    except sqlite3.OperationalError as error:
        return "locked" in str(error)
    except sqlite3.DatabaseError:  # damaged, so nobody can work with it
        return False
    return False


def at_work(store: Store) -> bool:
    """Whether a gateway carries the mail of a shared database."""
    lock = DeliveryLock(store.engine)
    alone = lock.acquire(0.0)
    lock.release()
    return not alone


def is_empty(connection: Connection) -> bool:
    """Whether no table holds a row."""
    return all(connection.execute(select(table).limit(1)).first() is None for table in metadata.sorted_tables)


def read_backup(store: Store, keys: Keys, source: Path, proven: dict[bytes, float], *, replace: bool = False) -> Summary:
    """Fill a database from a backup, in one transaction: all of it or nothing. Raises BackupError.

    The database is empty, or emptied first with `replace`. `proven` are erasures known from elsewhere (the database that is being
    replaced): digest to the withdrawal's own time. Whoever is proven erased stays erased, also when their key has turned up again.
    """

    def work(connection: Connection) -> Summary:
        if replace:
            for table in reversed(metadata.sorted_tables):
                connection.execute(delete(table))
        return _read(connection, keys, source, proven)

    return store.writer.submit(work).result()


def _read(connection: Connection, keys: Keys, source: Path, proven: dict[bytes, float]) -> Summary:
    known = keys.by_id()
    rows = unreadable = 0
    try:
        with gzip.open(source, "rt", encoding="utf-8") as lines:
            header = json.loads(next(lines, "{}"))
            if header.get("format") != FORMAT:
                raise BackupError(f"{source}: is no backup of this program; give a file that `etalage backup` wrote")
            ended = False
            for count, line in enumerate(lines):
                entry = json.loads(line)
                if "end" in entry:
                    ended = entry["end"] == count
                    break
                found = _open(entry, known, header["backup"])
                if found is None:
                    unreadable += 1
                    continue
                rows += _fill(connection, entry["table"], found)
    except FileNotFoundError as error:
        raise BackupError(f"{source}: is not there; give a file that `etalage backup` wrote") from error
    except (OSError, EOFError, ValueError, KeyError, TypeError, InvalidTag, zlib.error, binascii.Error) as error:
        raise BackupError(f"{source}: damaged ({type(error).__name__}); nothing was restored: take another backup") from error
    if not ended:
        raise BackupError(f"{source}: cut short; nothing was restored: take another backup")
    _count_on(connection)
    again = _erase_again(connection, keys, proven)
    return Summary(rows, len(shoppers(connection)), unreadable, again)


def _open(entry: dict[str, Any], known: dict[bytes, bytes], backup: str) -> list[dict[str, Any]] | None:
    """The rows of a line; None when the key to their box was destroyed."""
    if "box" not in entry:
        return list(entry["rows"])
    key = known.get(bytes.fromhex(entry["key"]))
    if key is None:
        return None
    box = base64.b64decode(entry["box"])
    opened = AESGCM(key).decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], bound(backup, entry["table"]))
    return list(json.loads(zlib.decompress(opened)))


def _fill(connection: Connection, name: str, rows: list[dict[str, Any]]) -> int:
    table = metadata.tables.get(name)
    if table is None:
        return 0
    connection.execute(insert(table), [_typed(table, row) for row in rows])
    return len(rows)


def _erase_again(connection: Connection, keys: Keys, proven: dict[bytes, float]) -> int:
    """Erase whoever is proven erased and has not opted in after that, and keep every proof."""
    proofs = consents.proven(connection)
    for digest, decided_at_s in proven.items():
        if proofs.get(digest, float("-inf")) < decided_at_s:
            consents.prove_erasure(connection, digest, consents.ErasureProof(decided_at_s), decided_at_s, 0)
            proofs[digest] = decided_at_s
    again = 0
    for shopper in shoppers(connection):
        withdrawn_s = proofs.get(keys.digest(shopper))
        standing = consents.find(connection, shopper)
        if withdrawn_s is not None and (standing is None or standing.decided_at_s <= withdrawn_s):
            subject.erase_all(connection, shopper, keys.digest(shopper), withdrawn_s)
            again += 1
    return again


def _count_on(connection: Connection) -> None:
    """PostgreSQL's counters go on after the numbers that were filled in; SQLite's do so by themselves."""
    if connection.dialect.name != "postgresql":
        return
    for table in metadata.sorted_tables:
        column = table.autoincrement_column
        if column is not None:
            highest = connection.execute(select(func.max(column))).scalar()
            sequence = {"table": table.name, "column": column.name, "value": highest}
            if highest is not None:
                connection.execute(text("SELECT setval(pg_get_serial_sequence(:table, :column), :value)"), sequence)


def _typed(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    """The row as the database takes it; a column that this version no longer has is left out."""
    return {name: _value(table.c[name].type, value) for name, value in row.items() if name in table.c}


def _value(kind: Any, value: Any) -> Any:
    if isinstance(value, str) and isinstance(kind, LargeBinary):
        return base64.b64decode(value)
    if isinstance(value, str) and isinstance(kind, PackedJson):  # the first release kept some of it packed in its backups too
        return json.loads(unpack(base64.b64decode(value), kind.common))
    return value
