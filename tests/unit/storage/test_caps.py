"""Caps that gateways share by leases: the same as one counter, whoever asks, and what is leased but not spent is lost to nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from gateway.settings import StorageSettings
from gateway.storage import Connection, Store, caps, open_store
from gateway.storage.caps import Taking

T = TypeVar("T")
AT_S = 1e9


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder: Path = tmp_path_factory.mktemp("caps")
    opened = open_store(StorageSettings(path=folder / "etalage.db"))
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def _nothing_out(store: Store) -> None:
    do(store, empty)


def empty(connection: Connection) -> None:
    for table in (caps.counters, caps.leases):
        connection.execute(table.delete())


def do(store: Store, work: Callable[[Connection], T]) -> T:
    return store.writer.submit(work).result(60)


def take(store: Store, gateway: str, amount: int = 1, at_most: int = 100) -> bool:
    return do(store, lambda connection: caps.take_leased(connection, "offer/a", gateway, amount, at_most, AT_S))


def unspent(store: Store) -> dict[str, int]:
    with store.read() as connection:
        return {row.gateway: row.unspent for row in connection.execute(select(caps.leases))}


def counter(store: Store) -> int:
    with store.read() as connection:
        return int(connection.execute(select(caps.counters.c.used)).scalar_one())


def test_a_gateway_spends_its_lease_before_it_asks_for_more(store: Store) -> None:
    assert [take(store, "gw-1") for _ in range(5)] == [True] * 5
    assert (counter(store), unspent(store)) == (100 // caps.BLOCK_PARTS, {"gw-1": 100 // caps.BLOCK_PARTS - 5})
    with store.read() as connection:
        assert caps.all_used(connection) == [("offer/a", 5)], "what is leased is not promised"


def test_what_one_gateway_leased_and_never_spent_another_promises_to_the_last(store: Store) -> None:
    assert take(store, "dead")
    assert [take(store, "gw-1") for _ in range(100)] == [True] * 99 + [False]
    assert (counter(store), unspent(store)) == (100, {})


def test_money_is_scraped_together_from_several_leases(store: Store) -> None:
    for gateway in ("gw-1", "gw-2", "gw-3"):
        assert take(store, gateway, amount=100, at_most=1000)
    assert take(store, "gw-4", amount=700, at_most=1000)
    assert not take(store, "gw-1", amount=1, at_most=1000)


def test_a_lease_of_a_cap_that_was_lowered_gives_out_nothing_above_it(store: Store) -> None:
    assert [take(store, "gw-1", at_most=100) for _ in range(4)] == [True] * 4
    assert [take(store, "gw-1", at_most=5) for _ in range(3)] == [True, False, False]
    assert take(store, "gw-1", at_most=100), "the book before is back"


def test_a_share_that_comes_back_is_anybodys(store: Store) -> None:
    assert [take(store, "gw-1", at_most=2) for _ in range(2)] == [True, True]
    assert not take(store, "gw-2", at_most=2)
    do(store, lambda connection: caps.give_back(connection, [Taking("offer/a", 0, "issues", 1)], None))
    assert take(store, "gw-2", at_most=2)


def test_leases_go_with_the_counter_of_their_window(store: Store) -> None:
    do(store, lambda connection: caps.take_leased(connection, "offer/a@2001-09", "gw-1", 1, 100, AT_S))
    do(store, lambda connection: caps.purge(connection, windows_opened_before_s=AT_S + 1))
    assert unspent(store) == {}


REQUESTS = st.lists(
    st.tuples(
        st.sampled_from(["gw-1", "gw-2", "gw-3"]), st.sampled_from([1, 1, 2, 7]), st.sampled_from([30, 30, 20]), st.booleans()
    ),
    max_size=60,
)


@given(requests=REQUESTS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_leases_say_yes_exactly_when_one_counter_would(store: Store, requests: list[tuple[str, int, int, bool]]) -> None:
    def work(connection: Connection) -> None:
        empty(connection)
        promised = 0
        for gateway, amount, at_most, returned in requests:
            fits = promised + amount <= at_most
            assert caps.take_leased(connection, "offer/a", gateway, amount, at_most, AT_S) == fits
            promised += amount if fits else 0
            if fits and returned:
                caps.give_back(connection, [Taking("offer/a", 0, "issues", amount)], None)
                promised -= amount
            assert caps.used(connection, "offer/a") == promised

    do(store, work)
