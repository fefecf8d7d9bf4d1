"""Test groups: frozen, fair, and not correlated with each other."""

from __future__ import annotations

import itertools
import math

import pytest

from rules.engine.assignment import in_control, in_trial, position

SHOPPERS = [f"s-{number}" for number in range(100_000)]


@pytest.mark.parametrize(
    ("salt", "experiment", "shopper", "expected"),
    [
        ("supermarket-2026", "control", "s-1", 0.06937858611721981),
        ("supermarket-2026", "control", "s-2", 0.9205605020320144),
        ("supermarket-2026", "trial:wine-tasting-2026", "s-1", 0.978637276464043),
        ("", "", "", 0.7218306215753069),
        ("zout", "proef", "klant-é", 0.03136440771943705),
    ],
)
def test_positions_are_frozen(salt: str, experiment: str, shopper: str, expected: float) -> None:
    assert position(salt, experiment, shopper) == expected


@pytest.mark.parametrize("share", [0.05, 0.1, 0.5, 0.9])
def test_shares_are_within_one_percent_at_a_hundred_thousand(share: float) -> None:
    control = sum(in_control("salt", share, shopper) for shopper in SHOPPERS) / len(SHOPPERS)
    trial = sum(in_trial("salt", "wine", share, shopper) for shopper in SHOPPERS) / len(SHOPPERS)
    assert abs(control - share) < 0.01
    assert abs(trial - share) < 0.01


def test_experiments_do_not_correlate_however_alike_their_names() -> None:
    names = ("trial:wine-1", "trial:wine-2", "trial:wine-11", "trial:wine", "control")
    arms = {name: [position("salt", name, shopper) < 0.5 for shopper in SHOPPERS[:40_000]] for name in names}
    arms["other salt"] = [position("salt2", "control", shopper) < 0.5 for shopper in SHOPPERS[:40_000]]
    for one, other in itertools.combinations(arms, 2):
        assert abs(correlation(arms[one], arms[other])) < 0.03, (one, other)


def correlation(one: list[bool], other: list[bool]) -> float:
    """Pearson's, of two lists of flags."""
    count = len(one)
    mean_one, mean_other = sum(one) / count, sum(other) / count
    together = sum(a and b for a, b in zip(one, other, strict=True)) / count
    spread = math.sqrt(mean_one * (1 - mean_one) * mean_other * (1 - mean_other))
    return (together - mean_one * mean_other) / spread


def test_nobody_and_everybody_are_possible_shares() -> None:
    assert not any(in_control("salt", 0.0, shopper) for shopper in SHOPPERS[:1000])
    assert all(in_trial("salt", "wine", 1.0, shopper) for shopper in SHOPPERS[:1000])
    assert not any(in_trial("salt", "wine", 0.0, shopper) for shopper in SHOPPERS[:1000])


def test_separators_keep_names_apart() -> None:
    assert position("a", "b", "c") != position("ab", "", "c") != position("a", "bc", "")
