"""Opt-ins by the thousand: what one costs from message to being recognised, and what a shopper's first move costs."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from gateway.messages import Event, OptInGiven
from gateway.settings import StorageSettings
from gateway.shoppers.identities import Identities
from gateway.shoppers.people import People
from gateway.storage import Store, open_store
from gateway.storage.keys import Keys
from tests.support.recall import shopper_now

AT_ONCE = 500
UUID = "e2c56db5dffb48d2b060d0f5a71096e0"
EVERYTHING = ["recognise", "offers", "purchases", "aftercare", "measure"]


def optin(number: int) -> Event[OptInGiven]:
    identity = {"rotating": {"uuid": UUID, "key": f"{number:032x}"}}
    data = {"shopper": f"s-{number}", "version": 1, "purposes": EVERYTHING, "identity": identity, "consent": {"text": "2026-03"}}
    event = {
        "specversion": "1.0",
        "id": f"o-{number}",
        "source": "backend",
        "type": OptInGiven.TYPE,
        "time": "2026-03-01T10:00:00Z",
        "data": data,
    }
    return Event[OptInGiven].model_validate(event)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(StorageSettings(path=tmp_path / "etalage.db"))
    yield opened
    opened.close()


@pytest.fixture
def people(store: Store, tmp_path: Path) -> People:
    return People(store, Identities("demo"), Keys(tmp_path / "etalage.keys"), time.time)


def test_a_flood_of_opt_ins(benchmark: BenchmarkFixture, store: Store, people: People) -> None:
    numbers = itertools.count()

    def flood() -> None:
        events = [optin(next(numbers)) for _ in range(AT_ONCE)]
        futures = [store.writer.transact(partial(people.take_optin, event=event)) for event in events]
        for future in futures:
            future.result()

    benchmark.pedantic(flood, rounds=4)
    assert people.load(time.time()) == next(numbers)
    if benchmark.stats is not None:
        benchmark.extra_info["opt_ins_per_s"] = round(AT_ONCE / benchmark.stats.stats.min)


def test_a_shoppers_first_move_and_the_next(benchmark: BenchmarkFixture, store: Store, people: People) -> None:
    outcome = store.writer.transact(lambda tx: people.take_optin(tx, optin(1))).result()
    assert outcome.taken

    def first() -> None:
        people.forget("s-1")
        assert shopper_now(people, "s-1", 1.8e9) is not None

    benchmark.pedantic(first, rounds=50)
    began = time.perf_counter()
    for _ in range(1000):
        shopper_now(people, "s-1", 1.8e9)
    again_s = time.perf_counter() - began
    assert people.here == {"s-1"}
    if benchmark.stats is not None:
        benchmark.extra_info["first_move_ms"] = round(benchmark.stats.stats.median * 1e3, 2)
        benchmark.extra_info["next_move_us"] = round(again_s * 1e3, 2)
