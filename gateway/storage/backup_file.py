"""The file of a backup: gzipped JSON lines between a header and a signed end, written and read as a stream, within limits.

The box's key signs a hash over every byte before the end line. Nothing of a file is used before its signature was checked, and
whose key may have signed is for the caller to say: a header only claims.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

FORMAT = "etalage-backup-2"
LINE_MAX_BYTES = 16 << 20
"""Lines are written a sixtieth as long; a file with longer ones is none of ours."""
GROWTH_MAX = 100
"""How many times its size a file may unpack to, beyond one longest line: ours reach a tenth of it."""


Line = dict[str, Any]
"""A line as JSON reads it: what it must hold is checked where it is used."""


class BackupError(Exception):
    """A backup can't be made or read; `str()` is one line: what, where, and what to do."""


class BackupWriter:
    """Writes one backup: the header at once, then lines, and in the end their signature."""

    def __init__(self, out: IO[bytes], key: Ed25519PrivateKey, header: Line) -> None:
        self._out = out
        self._key = key
        self._hash = hashlib.sha256()
        self._lines = 0
        self._put({"format": FORMAT, "signed_by": public_hex(key.public_key())} | header)

    def write(self, line: Line) -> None:
        """Add a line."""
        self._put(line)
        self._lines += 1

    def end(self) -> None:
        """Sign what was written."""
        signature = self._key.sign(_signed(self._hash.digest(), self._lines))
        self._out.write(json.dumps({"end": self._lines, "signature": signature.hex()}).encode() + b"\n")

    def _put(self, line: Line) -> None:
        written = json.dumps(line).encode() + b"\n"
        self._hash.update(written)
        self._out.write(written)


def read_header(source: Path) -> Line:
    """Return what a backup claims of itself: `backup`, `made_at_s`, `signed_by`. Raises BackupError."""
    return next(_read(source))


def read_lines(source: Path, signed_by: Ed25519PublicKey) -> Iterator[Line]:
    """Yield the lines between header and end; after the last one the signature is checked. Raises BackupError.

    So read it to the end before anything of it is used.
    """
    lines = _read(source, signed_by)
    next(lines)
    yield from lines


def public_hex(key: Ed25519PublicKey) -> str:
    """Return a public key as it is printed and given."""
    return key.public_bytes_raw().hex()


def public_key(given: str) -> Ed25519PublicKey:
    """Return the key that was printed as `public_hex`. Raises BackupError."""
    try:
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(given))
    except ValueError as error:
        raise BackupError(f"{given[:80]}: is no key; give the 64 hex digits that `etalage backup` printed") from error


def _read(source: Path, signed_by: Ed25519PublicKey | None = None) -> Iterator[Line]:
    try:
        with gzip.open(source, "rb") as packed:
            yield from _checked(source, _bounded(packed, source.stat().st_size), signed_by)
    except FileNotFoundError as error:
        raise BackupError(f"{source}: is not there; give a file that `etalage backup` wrote") from error
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, RecursionError, zlib.error) as error:
        raise BackupError(f"{source}: damaged ({type(error).__name__}); nothing was restored: take another backup") from error


def _bounded(packed: gzip.GzipFile, size: int) -> Iterator[bytes]:
    """Yield lines. Raises ValueError when one, or all together, are longer than any of ours."""
    left = GROWTH_MAX * size + LINE_MAX_BYTES
    while line := packed.readline(LINE_MAX_BYTES + 1):
        left -= len(line)
        if len(line) > LINE_MAX_BYTES or left < 0:
            raise ValueError("unpacks to more than a backup can be")
        yield line


def _checked(source: Path, lines: Iterator[bytes], signed_by: Ed25519PublicKey | None) -> Iterator[Line]:
    hashed = hashlib.sha256()
    for count, line in enumerate(lines, -1):
        entry = json.loads(line)
        if count == -1 and entry.get("format") != FORMAT:
            raise BackupError(f"{source}: is no backup of this program, or isn't signed; give a file that `etalage backup` wrote")
        if "end" in entry:
            if signed_by is not None:
                _check_signature(source, signed_by, bytes.fromhex(entry["signature"]), _signed(hashed.digest(), count))
            return
        hashed.update(line)
        yield dict(entry)
    raise BackupError(f"{source}: cut short; nothing was restored: take another backup")


def _check_signature(source: Path, signed_by: Ed25519PublicKey, signature: bytes, signed: bytes) -> None:
    try:
        signed_by.verify(signature, signed)
    except InvalidSignature as error:
        raise BackupError(f"{source}: was changed since it was made, or another box made it; nothing was restored") from error


def _signed(digest: bytes, lines: int) -> bytes:
    return f"{FORMAT}/{lines}/".encode() + digest
