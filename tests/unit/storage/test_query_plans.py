"""What runs every minute, or with every till, finds its rows by an index, however many there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gateway import promise_states
from gateway.settings import StorageSettings
from gateway.storage import Connection, Store, decisions, happenings, open_store, pending_rewards, promises, vouchers

AT_S = 1_763_722_800.0
Work = Callable[[Connection], object]

PERIODIC: dict[str, Work] = {
    "promises that ended": lambda connection: promises.ended(connection, AT_S, 100),
    "old promises": lambda connection: promises.purge(connection, AT_S, AT_S),
    "old happenings": lambda connection: happenings.purge(connection, AT_S),
    "old redemptions": lambda connection: vouchers.purge(connection, AT_S),
    "old decisions": lambda connection: decisions.purge(connection, AT_S),
    "rewards that are due": lambda connection: pending_rewards.due(connection, AT_S, 100),
}
HOT: dict[str, Work] = {
    "a code of one's own": lambda connection: promises.with_own_code(connection, "A1"),
    "a code that all have": lambda connection: promises.with_shared_code(connection, "A1", promise_states.OPEN, good_at_s=AT_S),
    "a shopper's history": lambda connection: promises.history(connection, "s-1", AT_S),
    "a till's earlier question": lambda connection: vouchers.asked_before(connection, "till-1", "k-1"),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder: Path = tmp_path_factory.mktemp("plans")
    opened = open_store(StorageSettings(path=folder / "etalage.db"))
    yield opened
    opened.close()


def plans(store: Store, work: Work) -> list[str]:
    """The plan of each statement that a piece of work runs."""
    found: list[str] = []

    def explain(_connection: Any, cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
        found.extend(str(row[3]) for row in cursor.fetchall())

    with store.engine.begin() as connection:
        sa.event.listen(connection, "before_cursor_execute", explain)
        work(connection)
    return found


@pytest.mark.parametrize("what", [*PERIODIC, *HOT])
def test_no_table_is_read_whole(what: str, store: Store) -> None:
    steps = plans(store, {**PERIODIC, **HOT}[what])
    assert steps, "the statements were seen"
    assert [step for step in steps if step.startswith("SCAN") and "USING" not in step and "SUBQUERY" not in step] == []
