"""Restoring: a database filled from a backup, all of it or nothing. Who is proven erased stays erased."""

from __future__ import annotations

import base64
import contextlib
import json
import sqlite3
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, delete, func, insert, select, text
from sqlalchemy.exc import SQLAlchemyError

from gateway.settings import StorageSettings
from gateway.storage import consents, subject
from gateway.storage.backup import NONCE_BYTES, Summary, bound, shoppers
from gateway.storage.backup_file import LINE_MAX_BYTES, BackupError, Line, read_header, read_lines
from gateway.storage.delivery_lock import DeliveryLock
from gateway.storage.keys import Keys
from gateway.storage.row_check import WrongRow, row_of
from gateway.storage.store import Store, open_store
from gateway.storage.tables import metadata
from gateway.storage.waiting import NotInTime

STEPS_BEHIND = 2
"""A restored database is behind what the keys file remembers, even one whose last step the keys hadn't noted yet."""
RESTORED_WITHIN_S = 3600.0
"""A backup is one transaction: a month of a busy shop takes minutes on a small box's card."""


def in_use(path: Path) -> bool:
    """Return whether anybody has a database file open: to leave the write-ahead log, one must be alone."""
    try:
        with sqlite3.connect(path, timeout=0) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
        connection.close()
    except sqlite3.OperationalError as error:
        return "locked" in str(error)
    except sqlite3.DatabaseError:  # damaged, so nobody can work with it
        return False
    return False


def note_restored(keys: Keys) -> None:
    """Let the keys remember that the database is behind: the gateway asks the backend for everything at its next start."""
    keys.note_epoch(keys.epoch() + STEPS_BEHIND)


def at_work(store: Store) -> bool:
    """Return whether a gateway carries the mail of a shared database."""
    lock = DeliveryLock(store.engine)
    alone = lock.acquire(0.0)
    lock.release()
    return not alone


def is_empty(connection: Connection) -> bool:
    """Return whether no table holds a row."""
    return all(connection.execute(select(table).limit(1)).first() is None for table in metadata.sorted_tables)


def read_backup(
    store: Store,
    keys: Keys,
    source: Path,
    proven: dict[bytes, float],
    *,
    replace: bool = False,
    signed_by: Ed25519PublicKey | None = None,
) -> Summary:
    """Fill a database from a backup, in one transaction: all of it or nothing. Raises BackupError.

    The database is empty, or emptied first with `replace`. `proven` are erasures known from elsewhere (the database that is being
    replaced): digest to the withdrawal's own time. Whoever is proven erased stays erased, also when their key has turned up again.
    `signed_by` is the key of the box that made it; None: this one's.
    """
    trusted = signed_by or keys.signing_key().public_key()
    for _ in read_lines(source, trusted):  # the signature stands at the end: nothing is touched before it was checked
        pass

    def work(connection: Connection) -> Summary:
        if replace:
            for table in reversed(metadata.sorted_tables):
                connection.execute(delete(table))
        return _read(connection, keys, source, trusted, proven)

    try:
        return store.writer.write_blocking(work, RESTORED_WITHIN_S)
    except NotInTime as error:
        raise BackupError(
            f"{source}: {error.orig}; see whether the disk is full or another program keeps the database locked, then try again"
        ) from error
    except (SQLAlchemyError, OverflowError) as error:
        raise _damaged(source, error) from error


def prove_backup(keys: Keys, source: Path) -> Summary:
    """Restore a backup into a temporary database, and say what came out of it. Raises BackupError."""
    with (
        TemporaryDirectory(prefix="etalage-proof-") as folder,
        contextlib.closing(open_store(StorageSettings(path=Path(folder) / "proof.db"))) as store,
    ):
        return read_backup(store, keys, source, {})


def _read(connection: Connection, keys: Keys, source: Path, signed_by: Ed25519PublicKey, proven: dict[bytes, float]) -> Summary:
    backup = str(read_header(source).get("backup"))
    seals = Seals(keys.by_id(), keys.owners(), keys, backup)
    rows = unreadable = 0
    for entry in read_lines(source, signed_by):
        try:
            found = _open(entry, seals)
            if found is None:
                unreadable += 1
                continue
            rows += _fill(connection, entry["table"], found)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, InvalidTag, zlib.error) as error:
            raise _damaged(source, error) from error
    _count_on(connection)
    again = _erase_again(connection, keys, proven)
    return Summary(rows, len(shoppers(connection)), unreadable, again)


def _damaged(source: Path, error: Exception) -> BackupError:
    what = str(error) if isinstance(error, WrongRow) else type(error).__name__
    return BackupError(f"{source}: damaged ({what}); nothing was restored: take another backup")


class Seals(NamedTuple):
    """What opens the boxes of one backup: key id to key, and to the digest of whose it is."""

    keys_by_id: dict[bytes, bytes]
    owners: dict[bytes, bytes]
    keys: Keys
    backup: str


def _open(entry: Line, seals: Seals) -> list[Line] | None:
    """Return the rows of a line; None when the key to their box was destroyed. Raises WrongRow for rows that aren't the key's."""
    if "box" not in entry:
        if any(row.get("shopper") for row in entry["rows"]):
            raise WrongRow(f"{entry['table']} has a shopper's row without a seal")
        return list(entry["rows"])
    key_id = bytes.fromhex(entry["key"])
    key = seals.keys_by_id.get(key_id)
    if key is None:
        return None
    box = base64.b64decode(entry["box"])
    opened = AESGCM(key).decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], bound(seals.backup, entry["table"]))
    unpacking = zlib.decompressobj()
    plain = unpacking.decompress(opened, LINE_MAX_BYTES)
    if unpacking.unconsumed_tail:
        raise WrongRow(f"{entry['table']} has a box that is too large")
    rows = list(json.loads(plain))
    if any(seals.keys.digest(str(row["shopper"])) != seals.owners[key_id] for row in rows):
        raise WrongRow(f"{entry['table']} has a row under somebody else's seal")
    return rows


def _fill(connection: Connection, name: str, rows: list[Line]) -> int:
    table = metadata.tables.get(name)
    if table is None or not rows:
        return 0
    connection.execute(insert(table), [row_of(table, row) for row in rows])
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
