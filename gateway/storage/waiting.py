"""Waiting for what was handed to the writer: never without an end, and with an error of the database's kind where it comes to that.

Whoever minds that the database is away then minds this too, and tries again: a thread doesn't die of a disk that is slow or full.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import TypeVar

from sqlalchemy.exc import OperationalError

T = TypeVar("T")

WITHIN_S = 30.0
"""How long a piece of work is waited for: longer than a large group takes on a slow disk, and than a lock or a server that is away
holds up one attempt. What takes longer waits for a person: a full disk, or another program that keeps the database locked."""


class NotInTime(OperationalError):
    """The writer hasn't done the work in time. What it had not begun is left out; what is under way may still be written."""

    def __init__(self, within_s: float) -> None:
        super().__init__(None, None, TimeoutError(f"not written within {within_s:g} s"))


async def in_loop(future: Future[T], within_s: float = WITHIN_S) -> T:
    """Wait in the event loop, which goes on meanwhile. Raises what the work raised, or NotInTime."""
    try:
        return await asyncio.wait_for(asyncio.wrap_future(future), within_s)
    except TimeoutError:
        raise NotInTime(within_s) from None


def in_thread(future: Future[T], within_s: float = WITHIN_S) -> T:
    """Wait in a thread of one's own, which stands still meanwhile. Raises what the work raised, or NotInTime."""
    try:
        return future.result(within_s)
    except TimeoutError:
        if not future.cancel() and future.done():  # in the very last moment
            return future.result(0)
        raise NotInTime(within_s) from None
