"""What resolving costs at any number of members, and what the next window's table costs those who are heard meanwhile."""

from __future__ import annotations

import random
import time
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from gateway.shoppers.identities import BeaconIdentity, Identities, Rotating
from gateway.shoppers.rotating import WINDOW_S, message, rotating_id

UUID = bytes.fromhex("e2c56db5dffb48d2b060d0f5a71096e0")
START_S = 1_000 * WINDOW_S + 10.0
MEMBERS = 100_000
LOOK_UPS = 100_000


def crowd(size: int) -> list[tuple[str, BeaconIdentity]]:
    rng = random.Random(11)
    return [(f"s-{number}", Rotating(UUID, rng.randbytes(16))) for number in range(size)]


def a_shop(size: int, ahead: ThreadPoolExecutor | None = None) -> Identities:
    identities = Identities("demo", ahead)
    identities.load(crowd(size), START_S)
    return identities


def heard(size: int) -> list[bytes]:
    """Half members, half strangers with the shop's own uuid."""
    rng = random.Random(12)
    now = message("demo", 1_000)
    members = [UUID + rotating_id(identity.key, now) for _, identity in crowd(min(size, 2_000)) if isinstance(identity, Rotating)]
    return [rng.choice(members) if number % 2 else UUID + rng.randbytes(4) for number in range(LOOK_UPS)]


def look_all_up(identities: Identities, ids: list[bytes]) -> int:
    return sum(identities.resolve(beacon_id) is not None for beacon_id in ids)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as made:
        yield made


@pytest.mark.parametrize("size", [100, MEMBERS])
def test_resolving_costs_the_same_whatever_the_number_of_members(benchmark: BenchmarkFixture, size: int) -> None:
    identities, ids = a_shop(size), heard(size)
    found = benchmark.pedantic(look_all_up, args=(identities, ids), rounds=5)
    assert found == pytest.approx(LOOK_UPS / 2, rel=0.01)
    if benchmark.stats is not None:
        benchmark.extra_info["us_per_advertisement"] = round(benchmark.stats.stats.min / LOOK_UPS * 1e6, 3)


def test_a_bare_dictionary_as_the_floor(benchmark: BenchmarkFixture) -> None:
    ids = heard(MEMBERS)
    table = dict.fromkeys(ids[1::2], "s")

    def look() -> int:
        return sum(table.get(beacon_id) is not None for beacon_id in ids)

    assert benchmark.pedantic(look, rounds=5) == LOOK_UPS // 2
    if benchmark.stats is not None:
        benchmark.extra_info["us_per_advertisement"] = round(benchmark.stats.stats.min / LOOK_UPS * 1e6, 3)


def test_starting_with_all_members(benchmark: BenchmarkFixture) -> None:
    members = crowd(MEMBERS)

    def start() -> Identities:
        identities = Identities("demo")
        identities.load(members, START_S)
        return identities

    assert len(benchmark.pedantic(start, rounds=3)) == MEMBERS
    if benchmark.stats is not None:
        tracemalloc.start()
        kept = start()
        benchmark.extra_info["table_mb"] = round(tracemalloc.get_traced_memory()[0] / 1e6, 1)
        tracemalloc.stop()
        assert len(kept) == MEMBERS


def test_the_next_table_is_ready_in_time_and_nobody_waits_for_it(benchmark: BenchmarkFixture, pool: ThreadPoolExecutor) -> None:
    """One round: from the moment the next window's table is begun until it is in use, hearing all the while."""
    identities, ids = a_shop(MEMBERS, pool), heard(MEMBERS)
    window, waits, alone = 1_000, [], []

    def turn() -> None:
        nonlocal window
        window += 1
        identities.tick(window * WINDOW_S - 1.0)
        while identities.window != window:
            for beacon_id in ids[:200]:
                began = time.perf_counter()
                identities.resolve(beacon_id)
                identities.tick(float(window * WINDOW_S))
                waits.append(time.perf_counter() - began)
            time.sleep(0.001)
        pool.submit(lambda: None).result()

    benchmark.pedantic(turn, rounds=3)
    for beacon_id in ids:
        began = time.perf_counter()
        identities.resolve(beacon_id)
        alone.append(time.perf_counter() - began)
    assert identities.window == window
    benchmark.extra_info["longest_wait_ms"] = round(max(waits) * 1e3, 2)
    benchmark.extra_info["p9999_wait_ms"] = round(sorted(waits)[int(len(waits) * 0.9999)] * 1e3, 3)
    benchmark.extra_info["longest_without_building_ms"] = round(max(alone) * 1e3, 2)
