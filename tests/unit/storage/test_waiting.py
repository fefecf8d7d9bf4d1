"""Waiting for the writer has an end, and its error is of the database's kind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future

import pytest

from gateway.storage import DatabaseError, NotInTime, outbox, waiting


def in_loop(future: Future[int], within_s: float) -> int:
    return asyncio.run(waiting.in_loop(future, within_s))


WAYS = pytest.mark.parametrize("wait", [in_loop, waiting.in_thread])


@WAYS
def test_what_was_not_begun_in_time_is_left_out(wait: Callable[[Future[int], float], int]) -> None:
    future: Future[int] = Future()
    with pytest.raises(NotInTime, match="not written within 1 s"):
        wait(future, 1)
    assert future.cancelled()


@WAYS
def test_what_is_under_way_goes_on_though_nobody_waits(wait: Callable[[Future[int], float], int]) -> None:
    future: Future[int] = Future()
    future.set_running_or_notify_cancel()
    with pytest.raises(DatabaseError) as late:
        wait(future, 0.01)
    assert outbox.is_away(late.value)
    future.set_result(1)
    assert wait(future, 0.01) == 1


@WAYS
def test_what_the_work_raised_is_raised(wait: Callable[[Future[int], float], int]) -> None:
    future: Future[int] = Future()
    future.set_exception(KeyError("x"))
    with pytest.raises(KeyError):
        wait(future, 5.0)
