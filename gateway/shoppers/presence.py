"""Who is in the shop now, and what is known of them: in memory only, in the line's own thread. Pure.

Facts come from outside, and not at once: `await_facts` says that they are being read, `arrive` brings them. What is written about a
shopper in between makes them stale before they arrive, and what is written afterwards makes them stale then; stale facts are as
none, for a decision by them would not see an answer just given or a purpose just withdrawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gateway.model import ShopperNow
from gateway.shoppers import attention
from gateway.shoppers.attention import Bucket, Rates
from rules import Value

Touch = Callable[[Bucket, Rates, float], Bucket]
"""What a receipt does to a bucket."""


@dataclass(frozen=True, slots=True)
class KnownFacts:
    """A shopper's consent, language, facts and attention as they were read at one moment."""

    purposes: frozenset[str]
    language: str
    facts: Mapping[str, Value]
    fact_times: Mapping[str, float]
    bucket: Bucket | None
    """None: never touched, so full."""
    good_until_s: float = math.inf
    """When the first of the answers among the facts ends."""


@dataclass(slots=True)
class _Present:
    """Somebody in the shop. `stale`: something was written about them since."""

    known: KnownFacts
    bucket: Bucket
    just_bought: frozenset[str] | None = None
    stale: bool = False


class Presence:
    """What is known of those who are in the shop. `rates`: of the attention budget."""

    def __init__(self, rates: Rates) -> None:
        self.rates = rates
        self._present: dict[str, _Present] = {}
        self._awaited: dict[str, bool] = {}
        """Whose facts are being read, and whether something was written about them since the reading began."""

    @property
    def here(self) -> frozenset[str]:
        """Return whose facts are in memory now."""
        return frozenset(self._present)

    def knows(self, shopper: str, at_s: float) -> bool:
        """Tell whether a shopper's facts are at hand and up to date."""
        present = self._present.get(shopper)
        return present is not None and not present.stale and at_s < present.known.good_until_s

    def shopper_now(self, shopper: str, at_s: float) -> ShopperNow | None:
        """Return what is known of a shopper; None when they are not to be recognised, or their facts aren't at hand."""
        if not self.knows(shopper, at_s):
            return None
        present = self._present[shopper]
        known, bought = present.known, present.just_bought
        return ShopperNow(
            shopper=shopper,
            purposes=known.purposes,
            language=known.language,
            facts=known.facts if bought is None else MappingProxyType({**known.facts, "purchase": bought}),
            fact_times=known.fact_times,
            attention=attention.at(present.bucket, self.rates, at_s).tokens,
        )

    def await_facts(self, shopper: str) -> None:
        """Note that a shopper's facts are being read from here on."""
        self._awaited[shopper] = False

    def arrive(self, shopper: str, known: KnownFacts | None, at_s: float) -> bool:
        """Take the facts that were read; False: something was written meanwhile, read again.

        The bucket in memory stays: it is ahead of the one in the database. Of whom nothing is awaited any more nothing is kept.
        """
        outdated = self._awaited.pop(shopper, None)
        if outdated is None:
            return True
        if outdated:
            return False
        before = self._present.pop(shopper, None)
        if known is None:
            return True
        bucket = before.bucket if before is not None else known.bucket or attention.full(self.rates, at_s)
        self._present[shopper] = _Present(known, bucket, before.just_bought if before is not None else None)
        return True

    def spend(self, shopper: str, tokens: float, at_s: float) -> None:
        """Draw on a shopper's attention."""
        present = self._present.get(shopper)
        if present is not None:
            present.bucket = attention.spent(present.bucket, self.rates, tokens, at_s)

    def received(self, shopper: str, touch: Touch | None, bought: frozenset[str], at_s: float) -> None:
        """Take in what a receipt says of a shopper who is here: what it does to their attention, and what they bought."""
        present = self._present.get(shopper)
        if present is None:
            return
        if touch is not None:
            present.bucket = touch(present.bucket, self.rates, at_s)
        if bought:
            present.just_bought = bought

    def outdate(self, shopper: str) -> None:
        """Note that something was written about a shopper."""
        if shopper in self._awaited:
            self._awaited[shopper] = True
        present = self._present.get(shopper)
        if present is not None:
            present.stale = True

    def outdate_all(self) -> None:
        """Note that what is read of shoppers has changed."""
        for shopper in (*self._present, *self._awaited):
            self.outdate(shopper)

    def forget(self, shopper: str) -> None:
        """Drop a shopper: the visit is over, or they withdrew. What is being read of them is not waited for any more."""
        self._present.pop(shopper, None)
        self._awaited.pop(shopper, None)
