"""Opening the database: durable, private to its owner, checked before use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError

from gateway.settings import StorageSettings
from gateway.storage.metadata import metadata
from gateway.storage.writer import Writer


class StorageError(Exception):
    """The database can't be used; `str()` is one line: what, where, and what to do."""


class Store:
    """One database: a writer for all that changes it, and short reads from any thread."""

    def __init__(self, engine: Engine, group_commit_max: int = 256) -> None:
        self.engine = engine
        self.writer = Writer(engine, group_commit_max)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading, given back at the end of the block."""
        with self.engine.connect() as connection:
            yield connection

    def close(self) -> None:
        """Commit what is waiting, and let go of the file."""
        self.writer.close()
        self.engine.dispose()


def open_store(settings: StorageSettings) -> Store:
    """The store that `settings` names, made or brought up to date if need be. Raises StorageError."""
    engine = create_engine(settings.url.get_secret_value(), hide_parameters=True) if settings.url is not None else _sqlite(settings)
    try:
        _check(engine)
        metadata.create_all(engine)
    except DatabaseError as error:
        engine.dispose()
        raise StorageError(
            f"{settings.path}: the database can't be used ({error.orig}); move the file aside and restore the newest backup with "
            f"`etalage restore`, or start without one: the gateway then asks the backend for everything again"
        ) from error
    return Store(engine, settings.group_commit_max)


def _sqlite(settings: StorageSettings) -> Engine:
    path: Path = settings.path
    if not path.parent.is_dir():
        raise StorageError(f"{path}: the folder {path.parent} doesn't exist; make it, writable by the gateway's user only")
    # The file holds pseudonyms and keys: readable by its owner alone, from its first byte on.
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StorageError(f"{path}: can't be opened ({error.strerror}); let the gateway's user write there") from error
    connect_args = {"timeout": settings.busy_timeout_s, "check_same_thread": False}
    # An error's text goes into the log, and its parameters would be a shopper's.
    engine = create_engine(f"sqlite:///{path}", connect_args=connect_args, hide_parameters=True)
    wal_limit_bytes = settings.wal_limit_mb * 1_000_000

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN comes too late for savepoints; ours is below
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",  # a promise that was shown must outlive a pulled plug
            "foreign_keys=ON",
            "secure_delete=ON",  # erasure reaches the bytes
            f"journal_size_limit={wal_limit_bytes}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def _check(engine: Engine) -> None:
    """Raise DatabaseError when the file is damaged: better no start than a promise written into a hole."""
    if engine.dialect.name != "sqlite":
        return
    with engine.connect() as connection:
        finding = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    if finding != "ok":
        raise DatabaseError("PRAGMA quick_check", None, Exception(str(finding)))
