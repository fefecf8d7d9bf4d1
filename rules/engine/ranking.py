"""The order among offers that may all be made. Pluggable: anything that maps candidates to scores and propensities will do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from operator import attrgetter, mul
from typing import NamedTuple

from rules.situation import Situation


class Candidate(NamedTuple):
    """An offer that passed every gate; `affinity` is the backend's factor for this shopper, 1 where it is unknown."""

    offer: str
    priority: float
    affinity: float


class Ranked(NamedTuple):
    """A candidate's score, higher first, and the exact probability with which the ranker places it so."""

    offer: str
    score: float
    propensity: float = 1.0


_SCORE = attrgetter("score")
_ranked = lru_cache(8192)(Ranked)
"""Most candidates have the same score as last time, and making a named tuple takes longer than finding one."""

Ranker = Callable[[Sequence[Candidate], Situation], Sequence[Ranked]]
"""Pure: a ranker that explores draws from a hash of the situation, never from a random generator, and states its propensities."""


def by_priority_and_affinity(candidates: Sequence[Candidate], situation: Situation) -> Sequence[Ranked]:
    """Priority × affinity."""
    offers, priorities, affinities = zip(*candidates, strict=True)
    return [*map(_ranked, offers, map(mul, priorities, affinities))]


def ordered(ranked: Sequence[Ranked], salt: str, situation: Situation) -> Iterator[Ranked]:
    """Highest score first; equals in an order that is stable for a shopper's visit and fair over shoppers: by hash."""
    seed = hashlib.sha256(f"{salt}\x1ftie\x1f{situation.shopper}\x1f{situation.visit}".encode())

    def tie(one: Ranked) -> bytes:
        drawn = seed.copy()
        drawn.update(one.offer.encode())
        return drawn.digest()

    for _, equals in groupby(sorted(ranked, key=_SCORE, reverse=True), key=_SCORE):
        few = list(equals)
        yield from few if len(few) == 1 else sorted(few, key=tie)
