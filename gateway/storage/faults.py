"""Why a SQLite file can't be used, told apart: only a damaged one is ever to be moved away; the others are healthy."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from enum import Enum
from pathlib import Path

from rules.texts import N_

FULL_BYTES = 100_000
"""With less room than this, SQLite can't even make the index of its log beside the file."""


class FileFault(Enum):
    """One kind of trouble; the value says what it is and what to do, and is in the catalogue."""

    READ_ONLY = N_(
        "the file system is read-only; the file itself is healthy. Mount it writable; if it became so by itself, the disk or card "
        "may be failing: back it up and look at `dmesg`"
    )
    NO_RIGHT = N_("this user may not write the file or its folder; the file itself is healthy. Give them to the gateway's user")
    FULL = N_("the disk is full; the file itself is healthy. Free some space")
    DISK = N_(
        "the disk doesn't read or write as it should, which may pass. Leave the file where it is, and look at `dmesg` and at the "
        "card or disk before anything else"
    )
    LOCKED = N_("another program keeps the database locked; the file itself is healthy. End that program, then try again")
    DAMAGED = N_(
        "the file is damaged or no database; move it aside and restore the newest backup with `etalage restore`, or start without "
        "one: the gateway then asks the backend for everything again"
    )
    MOVED = N_("the file was moved or replaced while it was open. Put it back where it was, and start the gateway again")
    SERVER = N_("the PostgreSQL server doesn't take it. See whether it runs and can be reached")
    OTHER = N_("it can't be used now; leave the file where it is, and look at the reason in the log")


_BY_CODE = {
    sqlite3.SQLITE_READONLY: FileFault.READ_ONLY,
    sqlite3.SQLITE_PERM: FileFault.NO_RIGHT,
    sqlite3.SQLITE_AUTH: FileFault.NO_RIGHT,
    sqlite3.SQLITE_FULL: FileFault.FULL,
    sqlite3.SQLITE_IOERR: FileFault.DISK,
    sqlite3.SQLITE_BUSY: FileFault.LOCKED,
    sqlite3.SQLITE_LOCKED: FileFault.LOCKED,
    sqlite3.SQLITE_PROTOCOL: FileFault.LOCKED,
    sqlite3.SQLITE_CORRUPT: FileFault.DAMAGED,
    sqlite3.SQLITE_NOTADB: FileFault.DAMAGED,
}
"""SQLite's primary result codes (https://sqlite.org/rescode.html)."""
_BY_ERRNO = {
    errno.EROFS: FileFault.READ_ONLY,
    errno.EACCES: FileFault.NO_RIGHT,
    errno.EPERM: FileFault.NO_RIGHT,
    errno.ENOSPC: FileFault.FULL,
    errno.EDQUOT: FileFault.FULL,
    errno.EIO: FileFault.DISK,
}


def fault_of(error: BaseException | None, path: Path) -> FileFault:
    """Return what is wrong with a file, by an error of SQLite's or the system's; the file's folder is looked at as well.

    SQLite says "can't open" and "I/O error" for many things: a full or read-only disk is told from the disk itself.
    """
    if isinstance(error, OSError):
        return _BY_ERRNO.get(error.errno or 0, FileFault.OTHER)
    code = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_READONLY_DBMOVED:
        return FileFault.MOVED
    found = FileFault.OTHER if code is None else _BY_CODE.get(code & 0xFF, FileFault.OTHER)
    return found if found in (FileFault.DAMAGED, FileFault.LOCKED) else _seen_on_disk(path) or found


def _seen_on_disk(path: Path) -> FileFault | None:
    """Return what the file system itself says."""
    folder = path.parent
    try:
        if os.statvfs(folder).f_flag & os.ST_RDONLY:
            return FileFault.READ_ONLY
        files = [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm")]
        shut = any(file.exists() and not os.access(file, os.R_OK | os.W_OK) for file in files)
        if shut or not os.access(folder, os.W_OK | os.X_OK):
            return FileFault.NO_RIGHT
        return FileFault.FULL if shutil.disk_usage(folder).free < FULL_BYTES else None
    except OSError as error:
        return _BY_ERRNO.get(error.errno or 0)
