"""Bringing a database's tables up to date, from whichever release made it."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

HEAD = "0009"
"""The newest migration. Known here, so that a start with nothing to do needn't load Alembic."""
BEFORE_THE_FIRST = frozenset({"0001", "0002", "0003"})
"""Revisions of databases from before the tables were settled: nothing leads from them to here."""
FOLDER = Path(__file__).parent / "migrations"
VERSION_TABLE = "alembic_version"
MIGRATION_LOCK_ID = 0x657461
"""Any number that nobody else locks by: "eta"."""


class TooOld(Exception):
    """The database was made before the tables were settled; `str()` is its revision."""


class TooNew(Exception):
    """The database was made by a newer release; `str()` is its revision."""


def bring_up_to_date(engine: Engine) -> None:
    """Run the migrations this database lacks, each in a transaction of its own. Raises TooOld, TooNew."""
    with engine.connect() as connection:
        known = revision(connection)
    if known == HEAD:
        return
    if known in BEFORE_THE_FIRST:
        raise TooOld(known)
    # Only here: a Pi loads it in a second, and nearly every start can do without.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    if known is not None:
        try:
            ScriptDirectory.from_config(config).get_revision(known)
        except CommandError as error:
            raise TooNew(known) from error
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":  # of gateways that start together, one does it
            connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK_ID})"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def revision(connection: Connection) -> str | None:
    """The migration a database stands at; None for an empty one."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608  # a constant
    return None if found is None else str(found)
