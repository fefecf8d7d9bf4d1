"""What a look at the outbox costs, however much waits in it.

pytest tests/benchmarks/test_outbox.py --benchmark-enable
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from sqlalchemy import insert

from gateway.settings import StorageSettings
from gateway.storage import Store, open_store, outbox, sending


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(StorageSettings(path=tmp_path / "etalage.db"))
    yield opened
    opened.close()


@pytest.mark.parametrize("waiting", [100, 50_000])
def test_a_look_costs_the_same_whatever_waits(benchmark: BenchmarkFixture, store: Store, waiting: int) -> None:
    """Half of the rows are announcements that await their receipt: they must not be in the way of those that wait."""
    count = waiting if benchmark.enabled else 100
    rows = [
        {
            "event_id": f"e-{number}", "topic": "offers", "shopper": f"s-{number % 500}", "at_s": 1.0, "expires_at_s": 9e9,
            "urgent": False, "body": "x" * 700, "seq": number,
        }
        for number in range(count)
    ]  # fmt: skip
    queue = [{"rank": outbox.IN_TURN, "seq": number} for number in range(count // 2, count)]
    store.writer.submit(lambda connection: connection.execute(insert(outbox.outbox), rows)).result()
    store.writer.submit(lambda connection: connection.execute(insert(outbox.waiting), queue)).result()

    def look() -> int:
        with store.read() as connection:
            return len(sending.look(connection, room=16, at_s=10.0)[0])

    assert benchmark(look) == 16
