"""Recalling shoppers without a thread: what the gateway's reader does, done where a test asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway.model import ShopperNow
from gateway.offers.ledger import Ledger
from gateway.shoppers.people import People
from rules import Happening


def shopper_now(people: People, shopper: str, at_s: float) -> ShopperNow | None:
    """Return what is known of a shopper, read first where it isn't at hand."""
    if not people.knows(shopper, at_s):
        people.await_facts(shopper)
        with people._store.read() as connection:
            known = people.read(connection, shopper, at_s)
        assert people.arrive(shopper, known, at_s)
    return people.shopper_now(shopper, at_s)


def history(ledger: Ledger, shopper: str) -> Sequence[Happening]:
    """Return a shopper's history, read first where it isn't at hand."""
    while not ledger.remembers(shopper):  # again, where something happened meanwhile
        ledger.await_history(shopper)
        with ledger._store.read() as connection:
            known = ledger.read(connection, shopper)
        ledger.arrive(shopper, known)
    return ledger.history(shopper)


class RecallAtOnce:
    """The line's recollection: reads and decides where it is asked."""

    def __init__(self, people: People, ledger: Ledger) -> None:
        self._people = people
        self._ledger = ledger

    def when_known(self, shopper: str, at_s: float, decide: Callable[[], None]) -> None:
        """Read what isn't at hand, and decide."""
        shopper_now(self._people, shopper, at_s)
        history(self._ledger, shopper)
        decide()

    def forget(self, shopper: str) -> None:
        """Nothing ever waits."""
