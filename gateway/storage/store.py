"""Opening the database: durable, private to its owner, checked before use."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DatabaseError

from gateway.settings import StorageSettings
from gateway.storage.engines import StorageError, make_engine, trouble
from gateway.storage.migrate import TooNew, TooOld, bring_up_to_date
from gateway.storage.outgoing import Outgoing
from gateway.storage.writer import Deliver, Writer, at_once


class Store:
    """One database: a writer for all that changes it, and short reads from any thread."""

    def __init__(self, engine: Engine, group_commit_max: int = 256, deliver: Deliver = at_once) -> None:
        self.engine = engine
        self.outgoing = Outgoing()
        """Where the writer and the courier meet."""
        self.writer = Writer(engine, group_commit_max, deliver, self.outgoing)
        self._reading = engine
        self.shared = engine.dialect.name == "postgresql"
        """Whether other gateways may write here too."""
        if self.shared:  # what a read of a SQLite file is by itself
            self._reading = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading: all of the block sees the same moment of the database."""
        with self._reading.connect() as connection:
            yield connection

    def close(self) -> None:
        """Commit what is waiting, and let go of the file."""
        self.writer.close()
        self.engine.dispose()


def open_store(settings: StorageSettings, deliver: Deliver = at_once) -> Store:
    """Prepare the store that `settings` names and set its writer to work. Raises StorageError."""
    store = prepare_store(settings, deliver)
    store.writer.start()
    return store


def prepare_store(settings: StorageSettings, deliver: Deliver = at_once) -> Store:
    """Make or bring up to date the store that `settings` names; its writer is yet to be started. Raises StorageError.

    `deliver` brings what is to be done after a commit to the thread where it belongs.
    """
    engine = make_engine(settings)
    try:
        _check(engine)
        bring_up_to_date(engine)
    except TooOld as error:
        engine.dispose()
        raise StorageError(
            f"{settings.path}: made before Etalage settled its tables (revision {error}); move the file aside and start anew: the "
            f"gateway then asks the backend for everything again"
        ) from error
    except TooNew as error:
        engine.dispose()
        raise StorageError(
            f"{settings.path}: made by a newer Etalage (its tables are of revision {error}); install that one again, or restore "
            f"a backup of this one"
        ) from error
    except DatabaseError as error:
        engine.dispose()
        raise trouble(settings, engine, error) from error
    return Store(engine, settings.group_commit_max, deliver)


def _check(engine: Engine) -> None:
    """Raise DatabaseError when the file is damaged: better no start than a promise written into a hole."""
    if engine.dialect.name != "sqlite":
        return
    with engine.connect() as connection:
        finding = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    if finding != "ok":
        damage = sqlite3.DatabaseError(str(finding))
        damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise DatabaseError("PRAGMA quick_check", None, damage)
