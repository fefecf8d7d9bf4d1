"""What happened with offers to the shoppers who are in the shop now, in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rules import Happening


class Histories:
    """Read from the database at the first use for a shopper, kept up to date from then on, dropped by `forget`."""

    def __init__(self, load: Callable[[str], Sequence[Happening]]) -> None:
        self._load = load
        self._of: dict[str, list[Happening]] = {}

    def of(self, shopper: str) -> list[Happening]:
        """A shopper's happenings, oldest first as they became known."""
        known = self._of.get(shopper)
        if known is None:
            known = self._of[shopper] = list(self._load(shopper))
        return known

    def expect(self, shopper: str, happening: Happening) -> None:
        """Note what is about to be written down. Two at one moment are two: nobody else can have told of them yet."""
        self.of(shopper).append(happening)

    def add(self, shopper: str, happening: Happening) -> None:
        """Note, once, a happening of a shopper who is here; of anyone else the database has it."""
        known = self._of.get(shopper)
        if known is not None and happening not in known:
            known.append(happening)

    def take_back(self, shopper: str, happening: Happening) -> None:
        """Forget a happening that did not come about after all."""
        known = self._of.get(shopper)
        if known is not None and happening in known:
            known.remove(happening)

    def forget(self, shopper: str) -> None:
        """Drop a shopper: the visit is over, or they withdrew."""
        self._of.pop(shopper, None)

    def __len__(self) -> int:
        return len(self._of)
