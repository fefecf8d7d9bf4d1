"""What is known of a shopper, brought into memory before the first decision about them, while the line goes on.

A visit's first moments wait here for the shopper's facts and history, which the reader reads together; other shoppers don't. So do
moments after something was written about the shopper: a decision must see it. What waits is decided in its order once all is at
hand, or dropped when that comes too late; while the database is away nothing is decided about whom nothing is known.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import NamedTuple

from gateway.offers.ledger import Ledger
from gateway.shoppers.people import People
from gateway.shoppers.presence import KnownFacts
from gateway.storage import Connection, Reader
from rules import Happening

PATIENCE_S = 2.0
"""A moment is worth an offer for as long as the shopper is still where it was: in two seconds they are two or three metres on, at
another shelf. A reading takes milliseconds, so what takes longer is a database that is away."""

Read = tuple[KnownFacts | None, Sequence[Happening]]


class _Moment(NamedTuple):
    decide: Callable[[], None]
    until_s: float


class Recall:
    """Brings to mind whom the line asks for. All but the reading is in the line's own thread; `post` brings a call there."""

    def __init__(
        self,
        people: People,
        ledger: Ledger,
        reader: Reader,
        post: Callable[[Callable[[], None]], None],
        monotonic_s: Callable[[], float],
    ) -> None:
        self._people = people
        self._ledger = ledger
        self._reader = reader
        self._post = post
        self._monotonic_s = monotonic_s
        self._waiting: dict[str, deque[_Moment]] = {}
        self._reading: dict[str, Future[Read]] = {}
        self.late = 0
        """Moments that were dropped, because what was known of the shopper came too late or not at all."""

    def when_known(self, shopper: str, at_s: float, decide: Callable[[], None]) -> None:
        """Call `decide` once a shopper's facts and history are at hand: now, or soon and in order; never, when that is too late."""
        if shopper not in self._waiting and self._at_hand(shopper, at_s):
            decide()
            return
        self._waiting.setdefault(shopper, deque()).append(_Moment(decide, self._monotonic_s() + PATIENCE_S))
        if shopper not in self._reading:
            self._read(shopper, at_s)

    def tick(self, now_s: float) -> None:
        """Drop what has waited too long, and read again for the rest where a reading failed."""
        for shopper, moments in list(self._waiting.items()):
            while moments and moments[0].until_s <= self._monotonic_s():
                moments.popleft()
                self.late += 1
            if not moments:
                del self._waiting[shopper]
            elif shopper not in self._reading:
                self._read(shopper, now_s)

    def forget(self, shopper: str) -> None:
        """Drop what waits for a shopper, and what is being read of them."""
        self._waiting.pop(shopper, None)
        self._reading.pop(shopper, None)

    def _at_hand(self, shopper: str, at_s: float) -> bool:
        return self._people.knows(shopper, at_s) and self._ledger.remembers(shopper)

    def _read(self, shopper: str, at_s: float) -> None:
        self._people.await_facts(shopper)
        self._ledger.await_history(shopper)

        def read(connection: Connection) -> Read:
            return self._people.read(connection, shopper, at_s), self._ledger.read(connection, shopper)

        future = self._reading[shopper] = self._reader.submit(read, PATIENCE_S)
        future.add_done_callback(lambda done: self._post(partial(self._came, shopper, at_s, done)))

    def _came(self, shopper: str, at_s: float, reading: Future[Read]) -> None:
        if self._reading.get(shopper) is not reading:
            return  # forgotten meanwhile
        del self._reading[shopper]
        if reading.exception() is not None:
            return  # `tick` reads again, for as long as anybody can use it
        known, happenings = reading.result(0)
        up_to_date = [self._people.arrive(shopper, known, at_s), self._ledger.arrive(shopper, happenings)]
        if not all(up_to_date):
            self._read(shopper, at_s)
            return
        for moment in self._waiting.pop(shopper, ()):
            if moment.until_s <= self._monotonic_s():
                self.late += 1
            else:
                moment.decide()
