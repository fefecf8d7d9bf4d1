"""Crowd figures: nothing about one person, also not by subtracting two of them."""

from __future__ import annotations

from gateway.shoppers.crowd import PERIOD_S, Crowd, Figure, K

HIDDEN = Figure(None, K)


def test_below_k_only_fewer_than_k_is_told() -> None:
    assert Crowd().figures({"wine": 14, "bread": 0}, 0.0) == {"wine": HIDDEN, "bread": HIDDEN}


def test_from_k_on_the_figure_is_rounded_down_to_steps_of_k() -> None:
    assert Crowd().figures({"wine": 15, "bread": 44}, 0.0) == {"wine": Figure(15, None), "bread": Figure(30, None)}


def test_one_person_more_or_less_never_shows() -> None:
    crowd = Crowd()
    crowd.figures({"wine": 29}, 0.0)
    told = [crowd.figures({"wine": count}, period * PERIOD_S)["wine"] for period, count in enumerate((30, 29, 31, 30), 1)]
    assert told == [Figure(15, None)] * 4


def test_a_figure_changes_when_k_people_came() -> None:
    crowd = Crowd()
    crowd.figures({"wine": 20}, 0.0)
    assert crowd.figures({"wine": 34}, PERIOD_S)["wine"] == Figure(15, None)
    assert crowd.figures({"wine": 35}, 2 * PERIOD_S)["wine"] == Figure(30, None)


def test_within_a_period_nothing_changes() -> None:
    crowd = Crowd()
    before = crowd.figures({"wine": 20}, 0.0)
    assert crowd.figures({"wine": 80}, PERIOD_S - 1) == before


def test_a_zone_that_fell_below_k_comes_back_k_above_its_lowest() -> None:
    crowd = Crowd()
    counts = (15, 14, 15, 28, 29, 3, 17, 18)
    told = [crowd.figures({"wine": count}, period * PERIOD_S)["wine"].count for period, count in enumerate(counts)]
    assert told == [15, None, None, None, 15, None, None, 15]


def test_no_zone_below_k_ever_has_a_number() -> None:
    crowd = Crowd()
    for period in range(400):
        count = (period * 7919) % 40
        figure = crowd.figures({"wine": count}, period * PERIOD_S)["wine"]
        assert figure.count is None or (count >= K and figure.count <= count + K)
