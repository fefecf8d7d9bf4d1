"""Files and folders that the product makes: each takes the owner and group of the folder it lies in.

A command that root types in the service's data folder so leaves nothing there that the service may not use.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

PRIVATE = 0o600
"""For its owner alone: pseudonyms, keys, codes."""
SHARED = 0o640
"""For the folder's group as well: what an administrator writes beside the settings and the service reads."""


def make_private(path: Path) -> None:
    """Make an empty private file where none is; one that is there is only looked up and dated. Raises OSError.

    It isn't opened: a process that closes a file, however it opened it, gives up all locks it has on it (POSIX), also SQLite's.
    """
    if path.exists():
        os.utime(path)
        return
    os.close(_opened(path, PRIVATE, new=True))


def make_folder(path: Path) -> None:
    """Make a private folder where none is, and those above it. Raises OSError."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() == 0:
        above = path.parent.stat()
        os.chown(path, above.st_uid, above.st_gid, follow_symlinks=False)


def open_to_write(path: Path, mode: int = PRIVATE, *, new: bool = False) -> IO[bytes]:
    """Open a file to write it from its start; with `new` one that isn't there yet. Raises OSError."""
    return os.fdopen(_opened(path, mode, new=new), "wb")


def put_in_place(path: Path, content: bytes, mode: int = PRIVATE) -> None:
    """Write a file whole or not at all, also when the power goes. Raises OSError."""
    fresh = path.with_name(path.name + ".new")
    with open_to_write(fresh, mode) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _opened(path: Path, mode: int, *, new: bool) -> int:
    """Open a file for writing; one that this makes is its folder's owner's, and never somebody's link to another place."""
    new = new or not path.exists()
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | (os.O_EXCL if new else os.O_TRUNC), mode)
    if new and os.geteuid() == 0:
        folder = path.parent.stat()
        os.fchown(descriptor, folder.st_uid, folder.st_gid)
        os.fchmod(descriptor, mode)  # a umask that root has for itself is not the service's
    return descriptor
