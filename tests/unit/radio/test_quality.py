"""A scanner's quality from what it hears."""

from __future__ import annotations

import random

import pytest

from gateway.radio.quality import WINDOW_S, QualityMeter

UUID = bytes(range(16))
INTERVAL_S = 0.2


def payload(minor: int, uuid: bytes = UUID) -> bytes:
    return b"\x02\x15" + uuid + b"\x00\x01" + minor.to_bytes(2, "big") + b"\xc5"


def listened(meter: QualityMeter, *, heard: float = 1.0, step_db: int = 0, beacons: int = 5, uuid: bytes = UUID) -> None:
    """One window of `beacons` at 5 Hz of which the share `heard` arrives; with `step_db` only changes of that size do."""
    rng = random.Random(3)
    meter.tick(1.0)
    told = dict.fromkeys(range(beacons), -60)
    for count in range(int(WINDOW_S / INTERVAL_S)):
        for minor in range(beacons):
            rssi_dbm = round(rng.gauss(-70, 4))
            if rng.random() > heard or abs(rssi_dbm - told[minor]) < step_db:
                continue
            told[minor] = rssi_dbm
            meter.hear(count * INTERVAL_S + rng.uniform(0, 0.01), payload(minor, uuid), rssi_dbm)
    meter.tick(1.0 + WINDOW_S)


def test_a_good_scanner_hears_nearly_all_in_small_steps() -> None:
    meter = QualityMeter(frozenset({UUID}))
    listened(meter)
    quality = meter.quality
    assert quality is not None
    assert quality.heard_share == pytest.approx(1.0, abs=0.05)
    assert quality.repeats_per_s == pytest.approx(5.0, rel=0.05)
    assert quality.large_steps is not None
    assert quality.large_steps < 0.3
    assert quality.fault is None


def test_a_filtered_scanner_is_known_by_its_large_steps() -> None:
    meter = QualityMeter(frozenset({UUID}), INTERVAL_S)
    listened(meter, step_db=8)
    assert meter.quality is not None
    assert meter.quality.large_steps == 1.0
    assert meter.quality.fault == "filtered"


@pytest.mark.parametrize("interval_s", [INTERVAL_S, None])
def test_a_scanner_that_misses_most_says_so_whether_the_interval_is_known_or_not(interval_s: float | None) -> None:
    meter = QualityMeter(frozenset({UUID}), interval_s)
    listened(meter, heard=0.3)
    assert meter.quality is not None
    assert meter.quality.heard_share == pytest.approx(0.3, abs=0.06)
    assert meter.quality.fault == "misses"


def test_strangers_beacons_are_not_looked_at() -> None:
    meter = QualityMeter(frozenset({UUID}))
    listened(meter, uuid=bytes(16))
    assert meter.quality is not None
    assert (meter.quality.beacons, meter.quality.heard_share, meter.quality.fault) == (0, None, None)


def test_at_most_sixteen_beacons_are_watched_and_forgotten_with_the_window() -> None:
    meter = QualityMeter(frozenset({UUID}))
    listened(meter, beacons=40)
    assert meter.quality is not None
    assert meter.quality.beacons == 16
    assert meter._watched == {}


def test_too_little_to_judge_is_none_not_a_number() -> None:
    meter = QualityMeter(frozenset({UUID}))
    meter.tick(1.0)
    meter.hear(2.0, payload(1), -60)
    meter.hear(2.0, payload(1), -70)
    meter.tick(1.0 + WINDOW_S)
    assert meter.quality is not None
    assert (meter.quality.heard_share, meter.quality.large_steps) == (None, None)
