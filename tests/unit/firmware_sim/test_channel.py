"""The radio channel: levels, shadows, bodies, fading and loss have the spreads they claim."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from firmware_sim.channel import Air, RadioChannel
from firmware_sim.scanners import Outage, Receivers
from gateway.zones.plan import load_plan
from tests.support.supermarket import PLAN_FILE

PLAN = load_plan(PLAN_FILE)
LOW, HIGH = np.array([0.0, 0.0]), np.array([32.0, 20.0])


def channel(air: Air, gain_db: float = 0.0) -> RadioChannel:
    rng = np.random.default_rng(3)
    return RadioChannel(PLAN, Receivers(PLAN, rng, gain_db, 0.0, ()), air, LOW, HIGH, rng)


def levels(
    air: Air, at: tuple[float, float], heading: float = 0.0, packets: int = 4000, moved_m: float = 10.0
) -> NDArray[np.float64]:
    """RSSI of many packets at the wine scanner, from one place; fades drawn anew for each."""
    ether = channel(air)
    scanner = [s.id for s in PLAN.scanners].index("sc-wine")
    result = []
    ether.drift(np.array([10.0]), 0.25)
    for _ in range(packets):
        ether.drift(np.array([moved_m]), 0.01)
        _, receiver, rssi = ether.receive(
            np.zeros(1, dtype=np.intp), np.zeros(1), np.array([at]), np.array([heading]), 10.0, np.ones(12, dtype=bool)
        )
        result += rssi[receiver == scanner].tolist()
    return np.array(result, dtype=float)


QUIET = Air(shadow_spread_db=0.0001, body_loss_db=0.0, rician_k=1e6, loss=0.0)


def test_level_falls_by_23_db_for_ten_times_the_distance() -> None:
    ether = channel(QUIET)
    scanner = [s.id for s in PLAN.scanners].index("sc-checkout")
    near, far = ether.mean_dbm(np.array([[18.0, 1.6], [6.0, 1.6]]))[:, scanner]
    expected = 23 * np.log10(np.hypot(12.0, 1.2) / 1.2)
    assert near - far == pytest.approx(expected, abs=1.0)


def test_a_third_of_the_receptions_is_lost() -> None:
    air = Air(shadow_spread_db=0.0001, body_loss_db=0.0, rician_k=1e6)
    assert len(levels(air, (10.7, 8.0), packets=3000)) / 3000 == pytest.approx(2 / 3, abs=0.04)


def test_turning_one_s_back_costs_8_db() -> None:
    air = Air(shadow_spread_db=0.0001, rician_k=1e6, loss=0.0)
    facing, turned = (levels(air, (9.0, 9.2), heading, packets=50).mean() for heading in (0.0, np.pi))
    assert facing - turned == pytest.approx(8.0, abs=0.5)


def test_fading_spreads_moving_phones_and_stays_with_a_standing_one() -> None:
    air = Air(shadow_spread_db=0.0001, body_loss_db=0.0, loss=0.0)
    moving = levels(air, (10.0, 9.0), packets=1500)
    assert 3.5 < moving.std() < 6.5
    standing = levels(air, (10.0, 9.0), packets=60, moved_m=0.0)
    assert standing.std() < moving.std()


def test_shadows_hang_in_space() -> None:
    field = channel(Air())
    at = np.column_stack([np.linspace(1, 31, 60), np.full(60, 14.0)])
    rest = field.mean_dbm(at) - channel(QUIET).mean_dbm(at)
    assert 2.5 < rest.std() < 5.5
    near = np.mean([np.corrcoef(rest[:-1, r], rest[1:, r])[0, 1] for r in range(12)])
    far = np.mean([np.corrcoef(rest[:-16, r], rest[16:, r])[0, 1] for r in range(12)])
    assert near > 0.8
    assert far < 0.4


def test_a_scanner_is_dead_only_during_its_outage() -> None:
    receivers = Receivers(PLAN, np.random.default_rng(1), 0.0, 0.0, (Outage("sc-wine", 10.0, 20.0),))
    wine = receivers.ids.index("sc-wine")
    assert [bool(receivers.alive(t)[wine]) for t in (9.9, 10.0, 19.9, 20.0)] == [True, False, False, True]
    assert receivers.alive(15.0).sum() == 11
