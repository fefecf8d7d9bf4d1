"""The two databases the tables can lie in: a SQLite file of one gateway, or a PostgreSQL server that several share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic_core import to_json
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import ArgumentError, DatabaseError

from gateway.private_files import make_private
from gateway.settings import StorageSettings
from gateway.storage.faults import FileFault, fault_of

IDLE_IN_TRANSACTION_MS = 60_000
"""After this the server ends a transaction whose gateway has gone silent, so that the counters it held are free for the others."""
SILENT_S, PROBE_S, PROBES = 10, 5, 3
"""Either side of a connection asks a silent other one after so long, every so often, so many times: after 25 s a box whose power
failed, or a server, is gone, and so is the turn it had (`turn`)."""
CONNECT_TIMEOUT_S = 5
"""How long a server that doesn't answer is waited for: a start says so soon, and the writer tries again anyway."""
PAGE_BYTES = 2048
"""What SQLite writes at least for a row whose place is anywhere (a code, a shopper); in less, larger rows would spill over."""
DRIVER = "postgresql+psycopg"


class StorageError(Exception):
    """The database can't be used; `str()` is one line: what, where, and what to do."""


def make_engine(settings: StorageSettings) -> Engine:
    """The database that `settings` names, not yet connected to. Raises StorageError."""
    return _sqlite(settings) if settings.url is None else _postgresql(settings, _url(settings.url.get_secret_value()))


def trouble(settings: StorageSettings, engine: Engine, error: DatabaseError) -> StorageError:
    """Return what to tell of a database that can't be opened, without the password in its URL."""
    why = reason(error)
    if settings.url is None:
        return StorageError(f"{settings.path}: the database can't be used ({why}): {cure(engine, error)}")
    return StorageError(
        f"{_place(engine.url)}: the database can't be used ({why}); see whether the server runs, and whether `url` under [storage] "
        f"names a user and a database it knows"
    )


def reason(error: Exception) -> str:
    """Return what the database itself says of an error, on one line, for a technician."""
    return " ".join(str(getattr(error, "orig", error)).split())


def cure(engine: Engine, error: Exception) -> str:
    """Return what is wrong and what to do, as a message of the catalogue."""
    if engine.dialect.name != "sqlite":
        return FileFault.SERVER.value
    return fault_of(getattr(error, "orig", error), Path(engine.url.database or "")).value


def _sqlite(settings: StorageSettings) -> Engine:
    path: Path = settings.path
    if not path.parent.is_dir():
        raise StorageError(f"{path}: the folder {path.parent} doesn't exist; make it, writable by the gateway's user only")
    if path.is_dir():
        raise StorageError(f"{path}: is a folder; name a file in it as `path` under [storage]")
    try:
        make_private(path)  # it holds pseudonyms: readable by its owner alone, from its first byte on
    except OSError as error:
        raise StorageError(f"{path}: can't be opened ({error.strerror}): {fault_of(error, path).value}") from error
    connect_args = {"timeout": settings.busy_timeout_s, "check_same_thread": False}
    # An error's text goes into the log, and its parameters would be a shopper's.
    engine = create_engine(f"sqlite:///{path}", connect_args=connect_args, hide_parameters=True, json_serializer=_compact)
    wal_limit_bytes = settings.wal_limit_mb * 1_000_000

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver's own BEGIN comes too late for savepoints; ours is below
        for pragma in (
            f"page_size={PAGE_BYTES}",  # heeded when the file is made
            "journal_mode=WAL",
            "synchronous=FULL",  # a promise that was shown must outlive a pulled plug
            "foreign_keys=ON",
            "secure_delete=ON",  # erasure reaches the bytes
            f"journal_size_limit={wal_limit_bytes}",
            f"wal_autocheckpoint={wal_limit_bytes // PAGE_BYTES}",  # a page that changed a hundred times since goes home once
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def _compact(value: object) -> str:
    """JSON without blanks, made in a tenth of the standard library's time."""
    return to_json(value).decode()


def _url(text: str) -> URL:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.get_backend_name() != "postgresql":
        raise StorageError(
            "[storage] url: must read postgresql://user:password@host/database; characters like @ in a password as %40"
        )
    return url.set(drivername=DRIVER)


def _postgresql(settings: StorageSettings, url: URL) -> Engine:
    session = {
        "synchronous_commit": "on",  # a promise that was shown must outlive a pulled plug
        "lock_timeout": round(settings.busy_timeout_s * 1000),
        "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_MS,
        "tcp_keepalives_idle": SILENT_S,
        "tcp_keepalives_interval": PROBE_S,
        "tcp_keepalives_count": PROBES,
    }
    connect_args = {
        "connect_timeout": CONNECT_TIMEOUT_S,
        "keepalives_idle": SILENT_S,
        "keepalives_interval": PROBE_S,
        "keepalives_count": PROBES,
        "tcp_user_timeout": (SILENT_S + PROBE_S * PROBES) * 1000,
        "application_name": "etalage",
        "options": " ".join(f"-c {name}={value}" for name, value in session.items()),
    }
    try:
        # Asked before each use: a server that was restarted since must not cost anybody an error.
        engine = create_engine(url, connect_args=connect_args, hide_parameters=True, json_serializer=_compact, pool_pre_ping=True)
    except ImportError as error:
        raise StorageError(f"{_place(url)}: PostgreSQL needs one more package; pip install 'psycopg[binary]'") from error

    @event.listens_for(engine, "handle_error")
    def _first_line_only(context: ExceptionContext) -> None:
        # The lines after it repeat the row in question, and that may be a shopper's.
        for failure in (context.original_exception, context.sqlalchemy_exception):
            if failure is not None and not context.is_disconnect and failure.args:
                failure.args = (str(failure.args[0]).partition("\n")[0], *failure.args[1:])

    return engine


def _place(url: URL) -> str:
    return f"PostgreSQL {url.host or 'on this box'}{f':{url.port}' if url.port else ''}/{url.database or ''}"
