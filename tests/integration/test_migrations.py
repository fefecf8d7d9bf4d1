"""A database of any release becomes one of today, with all that is in it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from gateway.settings import StorageSettings
from gateway.storage import StorageError, open_store
from gateway.storage.engines import make_engine
from gateway.storage.migrate import BEFORE_THE_FIRST, FOLDER, HEAD, bring_up_to_date, revision
from gateway.storage.tables import metadata
from tests.support.postgres import Postgres

SCRIPTS = ScriptDirectory(str(FOLDER))
RELEASED = sorted(script.revision for script in SCRIPTS.walk_revisions())


@pytest.fixture
def empty(postgres: Postgres) -> Iterator[StorageSettings]:
    """Settings of a database on PostgreSQL without a single table."""
    yield StorageSettings(url=postgres.create("empty"))
    postgres.drop("empty")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'etalage.db'}")
    yield engine
    engine.dispose()


def bring_to(engine: sa.Engine, target: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, target)


def something(column: Any) -> Any:
    kind = column["type"]
    if isinstance(kind, sa.Boolean | sa.Integer | sa.BigInteger):
        return 1
    if isinstance(kind, sa.Float | sa.REAL | sa.Numeric):
        return 1.0
    return b"x" if isinstance(kind, sa.LargeBinary | sa.BLOB) else '"x"'


def test_the_newest_migration_is_the_one_the_code_asks_for() -> None:
    assert SCRIPTS.get_current_head() == HEAD
    assert RELEASED[-1] == HEAD


def test_a_new_database_has_exactly_the_tables_of_the_code(engine: sa.Engine) -> None:
    bring_up_to_date(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "target_metadata": metadata})
        assert compare_metadata(context, metadata) == []
        assert revision(connection) == HEAD


@pytest.mark.parametrize("release", RELEASED)
def test_what_a_released_database_holds_is_still_there_afterwards(release: str, engine: sa.Engine) -> None:
    bring_to(engine, release)
    tables = [name for name in sa.inspect(engine).get_table_names() if name != "alembic_version"]
    assert len(tables) >= 20
    with engine.begin() as connection:
        for name in tables:
            columns = sa.inspect(connection).get_columns(name)
            table = sa.table(name, *(sa.column(column["name"]) for column in columns))
            connection.execute(table.insert().values({column["name"]: something(column) for column in columns}))
    bring_up_to_date(engine)
    with engine.connect() as connection:
        for name in tables:
            assert connection.execute(sa.select(sa.func.count()).select_from(sa.table(name))).scalar_one() == 1, name


def test_bringing_up_to_date_twice_changes_nothing(engine: sa.Engine) -> None:
    bring_up_to_date(engine)
    bring_up_to_date(engine)
    with engine.connect() as connection:
        assert revision(connection) == HEAD


def test_a_database_of_a_newer_release_is_refused_with_a_way_forward(tmp_path: Path, engine: sa.Engine) -> None:
    bring_up_to_date(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StorageError, match="made by a newer Etalage"):
        open_store(StorageSettings(path=tmp_path / "etalage.db"))


@pytest.mark.parametrize("before", sorted(BEFORE_THE_FIRST))
def test_a_database_from_before_the_first_release_is_refused_with_a_way_forward(
    before: str, tmp_path: Path, engine: sa.Engine
) -> None:
    bring_up_to_date(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :before"), {"before": before})
    with pytest.raises(StorageError, match="start anew"):
        open_store(StorageSettings(path=tmp_path / "etalage.db"))


def test_gateways_that_start_at_once_bring_their_database_up_to_date_once(empty: StorageSettings) -> None:
    met, failed = threading.Barrier(4), []

    def start() -> None:
        met.wait(20)
        try:
            open_store(empty).close()
        except Exception as error:
            failed.append(error)

    gateways = [threading.Thread(target=start) for _ in range(4)]
    for gateway in gateways:
        gateway.start()
    for gateway in gateways:
        gateway.join(60)
    assert failed == []
    engine = make_engine(empty)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalars().all() == [HEAD]
        assert set(sa.inspect(connection).get_table_names()) == {*metadata.tables, "alembic_version"}
    engine.dispose()
