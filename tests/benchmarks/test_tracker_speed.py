"""What the zone tracker costs: per sighting, as a ratio to a plain Python floor in the same run, and as a share of this core."""

from __future__ import annotations

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from gateway.model import Sighting
from gateway.zones.plan import load_plan
from gateway.zones.tracker import Tracker, make_tracker
from tests.support.supermarket import PLAN_FILE

PLAN = load_plan(PLAN_FILE)
SHOPPERS, SECONDS = 300, 30
MOST_PER_SIGHTING_S = 10e-6
MOST_OF_CORE = 0.10


@pytest.fixture(scope="module")
def stream() -> list[Sighting]:
    """Half a minute of 300 shoppers, each heard by each of 12 scanners once a second: long enough to learn from some."""
    rng = np.random.default_rng(1)
    level = rng.integers(-90, -55, (SHOPPERS, len(PLAN.scanners)))
    noise = rng.integers(-4, 5, (SECONDS, SHOPPERS, len(PLAN.scanners)))
    return [
        Sighting(second + column / 12, f"s-{shopper}", scanner.id, int(level[shopper, column] + noise[second, shopper, column]))
        for second in range(SECONDS)
        for column, scanner in enumerate(PLAN.scanners)
        for shopper in range(SHOPPERS)
    ]


def floor(stream: list[Sighting]) -> dict[str, str]:
    """What no tracker can do without: look up scanner and shopper, keep the strongest."""
    zone_of = {scanner.id: scanner.zone or "" for scanner in PLAN.scanners}
    best: dict[str, tuple[int, str]] = {}
    for sighting in stream:
        zone = zone_of[sighting.scanner]
        held = best.get(sighting.shopper)
        if held is None or sighting.rssi_dbm > held[0]:
            best[sighting.shopper] = (sighting.rssi_dbm, zone)
    return {shopper: zone for shopper, (_, zone) in best.items()}


def follow(stream: list[Sighting]) -> Tracker:
    tracker = make_tracker(PLAN)
    for sighting in stream:
        tracker.see(sighting)
    return tracker


def test_the_floor(benchmark: BenchmarkFixture, stream: list[Sighting]) -> None:
    assert len(benchmark(floor, stream)) == SHOPPERS


def test_300_shoppers_and_12_scanners_at_1_hz(benchmark: BenchmarkFixture, stream: list[Sighting]) -> None:
    tracker = benchmark(follow, stream)
    assert len(tracker.present()) == SHOPPERS
    if benchmark.stats is not None:
        took_s = benchmark.stats.stats.min
        benchmark.extra_info["us_per_sighting"] = round(took_s / len(stream) * 1e6, 2)
        benchmark.extra_info["share_of_core"] = round(took_s / SECONDS, 4)
        assert took_s / len(stream) <= MOST_PER_SIGHTING_S
        assert took_s / SECONDS <= MOST_OF_CORE
