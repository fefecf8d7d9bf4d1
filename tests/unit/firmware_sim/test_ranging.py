from __future__ import annotations

import numpy as np
import pytest

from firmware_sim.ranging import Ranger, Ranging
from gateway.model import Measurement, Quantity

SCANNERS = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [50.0, 50.0]])
HERE = np.array([3.0, 4.0])


def drawn(ranging: Ranging, scanner: int, times: int = 400) -> list[Measurement]:
    ranger = Ranger(ranging, SCANNERS, 0.0, seed=1)
    return [one for _ in range(times) for one in ranger.measure(scanner, HERE)]


def test_a_simulated_distance_is_the_true_one_with_the_noise_that_it_claims() -> None:
    found = [one.value for one in drawn(Ranging(distance_sd_m=1.0), 0)]
    assert np.mean(found) == pytest.approx(5.0, abs=0.2)
    assert np.std(found) == pytest.approx(1.0, abs=0.15)


def test_a_simulated_bearing_leads_from_the_scanner_to_the_sender_counter_clockwise() -> None:
    found = drawn(Ranging(bearing_sd_deg=5.0), 1)
    assert {one.quantity for one in found} == {Quantity.BEARING}
    assert np.mean([one.value for one in found]) == pytest.approx(np.degrees(np.arctan2(4.0, -7.0)), abs=1.0)


def test_only_the_nearest_scanners_measure() -> None:
    assert drawn(Ranging(distance_sd_m=1.0, nearest=3), 3) == []
    assert len(drawn(Ranging(distance_sd_m=1.0, bearing_sd_deg=5.0), 2, times=1)) == 2
