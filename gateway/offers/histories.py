"""What happened with offers to the shoppers who are in the shop now, in memory. Pure.

A history comes from outside, and not at once: `await_history` says that it is being read, `arrive` brings it. What happens in
between may be missing from it, so then it is read again.
"""

from __future__ import annotations

from collections.abc import Sequence

from rules import Happening


class Histories:
    """Brought by `arrive`, kept up to date from then on, dropped by `forget`."""

    def __init__(self) -> None:
        self._of: dict[str, list[Happening]] = {}
        self._awaited: dict[str, bool] = {}
        """Whose history is being read, and whether something happened since the reading began."""

    def __contains__(self, shopper: str) -> bool:
        """Tell whether a shopper's history is at hand."""
        return shopper in self._of

    def of(self, shopper: str) -> tuple[Happening, ...]:
        """Return a shopper's happenings, oldest first as they became known; none where they aren't at hand."""
        return tuple(self._of.get(shopper, ()))

    def await_history(self, shopper: str) -> None:
        """Note that a shopper's history is being read from here on."""
        self._awaited[shopper] = False

    def arrive(self, shopper: str, known: Sequence[Happening]) -> bool:
        """Take the history that was read; False: something happened meanwhile, read again.

        Of whom nothing is awaited any more nothing is kept.
        """
        outdated = self._awaited.pop(shopper, None)
        if outdated is False:
            self._of[shopper] = list(known)
        return not outdated

    def expect(self, shopper: str, happening: Happening) -> None:
        """Note what is about to be written down. Two at one moment are two: nobody else can have told of them yet."""
        self.outdate(shopper)
        if shopper in self._of:
            self._of[shopper].append(happening)

    def add(self, shopper: str, happening: Happening) -> None:
        """Note, once, a happening of a shopper who is here; of anyone else the database has it."""
        self.outdate(shopper)
        known = self._of.get(shopper)
        if known is not None and happening not in known:
            known.append(happening)

    def take_back(self, shopper: str, happening: Happening) -> None:
        """Forget a happening that did not come about after all."""
        self.outdate(shopper)
        known = self._of.get(shopper)
        if known is not None and happening in known:
            known.remove(happening)

    def outdate(self, shopper: str) -> None:
        """Note that what is being read of a shopper may lack something."""
        if shopper in self._awaited:
            self._awaited[shopper] = True

    def forget(self, shopper: str) -> None:
        """Drop a shopper: the visit is over, or they withdrew. What is being read of them is not waited for any more."""
        self._of.pop(shopper, None)
        self._awaited.pop(shopper, None)

    def __len__(self) -> int:
        return len(self._of)
