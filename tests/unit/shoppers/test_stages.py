"""Stages, with their reasons and their hysteresis."""

from __future__ import annotations

import pytest

from gateway.shoppers.stages import NEEDS, STAGES, THRESHOLDS_VERSION, follow, set_by_hand, stage_of, start


def signals(visits: int = 0, engagements: int = 0, reviews: int = 0, shares: int = 0, purchases: int = 0) -> dict[str, int]:
    counted = {"visits_90d": visits, "engagements_90d": engagements, "purchases_90d": purchases}
    return counted | {"reviews_365d": reviews, "shares_365d": shares}


@pytest.mark.parametrize(
    ("seen", "stage"),
    [
        (signals(), "new"),
        (signals(visits=1), "new"),
        (signals(visits=2), "returning"),
        (signals(visits=6), "regular"),
        (signals(visits=4, purchases=4), "regular"),
        (signals(visits=4, engagements=3), "engaged"),
        (signals(visits=6, engagements=6, reviews=1), "fan"),
        (signals(visits=4, engagements=4, shares=3), "ambassador"),
    ],
)
def test_signals_lead_to_their_stage(seen: dict[str, int], stage: str) -> None:
    assert stage_of("new", seen) == stage


def test_a_change_carries_its_reason_and_the_thresholds_version() -> None:
    after = follow(start(0.0), signals(visits=2), 100.0)
    assert (after.stage, after.since_s) == ("returning", 100.0)
    assert after.reason == {
        "thresholds": THRESHOLDS_VERSION,
        "from": "new",
        "signals": {"visits_90d": {"seen": 2, "needed": 2}},
    }


def test_going_down_names_what_is_no_longer_met() -> None:
    regular = follow(start(0.0), signals(visits=6), 1.0)
    after = follow(regular, signals(visits=3), 2.0)
    assert after.stage == "returning"
    assert after.reason["signals"] == {"visits_90d": {"seen": 3, "needed": 4}}


def test_to_stay_takes_less_than_to_reach() -> None:
    regular = follow(start(0.0), signals(visits=6), 1.0)
    assert follow(regular, signals(visits=5), 2.0) is regular
    assert follow(regular, signals(visits=4), 2.0) is regular
    assert stage_of("new", signals(visits=4)) == "returning"


def test_a_stage_set_by_hand_stays_whatever_the_signals_say() -> None:
    standing = set_by_hand("ambassador", "anna", 5.0)
    assert follow(standing, signals(), 6.0) is standing
    assert standing.reason["by_hand"] == "anna"


def test_an_unknown_stage_is_refused_with_the_stages_there_are() -> None:
    with pytest.raises(ValueError, match="new, returning, regular"):
        set_by_hand("vip", "anna", 5.0)


def test_no_stage_is_easier_to_reach_than_to_keep() -> None:
    assert set(NEEDS) == set(STAGES[1:])
    assert all(1 <= need.stay <= need.reach for ways in NEEDS.values() for way in ways for need in way)


def test_every_stage_can_be_reached_without_telling_of_purchases() -> None:
    assert all("purchases_90d" not in {need.signal for need in ways[0]} for ways in NEEDS.values())
