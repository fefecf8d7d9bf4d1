"""Backups: a consistent copy of all tables, taken while the gateway runs, in which every shopper's rows are sealed with that
shopper's own key. An erasure destroys the key, and with it that shopper's part of every backup there is.

A backup's lines (`backup_file`) are rows that are about nobody, and sealed boxes: the rows of one shopper in one table. Boxes are
AES-256-GCM with a fresh nonce, bound to their backup and table; beside each stands only the key's random id. The whole is signed
with the box's own key.
"""

from __future__ import annotations

import base64
import gzip
import itertools
import json
import os
import secrets
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Table, select

from gateway.private_files import open_to_write
from gateway.storage import consents
from gateway.storage.backup_file import FORMAT, BackupError, BackupWriter
from gateway.storage.keys import Keys, ShopperKey
from gateway.storage.store import Store
from gateway.storage.tables import metadata

NONCE_BYTES = 12
ROWS_AT_ONCE = 500
HANDFUL_BYTES = 1 << 18
"""Rows go into one line until they are this long: memory stays small on both sides."""
SUFFIX = ".backup.gz"


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
        with open_to_write(partial) as raw, gzip.open(raw, "wb") as out, store.read() as connection:
            summary = _write(connection, keys, cast(IO[bytes], out), now_s)
        with partial.open("rb") as whole:
            os.fsync(whole.fileno())
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise BackupError(f"{target}: can't be written ({error.strerror}); free space or mend the folder's rights") from error
    with store.read() as connection:
        # Whoever was erased while this ran had a key made for a box that is already in the file.
        keys.destroy((digest, max(at_s, now_s)) for digest, at_s in _proofs_without_consent(connection, keys))
    return summary


def _write(connection: Connection, keys: Keys, out: IO[bytes], now_s: float) -> Summary:
    backup = secrets.token_hex(16)
    names = shoppers(connection)
    sealing = keys.keys_of(names, now_s)
    writer = BackupWriter(out, keys.signing_key(), {"backup": backup, "made_at_s": now_s})
    count = 0
    for table in metadata.sorted_tables:
        for shopper, rows in _grouped(connection, table):
            count += len(rows)
            writer.write(_line(backup, table, rows, sealing[shopper] if shopper is not None else None))
    writer.end()
    return Summary(rows=count, shoppers=len(names))


def shoppers(connection: Connection) -> set[str]:
    """Everyone of whom any table holds a row."""
    found: set[str] = set()
    for table in metadata.sorted_tables:
        if "shopper" in table.c:
            found.update(connection.execute(select(table.c.shopper).distinct()).scalars())
    return found - {None, ""}


def _grouped(connection: Connection, table: Table) -> Iterator[tuple[str | None, list[dict[str, object]]]]:
    """A table's rows, those of one shopper together; nameless ones in handfuls."""
    named = "shopper" in table.c
    rows = select(table).order_by(table.c.shopper) if named else select(table)
    found = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(rows).mappings()
    plain = (_plain(table, dict(row)) for row in found)
    for shopper, group in itertools.groupby(plain, lambda row: (row["shopper"] or None) if named else None):
        yield from ((shopper, handful) for handful in _handfuls(group))


def _handfuls(rows: Iterator[dict[str, object]]) -> Iterator[list[dict[str, object]]]:
    """Yield rows in lists that are short enough for one line each."""
    handful: list[dict[str, object]] = []
    length = 0
    for row in rows:
        handful.append(row)
        length += len(json.dumps(row))
        if length >= HANDFUL_BYTES:
            yield handful
            handful, length = [], 0
    if handful:
        yield handful


def _line(backup: str, table: Table, rows: list[dict[str, object]], key: ShopperKey | None) -> dict[str, object]:
    if key is None:
        return {"table": table.name, "rows": rows}
    nonce = secrets.token_bytes(NONCE_BYTES)
    box = nonce + AESGCM(key.key).encrypt(nonce, zlib.compress(json.dumps(rows).encode(), 1), bound(backup, table.name))
    return {"table": table.name, "key": key.id.hex(), "box": base64.b64encode(box).decode()}


def bound(backup: str, table: str) -> bytes:
    """Return what a box is bound to: it opens in its own backup and table only."""
    return f"{FORMAT}/{backup}/{table}".encode()


def _plain(table: Table, row: dict[str, object]) -> dict[str, object]:
    return {
        name: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for name, value in row.items()
        if name in table.c
    }


def _proofs_without_consent(connection: Connection, keys: Keys) -> list[tuple[bytes, float]]:
    """The proven erasures of shoppers of whom nothing stands now."""
    present = {keys.digest(shopper) for shopper in shoppers(connection)}
    return [(digest, at_s) for digest, at_s in consents.proven(connection).items() if digest not in present]
