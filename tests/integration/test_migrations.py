"""A database of any release becomes one of today, with all that is in it."""

from __future__ import annotations

import json
import threading
import zlib
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

from firmware_sim.postgres import Postgres
from gateway.settings import StorageSettings
from gateway.storage import StorageError, decisions, open_store, outbox, promises, sending
from gateway.storage.engines import make_engine
from gateway.storage.migrate import FOLDER, HEAD, bring_up_to_date, revision
from gateway.storage.tables import metadata

SCRIPTS = ScriptDirectory(str(FOLDER))
RELEASED = sorted(script.revision for script in SCRIPTS.walk_revisions())


PROMISE, DECISION, HASH = "019aa612-2b80-7000-8000-0000000000aa", "019aa612-2b80-7000-8000-0000000000bb", "0f" * 32


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


def first_release(connection: sa.Connection) -> None:
    """A promise, its decision, and messages that wait or that the broker has, as the first release wrote them."""
    rows: dict[str, list[dict[str, Any]]] = {
        "promises": [
            {
                "id": PROMISE, "shopper": "s-1", "visit": "v", "zone": "wine", "decision": DECISION, "book": HASH, "offer": "tip",
                "kind": "voucher", "language": "nl", "content": {"title": "Wijn"}, "value": {"percent": 10}, "code": "A-1",
                "shared": 0, "at_s": 5.0, "expires_at_s": 9.0, "ends_at_s": 9.0, "takings": [], "state": "announced",
                "state_at_s": 5.0,
            }
        ],
        "decisions": [
            {
                "id": DECISION, "at_s": 1_763_722_800.0, "shopper": "s-1", "event": "enter", "zone": "wine", "visit": "v",
                "book": HASH, "inputs_hash": HASH, "inputs": zlib.compress(json.dumps({"shopper": "s-1"}).encode(), 1),
                "test_group": "treated", "outcome": _deflated({"chosen": []}),
            }
        ],
        "outbox": [
            _message(1, PROMISE, "offers", handed=6.0, acked=7.0),
            _message(2, "waits", "offers", handed=None, acked=None),
            _message(3, "sent", "offers", handed=6.0, acked=None),
            _message(4, "urgent", "offers/withdrawn", handed=None, acked=None),
        ],
    }  # fmt: skip
    for name, written in rows.items():
        table = sa.Table(name, sa.MetaData(), autoload_with=connection)
        connection.execute(table.insert(), written)


def _message(seq: int, event_id: str, topic: str, handed: float | None, acked: float | None) -> dict[str, Any]:
    row = {"seq": seq, "event_id": event_id, "topic": topic, "shopper": None, "at_s": 5.0, "expires_at_s": None, "resent": 0}
    return row | {"urgent": "withdrawn" in topic, "handed_at_s": handed, "acked_at_s": acked, "body": _deflated(event_id)}


def _deflated(value: Any) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    text = value if isinstance(value, str) else json.dumps(value)
    return packer.compress(text.encode()) + packer.flush()


def test_what_the_first_release_wrote_reads_as_before(tmp_path: Path, empty: StorageSettings) -> None:
    for settings in (StorageSettings(path=tmp_path / "etalage.db"), empty):
        engine = make_engine(settings)
        bring_to(engine, "0001")
        with engine.begin() as connection:
            first_release(connection)
        engine.dispose()
        store = open_store(settings)
        with store.read() as connection:
            promise, decision = promises.find(connection, PROMISE), decisions.find(connection, DECISION)
            assert promise is not None
            assert decision is not None
            assert (promise.decision, promise.book, promise.content) == (DECISION, HASH, {"title": "Wijn"})
            assert (decision.inputs_hash, decision.inputs, decision.outcome) == (HASH, {"shopper": "s-1"}, {"chosen": []})
            assert [row.id for row in decisions.since(connection, 1_763_722_799.0)] == [DECISION]
            assert (outbox.count(connection), outbox.awaiting_receipt(connection)) == (3, 1)
            ready, _ = sending.look(connection, room=9, at_s=8.0)
            assert [(one.event_id, one.body, one.handed_at_s) for one in ready] == [
                ("urgent", "urgent", None),
                ("waits", "waits", None),
                ("sent", "sent", 6.0),
            ]
        store.writer.submit(lambda connection: outbox.remove(connection, [PROMISE])).result(10)
        with store.read() as connection:
            assert outbox.awaiting_receipt(connection) == 0, "a receipt finds the announcement by its id"
        store.close()


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
