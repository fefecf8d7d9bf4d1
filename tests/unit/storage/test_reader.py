"""The one reader: answers in order, outlives every failure, and asks nothing that nobody can use any more."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from gateway.settings import StorageSettings
from gateway.storage import Store, open_store
from gateway.storage.reader import Reader, TooLate


@pytest.fixture
def store(storage: StorageSettings) -> Iterator[Store]:
    store = open_store(storage)
    yield store
    store.close()


@pytest.fixture
def reader(store: Store) -> Iterator[Reader]:
    reader = Reader(store.read)
    reader.start()
    yield reader
    assert reader.failure is None
    reader.close()
    assert reader.failure == "its thread has ended"


def one(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT 1").scalar_one())


def test_a_question_is_answered_in_the_readers_own_thread(reader: Reader) -> None:
    assert reader.submit(one).result(10) == 1
    assert reader.submit(lambda connection: threading.current_thread().name).result(10) == "reader"


def test_a_question_that_raises_carries_its_error_and_the_next_is_answered(reader: Reader) -> None:
    with pytest.raises(ZeroDivisionError):
        reader.submit(lambda connection: 1 // 0).result(10)
    with pytest.raises(OperationalError):
        reader.submit(_fail).result(10)
    assert reader.submit(one).result(10) == 1


def _fail(connection: Connection) -> None:
    raise OperationalError("SELECT", None, Exception("disk I/O error"))


def test_a_database_that_is_away_fails_the_answer_and_is_asked_again_on_a_new_connection(store: Store) -> None:
    away = True

    @contextmanager
    def read() -> Iterator[Connection]:
        if away:
            raise OperationalError("connect", None, Exception("the server is starting up"))
        with store.read() as connection:
            yield connection

    reader = Reader(read)
    reader.start()
    for _ in range(3):
        with pytest.raises(OperationalError):
            reader.submit(one).result(10)
    away = False
    assert reader.submit(one).result(10) == 1
    reader.close()


def test_what_nobody_can_use_any_more_is_not_asked(store: Store) -> None:
    now_s = 0.0
    asked: list[int] = []

    def ask(number: int, _connection: Connection) -> None:
        asked.append(number)

    reader = Reader(store.read, lambda: now_s)
    late, timely = (reader.submit(partial(ask, n), within_s=within_s) for n, within_s in ((1, 2), (2, 5)))
    now_s = 3.0
    reader.start()
    with pytest.raises(TooLate):
        late.result(10)
    timely.result(10)
    assert asked == [2]
    reader.close()


def test_an_asker_that_has_gone_is_left_out(store: Store) -> None:
    reader = Reader(store.read)
    asked: list[int] = []
    future = reader.submit(lambda connection: asked.append(1))
    future.cancel()
    reader.start()
    reader.submit(one).result(10)
    assert asked == []
    reader.close()


def test_a_callback_that_raises_does_not_end_the_reader(reader: Reader) -> None:
    def burst(_future: object) -> None:
        raise KeyError("ink")

    future = reader.submit(one)
    future.add_done_callback(burst)
    future.result(10)
    assert reader.submit(one).result(10) == 1


def test_a_long_question_shows_how_long_it_has_taken(store: Store) -> None:
    now_s, asked, go_on = 100.0, threading.Event(), threading.Event()
    reader = Reader(store.read, lambda: now_s)
    reader.start()

    def slow(connection: Connection) -> None:
        asked.set()
        go_on.wait(10)

    future = reader.submit(slow)
    assert asked.wait(10)
    now_s = 107.0
    assert reader.busy_s == 7.0
    assert reader.failure is None
    now_s = 107.0 + 84.0
    assert reader.failure == "one question has taken 91 s"
    go_on.set()
    future.result(10)
    reader.close()
    assert reader.busy_s == 0.0


def test_from_the_event_loop_an_answer_is_awaited_and_never_longer_than_it_is_of_use(reader: Reader) -> None:
    go_on = threading.Event()

    async def both() -> None:
        assert await reader.ask(one) == 1
        with pytest.raises(TimeoutError):
            await reader.ask(lambda connection: go_on.wait(10), within_s=0.05)
        go_on.set()
        assert await reader.ask(one) == 1

    asyncio.run(both())
