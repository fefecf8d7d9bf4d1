"""Distances and bearings: two more quantities that say where somebody is."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from gateway.model import RSSI_MISSING_DBM, Measurement, Quantity, Sighting
from gateway.zones.plan import StorePlan
from gateway.zones.tracker import Tracker, make_tracker

FISH, WINE = (20.0, 3.0), (13.0, 6.0)


def measured(
    plan: StorePlan, at: tuple[float, float], quantity: Quantity, scanners: Sequence[str], seconds: int = 8
) -> list[Sighting]:
    """What scanners measure without noise of somebody who stands at a point; no level."""
    result = []
    for second in range(seconds):
        for scanner in plan.scanners:
            if scanner.at is None or scanner.id not in scanners:
                continue
            x, y = at[0] - scanner.at[0], at[1] - scanner.at[1]
            value = math.hypot(x, y, 1.2) if quantity is Quantity.DISTANCE else math.degrees(math.atan2(y, x))
            one = Measurement(quantity, value, 1.0 if quantity is Quantity.DISTANCE else 10.0)
            result.append(Sighting(second + 0.1, "s-1", scanner.id, RSSI_MISSING_DBM, (one,)))
    return result


def zone_of(tracker: Tracker, sightings: Sequence[Sighting]) -> str | None:
    for sighting in sightings:
        tracker.see(sighting)
    return tracker.present()[0].zone


@pytest.mark.parametrize("at", [FISH, WINE])
@pytest.mark.parametrize("quantity", list(Quantity))
def test_distances_or_bearings_alone_say_in_which_zone_somebody_is(
    plan: StorePlan, at: tuple[float, float], quantity: Quantity
) -> None:
    everywhere = [scanner.id for scanner in plan.scanners]
    assert zone_of(make_tracker(plan), measured(plan, at, quantity, everywhere)) == ("fish" if at == FISH else "wine")


def test_a_distance_corrects_what_a_level_alone_would_say(plan: StorePlan) -> None:
    loud = [Sighting(second + 0.2, "s-1", f"sc-{room}", -62) for second in range(8) for room in ("wine", "fish", "bread")]
    both = sorted([*loud, *measured(plan, FISH, Quantity.DISTANCE, ["sc-wine", "sc-fish", "sc-bread"])])
    assert zone_of(make_tracker(plan), both) == "fish"


def test_a_reading_with_neither_level_nor_measurement_is_skipped(plan: StorePlan) -> None:
    tracker = make_tracker(plan)
    tracker.see(Sighting(1.0, "s-1", "sc-wine", RSSI_MISSING_DBM))
    assert tracker.skipped == {"impossible RSSI": 1}
    assert tracker.present() == []


def test_who_is_forgotten_leaves_no_measurement_behind(plan: StorePlan) -> None:
    tracker = make_tracker(plan)
    for sighting in measured(plan, FISH, Quantity.DISTANCE, ["sc-fish"], seconds=1):
        tracker.see(sighting)
    tracker.forget("s-1")
    assert list(tracker.tick(5.0)) == []
    assert tracker.present() == []
