"""The attention budget: a token bucket per shopper. Attention is earned, not bought. Pure.

An offer costs its tokens when it is made; time drips some back, dismissing costs extra, engaging refills. The values are the rule
book's; between moments only (tokens, at_s) is kept. Below zero there is room for debt, so that dismissals keep counting.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

DAY_S = 86_400.0
DEEPEST_DEBT = 2.0
"""Dismissals can take a bucket this many times its capacity below zero, no deeper: a bad week must not mean silence for ever."""

AHEAD_S = 3600.0
"""A stamp this far ahead of now is no late message's or slow clock's."""


class Rates(Protocol):
    """The rule book's part on attention; tokens throughout."""

    @property
    def capacity(self) -> float: ...
    @property
    def refill_per_day(self) -> float: ...
    @property
    def dismissal_cost(self) -> float: ...
    @property
    def engagement_refill(self) -> float: ...


class Bucket(NamedTuple):
    """A shopper's tokens as they stood at a moment."""

    tokens: float
    at_s: float


def full(rates: Rates, at_s: float) -> Bucket:
    """Return the bucket that everybody starts with."""
    return Bucket(rates.capacity, at_s)


def at(bucket: Bucket, rates: Rates, now_s: float) -> Bucket:
    """Return the bucket as it stands now, with what has dripped in.

    One whose stamp lies more than AHEAD_S in the future was touched by a wrong clock: nobody knows how long ago that was, so it
    counts as full, or a leap of ten years would mean silence for ten years.
    """
    return full(rates, now_s) if bucket.at_s - now_s > AHEAD_S else _dripped(bucket, rates, now_s)


def _dripped(bucket: Bucket, rates: Rates, now_s: float) -> Bucket:
    """Return the bucket at a later moment; an earlier one (a receipt that comes late) changes nothing."""
    if now_s <= bucket.at_s:
        return bucket
    dripped = (now_s - bucket.at_s) / DAY_S * rates.refill_per_day
    return Bucket(min(rates.capacity, bucket.tokens + dripped), now_s)


def spent(bucket: Bucket, rates: Rates, tokens: float, now_s: float) -> Bucket:
    """After an offer that costs `tokens`, made now."""
    return _moved(at(bucket, rates, now_s), rates, -tokens, now_s)


def dismissed(bucket: Bucket, rates: Rates, now_s: float) -> Bucket:
    """After a shopper waved an offer away."""
    return _moved(bucket, rates, -rates.dismissal_cost, now_s)


def engaged(bucket: Bucket, rates: Rates, now_s: float) -> Bucket:
    """After a shopper did something with an offer."""
    return _moved(bucket, rates, rates.engagement_refill, now_s)


def _moved(bucket: Bucket, rates: Rates, by: float, now_s: float) -> Bucket:
    now = _dripped(bucket, rates, now_s)
    return Bucket(min(rates.capacity, max(-DEEPEST_DEBT * rates.capacity, now.tokens + by)), now.at_s)
