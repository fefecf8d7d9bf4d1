"""A small shop of three rooms in a row, each with a scanner in its middle, and the readings somebody in it would cause."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from gateway.model import Move, Sighting
from gateway.zones.plan import StorePlan, parse_plan
from gateway.zones.tracker import Tracker

ROOMS = ("bread", "wine", "fish")


@pytest.fixture
def plan() -> StorePlan:
    return parse_plan(
        {
            "store": "three-rooms",
            "zones": [
                {"id": room, "polygon": [[8 * i, 0], [8 * i + 8, 0], [8 * i + 8, 8], [8 * i, 8]]} for i, room in enumerate(ROOMS)
            ],
            "scanners": [{"id": f"sc-{room}", "zone": room, "at": [8 * i + 4, 4]} for i, room in enumerate(ROOMS)],
        }
    )


@pytest.fixture
def readings() -> Callable[..., list[Sighting]]:
    """Readings of a shopper who stands at a point: two a second at each scanner that isn't silent, by plain path loss and noise."""

    def made(
        at: tuple[float, float],
        from_s: float,
        to_s: float,
        shopper: str = "s-1",
        silent: Sequence[str] = (),
        offset_db: float = 0.0,
        seed: int = 1,
    ) -> list[Sighting]:
        rng = np.random.default_rng(seed)
        result = []
        for at_s in np.arange(from_s, to_s, 0.5):
            for i, room in enumerate(ROOMS):
                if f"sc-{room}" in silent:
                    continue
                distance = np.hypot(at[0] - 8 * i - 4, np.hypot(at[1] - 4, 1.2))
                level = -59 + offset_db - 20 * np.log10(distance) + rng.normal(0, 2)
                result.append(Sighting(float(at_s), shopper, f"sc-{room}", round(level)))
        return result

    return made


@pytest.fixture
def feed() -> Callable[[Tracker, Sequence[Sighting]], list[Move]]:
    def fed(tracker: Tracker, sightings: Sequence[Sighting]) -> list[Move]:
        return [move for sighting in sightings for move in tracker.see(sighting)]

    return fed
