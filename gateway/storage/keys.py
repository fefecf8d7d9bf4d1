"""The keys file beside the database: one key per shopper that seals their rows in backups, and the key behind erasure proofs.

Destroying a shopper's key makes every backup there is unreadable for that shopper. So the keys never enter a backup themselves:
next to the backups lies one copy, the newest, in which erased keys are destroyed too. The file names nobody: a shopper stands in it
as a keyed hash.
"""

from __future__ import annotations

import contextlib
import hmac
import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gateway.private_files import make_private
from gateway.storage.faults import FileFault, fault_of

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY_BYTES = 32
"""AES-256."""
BUSY_TIMEOUT_S = 10.0
KEYS_COPY = "etalage.keys"
"""The one copy of the keys in a folder of backups."""

_TABLES = """
CREATE TABLE IF NOT EXISTS secret (one INTEGER PRIMARY KEY CHECK (one = 1), value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS keys (digest BLOB PRIMARY KEY, id BLOB NOT NULL UNIQUE, key BLOB NOT NULL, made_at_s REAL NOT NULL)
WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS epoch (one INTEGER PRIMARY KEY CHECK (one = 1), value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS said (digest BLOB PRIMARY KEY, decision TEXT NOT NULL, decided_at_s REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS signing (one INTEGER PRIMARY KEY CHECK (one = 1), private BLOB NOT NULL);
"""


class KeysError(Exception):
    """The keys file can't be used; `str()` is one line: what, where, and what to do."""


class ShopperKey(NamedTuple):
    """What seals one shopper's rows. `id` is random and stands beside the sealed bytes."""

    id: bytes
    key: bytes

    def __repr__(self) -> str:
        return f"ShopperKey(id={self.id.hex()})"


class Keys:
    """The keys file. Every call opens it anew: it is needed a few times a day, from several threads and commands."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            make_private(path)
            with self._open() as file:
                file.executescript(_TABLES)
                file.execute("INSERT OR IGNORE INTO secret VALUES (1, ?)", (secrets.token_bytes(KEY_BYTES),))
                self._secret: bytes = file.execute("SELECT value FROM secret").fetchone()[0]
        except (OSError, sqlite3.Error) as error:
            raise KeysError(f"{path}: the keys file can't be used ({error}): {_cure(error, path)}") from error

    def digest(self, shopper: str) -> bytes:
        """32 bytes that stand for a shopper and can't be turned back into one without this file."""
        return hmac.digest(self._secret, shopper.encode(), "sha256")

    def signing_key(self) -> Ed25519PrivateKey:
        """Return the key that signs this box's backups, made at the first asking. No copy of the keys holds it."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # only here: few need it, and it is large

        with self._open() as file:
            file.execute("INSERT OR IGNORE INTO signing VALUES (1, ?)", (secrets.token_bytes(KEY_BYTES),))
            private: bytes = file.execute("SELECT private FROM signing").fetchone()[0]
        return Ed25519PrivateKey.from_private_bytes(private)

    def key_of(self, shopper: str, at_s: float) -> ShopperKey:
        """The shopper's key, made at the first asking."""
        return self.keys_of([shopper], at_s)[shopper]

    def keys_of(self, shoppers: Iterable[str], at_s: float) -> dict[str, ShopperKey]:
        """Each shopper's key, made at the first asking, in one transaction."""
        found: dict[str, ShopperKey] = {}
        with self._open() as file:
            for shopper in shoppers:
                digest = self.digest(shopper)
                new = (digest, secrets.token_bytes(16), secrets.token_bytes(KEY_BYTES), at_s)
                file.execute("INSERT OR IGNORE INTO keys VALUES (?, ?, ?, ?)", new)
                found[shopper] = ShopperKey(*file.execute("SELECT id, key FROM keys WHERE digest = ?", (digest,)).fetchone())
        return found

    def by_id(self) -> dict[bytes, bytes]:
        """Key id to key, of everyone who was not erased."""
        with self._open() as file:
            return dict(file.execute("SELECT id, key FROM keys"))

    def owners(self) -> dict[bytes, bytes]:
        """Key id to the digest of the shopper it is for, of everyone who was not erased."""
        with self._open() as file:
            return dict(file.execute("SELECT id, digest FROM keys"))

    def epoch(self) -> int:
        """Return how far the database had come when this was last noted."""
        with self._open() as file:
            row = file.execute("SELECT value FROM epoch").fetchone()
        return 0 if row is None else int(row[0])

    def note_epoch(self, epoch: int) -> None:
        """Note how far the database has come."""
        with self._open() as file:
            file.execute("INSERT OR REPLACE INTO epoch VALUES (1, ?)", (epoch,))

    def said(self) -> dict[bytes, str]:
        """Digest to the latest decision that was said at this box and took something back."""
        with self._open() as file:
            return dict(file.execute("SELECT digest, decision FROM said"))

    def note_said(self, digest: bytes, decision: str, decided_at_s: float) -> None:
        """Remember a decision, in place of an earlier one of that shopper's."""
        with self._open() as file:
            file.execute("INSERT OR REPLACE INTO said VALUES (?, ?, ?)", (digest, decision, decided_at_s))

    def forget_said(self, before_s: float) -> None:
        """Forget decisions from before a moment."""
        with self._open() as file:
            file.execute("DELETE FROM said WHERE decided_at_s < ?", (before_s,))

    def destroy(self, erased: Iterable[tuple[bytes, float]]) -> int:
        """Destroy the keys of erased shoppers, given as (digest, moment of erasure); how many there were.

        A key made later stays: that shopper has opted in again.
        """
        with self._open() as file:
            statement = "DELETE FROM keys WHERE digest = ? AND made_at_s <= ?"
            gone = sum(file.execute(statement, each).rowcount for each in erased)
        if gone:
            with contextlib.closing(sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_S)) as file:
                file.execute("VACUUM")  # a page that was split or merged may hold a copy of a key in its gap
        return gone

    def copy_to(self, path: Path) -> None:
        """Write the copy that lies beside the backups, in place of an older one. Raises KeysError."""
        if path.resolve() == self.path.resolve():
            return  # the backups lie beside the database: this file is the one copy
        try:
            make_private(path)
            with self._open() as file, contextlib.closing(sqlite3.connect(path)) as copy:
                copy.execute("PRAGMA secure_delete=ON")
                file.backup(copy)
                copy.execute("DELETE FROM signing")
                copy.commit()
        except (OSError, sqlite3.Error) as error:
            raise KeysError(f"{path}: the keys can't be copied there ({error}): {_cure(error, path)}") from error

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """One transaction on the file. Overwritten where deleted; the journal is deleted with each commit."""
        with contextlib.closing(sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_S)) as file:
            for pragma in ("secure_delete=ON", "journal_mode=DELETE", "synchronous=FULL"):
                file.execute(f"PRAGMA {pragma}")
            with file:
                yield file


def _cure(error: OSError | sqlite3.Error, path: Path) -> str:
    """Return what to do: a damaged keys file has a copy, a healthy one stays."""
    fault = fault_of(error, path)
    return "it is damaged; put back its copy from the backups' folder" if fault is FileFault.DAMAGED else fault.value
