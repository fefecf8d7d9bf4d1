"""From a beacon id to a shopper or to nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from gateway.shoppers import identities as module
from gateway.shoppers.identities import AHEAD_S, CHANGES_AT_ONCE, Identities, Rotating, Static
from gateway.shoppers.rotating import WINDOW_S, message, rotating_id

UUID = bytes.fromhex("e2c56db5dffb48d2b060d0f5a71096e0")
START_S = 1_000 * WINDOW_S + 450.0


def static(minor: int) -> Static:
    return Static(UUID + b"\x00\x01" + minor.to_bytes(2, "big"))


def phone(number: int) -> Rotating:
    return Rotating(UUID, number.to_bytes(16, "big"))


def heard(identity: Rotating, window: int) -> bytes:
    return UUID + rotating_id(identity.key, message("demo", window))


class Later:
    """An executor that works only when it is told to, in the test's own thread."""

    def __init__(self) -> None:
        self.jobs: list[tuple[Future[Any], Callable[[], Any]]] = []

    def submit(self, work: Callable[..., Any], *args: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.jobs.append((future, lambda: work(*args)))
        return future

    def work(self) -> None:
        while self.jobs:
            future, job = self.jobs.pop(0)
            future.set_result(job())


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    monkeypatch.setattr(module, "PAUSE_S", 0.0)
    return Later()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as made:
        yield made


def test_a_static_id_resolves_to_its_shopper_and_a_strangers_to_nobody() -> None:
    identities = Identities("demo")
    identities.put("s-1", static(1))
    assert identities.resolve(static(1).beacon_id) == "s-1"
    assert identities.resolve(static(2).beacon_id) is None


def test_an_id_that_fits_two_members_is_nobodys_until_one_of_them_leaves() -> None:
    identities = Identities("demo")
    for shopper in ("s-1", "s-2", "s-3"):
        identities.put(shopper, static(1))
    assert identities.resolve(static(1).beacon_id) is None
    assert identities.shared("s-1")
    identities.forget("s-2")
    assert identities.resolve(static(1).beacon_id) is None
    identities.forget("s-1")
    assert identities.resolve(static(1).beacon_id) == "s-3"
    assert not identities.shared("s-3")


def test_a_new_identity_takes_the_old_ones_place() -> None:
    identities = Identities("demo")
    identities.put("s-1", static(1))
    identities.put("s-1", static(2))
    assert identities.resolve(static(1).beacon_id) is None
    assert identities.resolve(static(2).beacon_id) == "s-1"
    assert len(identities) == 1


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_a_phone_whose_clock_is_a_window_off_is_recognised(offset: int) -> None:
    identities = Identities("demo")
    identities.load([("s-1", phone(7))], START_S)
    assert identities.resolve(heard(phone(7), 1_000 + offset)) == "s-1"


@pytest.mark.parametrize("offset", [-2, 2, -100])
def test_an_id_replayed_from_a_past_window_is_nobodys(offset: int) -> None:
    identities = Identities("demo")
    identities.load([("s-1", phone(7))], START_S)
    assert identities.resolve(heard(phone(7), 1_000 + offset)) is None


def test_without_a_thread_the_table_turns_with_the_window() -> None:
    identities = Identities("demo")
    identities.load([("s-1", phone(7)), ("s-2", static(1))], START_S)
    identities.tick(START_S + 3 * WINDOW_S)
    assert identities.resolve(heard(phone(7), 1_003)) == "s-1"
    assert identities.resolve(heard(phone(7), 1_001)) is None
    assert identities.resolve(static(1).beacon_id) == "s-2"


def test_the_next_table_is_built_ahead_and_swapped_in_at_its_window(later: Later) -> None:
    identities = Identities("demo", later)  # type: ignore[arg-type]  # all that is used of an executor
    identities.load([("s-1", phone(7))], START_S)
    later.work()
    identities.tick(1_001 * WINDOW_S - AHEAD_S - 1)
    assert not later.jobs, "nothing is begun too early"
    identities.tick(1_001 * WINDOW_S - AHEAD_S + 1)
    later.work()
    identities.tick(1_001 * WINDOW_S - 1)
    assert identities.window == 1_000
    identities.tick(1_001 * WINDOW_S)
    assert identities.window == 1_001
    assert identities.resolve(heard(phone(7), 1_002)) == "s-1"


def test_who_joins_changes_or_leaves_while_a_table_is_built_is_right_in_it(later: Later) -> None:
    identities = Identities("demo", later)  # type: ignore[arg-type]
    identities.load([("stays", phone(1)), ("leaves", phone(2)), ("changes", phone(3))], START_S)
    later.work()
    identities.tick(1_001 * WINDOW_S - 1)
    identities.put("joins", phone(4))
    identities.forget("leaves")
    identities.put("changes", phone(5))
    later.work()
    identities.tick(1_001 * WINDOW_S)
    resolved = [identities.resolve(heard(phone(number), 1_001)) for number in range(1, 6)]
    assert resolved == ["stays", None, None, "joins", "changes"]


def test_a_crowd_that_joins_while_a_table_is_built_is_built_in_once_more(later: Later) -> None:
    identities = Identities("demo", later)  # type: ignore[arg-type]
    identities.load([("s-0", phone(1_000_000))], START_S)
    later.work()
    identities.tick(1_001 * WINDOW_S - 1)
    for number in range(CHANGES_AT_ONCE + 1):
        identities.put(f"s-{number}", phone(number))
    later.work()
    identities.tick(1_001 * WINDOW_S)
    assert identities.window == 1_000, "the old table serves on meanwhile"
    assert identities.resolve(heard(phone(3), 1_001)) == "s-3"
    later.work()
    identities.tick(1_001 * WINDOW_S + 1)
    assert identities.window == 1_001
    assert identities.resolve(heard(phone(CHANGES_AT_ONCE), 1_002)) == f"s-{CHANGES_AT_ONCE}"


def test_a_clock_that_jumps_a_day_back_gets_its_table_without_a_stall(later: Later) -> None:
    identities = Identities("demo", later)  # type: ignore[arg-type]
    identities.load([("s-1", phone(7))], START_S)
    later.work()
    identities.tick(START_S - 86_400)
    assert identities.window == 1_000
    later.work()
    identities.tick(START_S - 86_399)
    assert identities.resolve(heard(phone(7), 1_000 - 96)) == "s-1"


def test_the_table_in_use_resolves_while_another_thread_builds(pool: ThreadPoolExecutor) -> None:
    identities = Identities("demo", pool)
    identities.load([(f"s-{number}", phone(number)) for number in range(500)], START_S)
    gate = threading.Event()
    pool.submit(gate.wait)
    identities.tick(1_001 * WINDOW_S - 1)
    assert identities.resolve(heard(phone(499), 1_000)) == "s-499"
    gate.set()
    pool.submit(lambda: None).result(timeout=30)
    identities.tick(1_001 * WINDOW_S)
    assert identities.resolve(heard(phone(499), 1_002)) == "s-499"


def test_a_key_shows_in_no_repr() -> None:
    assert "07" * 8 not in repr(phone(int("07" * 16, 16)))
    assert "key" not in repr(phone(7))
