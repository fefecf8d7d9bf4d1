"""What the line asks of the rooms that keep something: it knows these Protocols and no database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Protocol

from gateway.model import Promised, ShopperNow
from rules import Book, Decision, Happening, Situation, Value


class Recollection(Protocol):
    """Brings to mind what is known of a shopper."""

    def when_known(self, shopper: str, at_s: float, decide: Callable[[], None]) -> None:
        """Call `decide` once all that is known of the shopper is at hand, in order; never, when that is too late."""

    def forget(self, shopper: str) -> None:
        """Let nothing wait for the shopper any more."""


class ShoppersHere(Protocol):
    """What is in mind of the shoppers who are in the shop; what is kept of their visits."""

    def shopper_now(self, shopper: str, at_s: float) -> ShopperNow | None:
        """Return what is known of a shopper; None when they are not to be recognised."""

    def spend(self, shopper: str, tokens: float, at_s: float) -> None:
        """Draw on a shopper's attention."""

    def visited(self, shopper: str, visit: str, started_at_s: float, ended_at_s: float, zones: Sequence[str]) -> None:
        """Keep a visit that is over, and forget the facts."""

    def forget(self, shopper: str) -> None:
        """Drop what is in memory about a shopper."""


class Promises(Protocol):
    """What was promised, and the one way to promise."""

    def history(self, shopper: str) -> Sequence[Happening]:
        """Return what happened with offers to a shopper, what was promised a millisecond ago included."""

    def exhausted(self, at_s: float, shopper: str) -> frozenset[str]:
        """Return the offers whose caps are known to be reached."""

    def promise(self, decision: Decision, situation: Situation) -> Future[Promised]:
        """Promise what was chosen, without waiting for it; resolved once all is on disk."""

    def forget(self, shopper: str) -> None:
        """Drop what is in memory about a shopper."""


class ShopSays(Protocol):
    """What the shop says of itself."""

    def at(self, at_s: float, book: Book) -> tuple[dict[str, Value], dict[str, float]]:
        """Return the facts that a book lets the shop say, and when each was set."""
