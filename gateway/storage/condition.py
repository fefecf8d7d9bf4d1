"""What a database file is like, without changing it: whether it is whole, and which release's tables it has."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


def damage(path: Path) -> str | None:
    """Return what is wrong with a database file; None when it is whole. Reads all of it: about a second for 100 MB."""
    if not path.exists():
        return f"{path} isn't there"
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            told = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.Error as error:
        return str(error)
    return None if told == "ok" else told


def tables_at(path: Path) -> str | None:
    """Return the migration that a database file stands at; None where none can be read."""
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])
    except (sqlite3.Error, TypeError):
        return None
