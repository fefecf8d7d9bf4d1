"""Does "Where should the scanners go?" tell the truth? Random layouts, what is expected of each zone, and what the simulator shows.

`python -m tests.accuracy.advice [LAYOUTS]` prints both for each zone, and their rank correlation (Spearman 1904).
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: its threads spin where cores are shared

import sys
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from firmware_sim.world import World
from gateway.model import Move, MoveEvent, Sighting
from gateway.radio.frames import beacon_id
from gateway.zones.advice import advise
from gateway.zones.plan import StorePlan, parse_plan
from gateway.zones.tracker import make_tracker

LAYOUTS = 20
WORLDS = 4
"""What is expected is a mean over shadows that nobody knows beforehand, so the simulator draws them anew so many times."""
SHOPPERS, LASTS_S, WARM_UP_S = 8, 200.0, 20.0
LEAST_S = 120.0
"""Zones that were walked for less are too uncertain to be ranked."""
GOAL = 0.8
"""Rank correlation of expected and simulated shares."""


def layout(seed: int) -> StorePlan:
    """A random shop: a hall cut into two or three rows of zones of all sizes, and two to seven scanners anywhere in it."""
    rng = np.random.default_rng(seed)
    width, depth = rng.uniform(10, 24), rng.uniform(8, 16)
    zones = []
    rows = np.linspace(0, depth, int(rng.integers(2, 4)) + 1)
    for row, (low, high) in enumerate(pairwise(rows)):
        inner = np.sort(rng.uniform(0.15, 0.85, int(rng.integers(1, 3)))) * width
        edges = np.array([0.0, *inner, width])
        for column, (left, right) in enumerate(pairwise(edges)):
            if right - left > 1.5:
                ring = [[left + 0.1, low + 0.1], [right - 0.1, low + 0.1], [right - 0.1, high - 0.1], [left + 0.1, high - 0.1]]
                zones.append({"id": f"z{row}{column}", "polygon": np.round(ring, 2).tolist()})
    count = int(rng.integers(2, 8))
    places = rng.uniform((0.3, 0.3), (width - 0.3, depth - 0.3), (count, 2))
    scanners = [{"id": f"s{number}", "at": np.round(at, 2).tolist()} for number, at in enumerate(places)]
    return parse_plan({"store": f"layout-{seed}", "zones": zones, "scanners": scanners})


def simulated(plan: StorePlan, seed: int) -> dict[str, float]:
    """Return the share of the time in each zone that the tracker was right about, as people walk through the simulated shop."""
    right_s, true_s = dict.fromkeys(plan.zone_ids, 0.0), dict.fromkeys(plan.zone_ids, 0.0)
    for number in range(WORLDS):
        world = World(plan, SHOPPERS, seed * WORLDS + number, away_s=(5.0, 20.0))
        who = {beacon.packed(): shopper for shopper, beacon in world.beacons.items()}
        tracker = make_tracker(plan)
        moves: list[Move] = []
        for heard in world.advance(LASTS_S):
            shopper = who[beacon_id(heard.payload) or b""]
            moves += tracker.see(Sighting(heard.at_s, shopper, heard.scanner, heard.rssi_dbm))
        for stay in world.ground_truth():
            said = _said(moves, stay.shopper)
            for at_s in np.arange(max(stay.start_s, WARM_UP_S), stay.end_s, 0.5):
                true_s[stay.zone] += 0.5
                right_s[stay.zone] += 0.5 * (said(float(at_s)) == stay.zone)
    return {zone: right_s[zone] / true_s[zone] for zone in plan.zone_ids if true_s[zone] >= LEAST_S}


class _said:  # noqa: N801  # a function with a memory
    """Tells which zone the tracker said a shopper was in."""

    def __init__(self, moves: Sequence[Move], shopper: str) -> None:
        own = [move for move in moves if move.shopper == shopper and move.event in (MoveEvent.ENTER, MoveEvent.EXIT)]
        self._times = np.array([move.at_s for move in own])
        self._zones = [move.zone if move.event is MoveEvent.ENTER else None for move in own]

    def __call__(self, at_s: float) -> str | None:
        index = int(np.searchsorted(self._times, at_s, side="right")) - 1
        return self._zones[index] if index >= 0 else None


def rank_correlation(one: Sequence[float], other: Sequence[float]) -> float:
    """Return Spearman's rank correlation, ties at their middle rank."""
    return float(np.corrcoef(_ranks(one), _ranks(other))[0, 1])


def _ranks(values: Sequence[float]) -> NDArray[np.float64]:
    found = np.asarray(values)
    return np.array([(found < value).sum() + 0.5 * (found == value).sum() for value in found])


def main(layouts: int) -> float:
    """Print expected and simulated shares zone by zone; return their rank correlation."""
    pairs: list[tuple[float, float]] = []
    for seed in range(layouts):
        plan = layout(seed)
        seen, advice = simulated(plan, seed), advise(plan)
        rows = [(zone.right, seen[zone.zone]) for zone in advice.zones if zone.zone in seen]
        pairs += rows
        listed = "  ".join(f"{expected:.0%}/{shown:.0%}" for expected, shown in rows)
        print(f"layout {seed:2d}, {len(plan.scanners)} scanners: expected/simulated {listed}", flush=True)
    rho = rank_correlation(*zip(*pairs, strict=True))
    print(f"rank correlation of {len(pairs)} zones: {rho:.2f} (goal {GOAL})")
    return rho


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else LAYOUTS)
