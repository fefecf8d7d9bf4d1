"""The token bucket."""

from __future__ import annotations

import pytest

from gateway.shoppers.attention import DAY_S, DEEPEST_DEBT, at, dismissed, engaged, full, spent
from rules.format.document import Attention

RATES = Attention(capacity=6, refill_per_day=3, dismissal_cost=2, engagement_refill=1)


def test_everybody_starts_with_a_full_bucket() -> None:
    assert full(RATES, 10.0) == (6, 10.0)


def test_an_offer_draws_and_time_drips_back_up_to_the_brim() -> None:
    bucket = spent(full(RATES, 0.0), RATES, 4, 0.0)
    assert bucket.tokens == 2
    assert at(bucket, RATES, DAY_S / 3).tokens == pytest.approx(3)
    assert at(bucket, RATES, 10 * DAY_S).tokens == 6


def test_a_dismissal_costs_extra_and_engagement_refills() -> None:
    bucket = spent(full(RATES, 0.0), RATES, 1, 0.0)
    assert dismissed(bucket, RATES, 0.0).tokens == 3
    assert engaged(bucket, RATES, 0.0).tokens == 6
    assert engaged(full(RATES, 0.0), RATES, 0.0).tokens == 6


def test_debt_has_a_floor() -> None:
    bucket = full(RATES, 0.0)
    for _ in range(50):
        bucket = dismissed(bucket, RATES, 0.0)
    assert bucket.tokens == -DEEPEST_DEBT * 6


def test_a_moment_before_the_last_one_changes_nothing() -> None:
    bucket = spent(full(RATES, 100.0), RATES, 1, 100.0)
    assert at(bucket, RATES, 50.0) == bucket
    assert spent(bucket, RATES, 1, 50.0) == (4, 100.0)
