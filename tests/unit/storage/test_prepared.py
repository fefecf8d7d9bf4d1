from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Float,
    MetaData,
    String,
    Table,
    bindparam,
    create_engine,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError

from gateway.storage.prepared import Prepared

things = Table(
    "things",
    MetaData(),
    Column("name", String(8), primary_key=True),
    Column("words", JSON(none_as_null=True)),
    Column("urgent", Boolean(create_constraint=False)),
    Column("at_s", Float),
)
PUT = Prepared(insert(things), things.c.keys())
RAISE = Prepared(
    update(things).where(things.c.name == bindparam("b_name")).values(at_s=things.c.at_s + bindparam("b_more"), urgent=True)
)
THING = {"name": "a", "words": {"title": "Kaas"}, "urgent": False, "at_s": 5.0}


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    with engine.begin() as opened:
        things.create(opened)
        yield opened
    engine.dispose()


@pytest.mark.parametrize("words", [None, {"title": "Kaas"}, [1, "twee"]])
def test_what_was_written_reads_like_any_other_row(connection: Connection, words: object) -> None:
    PUT.run(connection, THING | {"words": words})
    assert connection.execute(select(things)).one() == ("a", words, False, 5.0)


def test_values_that_stand_in_the_statement_are_kept(connection: Connection) -> None:
    PUT.run(connection, THING)
    assert RAISE.run(connection, {"b_name": "a", "b_more": 2}).rowcount == 1
    assert RAISE.run(connection, {"b_name": "b", "b_more": 2}).rowcount == 0
    assert connection.execute(select(things.c.at_s, things.c.urgent)).one() == (7.0, True)


def test_the_database_refuses_with_the_usual_error(connection: Connection) -> None:
    PUT.run(connection, THING)
    with pytest.raises(IntegrityError):
        PUT.run(connection, THING)


def test_a_value_that_is_missing_is_an_error_and_writes_nothing(connection: Connection) -> None:
    with pytest.raises(KeyError):
        PUT.run(connection, {"name": "a"})
    assert connection.execute(select(things)).all() == []


def test_postgresql_gets_its_values_by_name() -> None:
    sql, parameters, fixed, by_place = RAISE._compile(postgresql.psycopg.dialect())  # type: ignore[no-untyped-call]  # SQLAlchemy has no types there
    assert "%(b_name)s" in sql
    assert {name for name, _ in parameters} == {"b_name", "b_more", "urgent"}
    assert fixed == {"urgent": True}
    assert not by_place
