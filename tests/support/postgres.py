"""A real PostgreSQL for tests: a server of its own in a temporary folder, on a free port of this machine, that can go away."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

import psycopg
from psycopg import sql
from pydantic import SecretStr

from tests.support.mosquitto import HOST, free_port, wait_for

PROGRAMS = Path("/usr/lib/postgresql")
"""Where Debian puts them: a folder for each version, and none of it on the PATH."""
USER = "etalage"
START_PATIENCE_S = 30.0
END_PATIENCE_S = 30.0
SETTINGS = (
    "fsync=off",  # the tests end the server, never the machine under it
    "shared_buffers=32MB",
    "max_connections=60",
    "deadlock_timeout=200ms",  # in place of 1 s: two gateways in each other's way sort it out sooner
    "autovacuum=off",
)


class Postgres:
    """One server with the empty database `postgres`. Everything is in a temporary folder that goes with it."""

    def __init__(self) -> None:
        self.port = free_port()
        self._password = secrets.token_urlsafe(12)
        self._folder = Path()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Postgres:
        self._folder = Path(tempfile.mkdtemp(prefix="etalage-postgres-"))
        try:
            self._give_away(self._folder)
            password_file = self._folder / "password"
            password_file.write_text(self._password, encoding="utf-8")
            self._give_away(password_file)
            options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", f"--pwfile={password_file}"]
            self._run("initdb", "-D", str(self._folder / "data"), "-U", USER, *options)
            return self.start()
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.kill()
        shutil.rmtree(self._folder)

    def start(self) -> Postgres:
        """Start, and wait until it answers. Raises RuntimeError with its log when it doesn't."""
        settings = [word for setting in SETTINGS for word in ("-c", setting)]
        place = ["-D", str(self._folder / "data"), "-k", str(self._folder), "-h", HOST, "-p", str(self.port)]
        with (self._folder / "log").open("ab") as log:
            program = [_program("postgres"), *place, *settings]
            process = subprocess.Popen(program, stdout=log, stderr=log, cwd=self._folder, user=_user(), extra_groups=_groups())
        self._process = process
        if not wait_for(lambda: process.poll() is not None or self._answers(), START_PATIENCE_S) or process.poll() is not None:
            self.kill()
            raise RuntimeError(f"PostgreSQL didn't start: {(self._folder / 'log').read_text(errors='replace')[-500:]}")
        return self

    def kill(self) -> None:
        """End it at once, whatever it is doing: what was committed is there again after the next start."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(END_PATIENCE_S)
            self._process = None

    def create(self, database: str) -> SecretStr:
        """Make an empty database; its URL."""
        self._alone(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
        return self.url(database)

    def drop(self, database: str) -> None:
        """Remove a database, whoever is still connected to it."""
        self._alone(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))

    def _alone(self, statement: sql.Composed) -> None:
        """Run what can't stand in a transaction."""
        with psycopg.connect(self.url("postgres").get_secret_value(), autocommit=True) as connection:
            connection.execute(statement)

    def clear(self, database: str, keep: str) -> None:
        """Delete all rows of all tables but one: a tenth of what a fresh database costs."""
        with self._connect(database) as connection:
            tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> %s", [keep])
            for (table,) in tables.fetchall():
                connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))

    def url(self, database: str, *, password: str | None = None) -> SecretStr:
        """The URL of a database."""
        return SecretStr(f"postgresql://{USER}:{password or self._password}@{HOST}:{self.port}/{database}")

    def _connect(self, database: str) -> psycopg.Connection:
        return psycopg.connect(self.url(database).get_secret_value())

    def _answers(self) -> bool:
        where = ["-h", HOST, "-p", str(self.port), "-U", USER]
        return subprocess.run([_program("pg_isready"), "-q", *where], check=False).returncode == 0

    def _run(self, program: str, *arguments: str) -> None:
        words = [_program(program), *arguments]
        done = subprocess.run(
            words, cwd=self._folder, user=_user(), extra_groups=_groups(), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr.strip()[-500:]}")

    @staticmethod
    def _give_away(path: Path) -> None:
        if (user := _user()) is not None:
            os.chown(path, pwd.getpwnam(user).pw_uid, -1)


def _program(name: str) -> str:
    """A program of the newest version there is. Raises FileNotFoundError, saying what to install."""
    found = sorted(PROGRAMS.glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    if not found:
        raise FileNotFoundError(f"{PROGRAMS}/*/bin/{name} is not there; apt install postgresql")
    return str(found[-1])


def _user() -> str | None:
    """Whom it runs as: PostgreSQL refuses to run as root."""
    return "postgres" if os.getuid() == 0 else None


def _groups() -> list[int] | None:
    return [] if os.getuid() == 0 else None
