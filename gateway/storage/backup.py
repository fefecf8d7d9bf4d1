"""Backups: a consistent copy of all tables, taken while the gateway runs, in which every shopper's rows are sealed with that
shopper's own key. An erasure destroys the key, and with it that shopper's part of every backup there is.

A backup is gzipped JSON lines: a header, rows that are about nobody, sealed boxes (the rows of one shopper in one table), an end
line. Boxes are AES-256-GCM with a fresh nonce, bound to their backup and table; beside each stands only the key's random id.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import itertools
import json
import os
import secrets
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, LargeBinary, Table, insert, select

from gateway.storage import consents, subject
from gateway.storage.keys import Keys, ShopperKey
from gateway.storage.metadata import metadata
from gateway.storage.store import Store

FORMAT = "etalage-backup-1"
NONCE_BYTES = 12
ROWS_AT_ONCE = 2_000
SUFFIX = ".backup.gz"


class BackupError(Exception):
    """A backup can't be made or read; `str()` is one line: what, where, and what to do."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What went into a backup or came out of it."""

    rows: int = 0
    shoppers: int = 0
    unreadable: int = 0
    """Boxes whose key is gone: their shoppers were erased."""
    erased_again: int = 0
    """Shoppers whose rows could be read, but whose erasure is proven."""


def write_backup(store: Store, keys: Keys, target: Path, now_s: float) -> Summary:
    """Write everything to `target`, which appears only when it is whole. Raises BackupError."""
    partial = target.with_name(target.name + ".partial")
    try:
        with _private(partial) as raw, gzip.open(raw, "wt", encoding="utf-8") as out, store.read() as connection:
            summary = _write(connection, keys, out, now_s)
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise BackupError(f"{target}: can't be written ({error.strerror}); free space or mend the folder's rights") from error
    with store.read() as connection:
        # Whoever was erased while this ran had a key made for a box that is already in the file.
        keys.destroy((digest, max(at_s, now_s)) for digest, at_s in _proofs_without_consent(connection, keys))
    return summary


def _private(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb")


def _write(connection: Connection, keys: Keys, out: IO[str], now_s: float) -> Summary:
    backup = secrets.token_hex(16)
    names = shoppers(connection)
    sealing = keys.keys_of(names, now_s)
    out.write(json.dumps({"format": FORMAT, "backup": backup, "made_at_s": now_s}) + "\n")
    count = lines = 0
    for table in metadata.sorted_tables:
        for shopper, rows in _grouped(connection, table):
            count += len(rows)
            lines += 1
            out.write(_line(backup, table, rows, sealing[shopper] if shopper is not None else None) + "\n")
    out.write(json.dumps({"end": lines}) + "\n")
    return Summary(rows=count, shoppers=len(names))


def shoppers(connection: Connection) -> set[str]:
    """Everyone of whom any table holds a row."""
    found: set[str] = set()
    for table in metadata.sorted_tables:
        if "shopper" in table.c:
            found.update(connection.execute(select(table.c.shopper).distinct()).scalars())
    return found - {None, ""}


def _grouped(connection: Connection, table: Table) -> Iterator[tuple[str | None, list[dict[str, Any]]]]:
    """A table's rows, those of one shopper together; nameless ones in handfuls."""
    named = "shopper" in table.c
    rows = select(table).order_by(table.c.shopper) if named else select(table)
    found = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(rows).mappings()
    plain = (_plain(table, dict(row)) for row in found)
    for shopper, group in itertools.groupby(plain, lambda row: (row["shopper"] or None) if named else None):
        while handful := list(itertools.islice(group, ROWS_AT_ONCE)):
            yield shopper, handful


def _line(backup: str, table: Table, rows: list[dict[str, Any]], key: ShopperKey | None) -> str:
    if key is None:
        return json.dumps({"table": table.name, "rows": rows})
    nonce = secrets.token_bytes(NONCE_BYTES)
    box = nonce + AESGCM(key.key).encrypt(nonce, zlib.compress(json.dumps(rows).encode(), 1), _bound(backup, table.name))
    return json.dumps({"table": table.name, "key": key.id.hex(), "box": base64.b64encode(box).decode()})


def _bound(backup: str, table: str) -> bytes:
    return f"{FORMAT}/{backup}/{table}".encode()


def _plain(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for name, value in row.items()
        if name in table.c
    }


def _typed(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    """The row as the database takes it; a column that this version no longer has is left out."""
    return {
        name: base64.b64decode(value) if value is not None and isinstance(table.c[name].type, LargeBinary) else value
        for name, value in row.items()
        if name in table.c
    }


def read_backup(store: Store, keys: Keys, source: Path, proven: dict[bytes, float]) -> Summary:
    """Fill an empty database from a backup, in one transaction: all of it or nothing. Raises BackupError.

    `proven` are erasures known from elsewhere (the database that is being replaced): digest to the withdrawal's own time. Whoever
    is proven erased stays erased, also when their key has turned up again.
    """
    return store.writer.submit(lambda connection: _read(connection, keys, source, proven)).result()


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
    except (OSError, EOFError, ValueError, KeyError, TypeError, InvalidTag, zlib.error, binascii.Error) as error:
        raise BackupError(f"{source}: damaged ({type(error).__name__}); nothing was restored: take another backup") from error
    if not ended:
        raise BackupError(f"{source}: cut short; nothing was restored: take another backup")
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
    opened = AESGCM(key).decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], _bound(backup, entry["table"]))
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
            consents.prove_erasure(connection, digest, decided_at_s, decided_at_s, 0)
            proofs[digest] = decided_at_s
    again = 0
    for shopper in shoppers(connection):
        withdrawn_s = proofs.get(keys.digest(shopper))
        standing = consents.find(connection, shopper)
        if withdrawn_s is not None and (standing is None or standing.decided_at_s <= withdrawn_s):
            subject.erase_all(connection, shopper)
            again += 1
    return again


def _proofs_without_consent(connection: Connection, keys: Keys) -> list[tuple[bytes, float]]:
    """The proven erasures of shoppers of whom nothing stands now."""
    present = {keys.digest(shopper) for shopper in shoppers(connection)}
    return [(digest, at_s) for digest, at_s in consents.proven(connection).items() if digest not in present]
