"""BlueZ's rules, as they were measured on the real one."""

from __future__ import annotations

import pytest

from tests.support.bluez_radio import Radio, Told

BEACON = bytes.fromhex("4c000215") + bytes(21)
OTHER = bytes.fromhex("e0000102")
PATTERNS = [bytes.fromhex("4c000215")]
ALL: dict[str, object] = {"DuplicateData": True, "RSSI": -127}


def told(radio: Radio, seconds: float = 60.0, hz: float = 10.0, step_db: int = 3) -> float:
    """The share of one beacon's packets of which the application learns, with an RSSI that goes up and down by `step_db`."""
    packets = int(seconds * hz)
    answers = [radio.hear("C0:00:00:00:00:01", -60 - step_db * (i % 2), BEACON, i / hz) for i in range(packets)]
    return sum(answer is not Told.NOTHING for answer in answers) / packets


def scanning(*, discovery: dict[str, object] | None = None, monitor: bool = False, newer: bool = False) -> Radio:
    radio = Radio(newer=newer)
    if discovery is not None:
        radio.discovery_begins(":1.1", discovery, 0.0)
    if monitor:
        radio.monitors[":1.1", "/m"] = PATTERNS
    return radio


def test_nothing_is_heard_without_a_scan() -> None:
    assert told(Radio()) == 0


def test_a_discovery_alone_hears_each_beacon_once_a_scan_whatever_it_asks_for() -> None:
    assert told(scanning(discovery={"DuplicateData": True})) == pytest.approx(5 / 600)
    assert 0 < told(scanning(discovery={})) <= 5 / 600


def test_a_monitor_alone_hears_only_steps_of_8_db() -> None:
    assert told(scanning(monitor=True), step_db=7) == pytest.approx(1 / 600)
    assert told(scanning(monitor=True), step_db=8) == 1.0


def test_a_monitor_and_a_discovery_for_duplicates_hear_everything() -> None:
    assert told(scanning(discovery=ALL, monitor=True)) == 1.0


def test_newer_versions_need_an_rssi_limit_beside_the_wish_for_duplicates() -> None:
    assert told(scanning(discovery={"DuplicateData": True}, monitor=True)) == 1.0
    assert told(scanning(discovery={"DuplicateData": True}, monitor=True, newer=True)) < 0.01
    assert told(scanning(discovery=ALL, monitor=True, newer=True)) == 1.0


def test_a_discovery_hears_nothing_in_its_pause() -> None:
    radio = scanning(discovery=ALL)
    assert radio.hear("C0:00:00:00:00:01", -60, BEACON, 9.9) is Told.NEW
    assert radio.hear("C0:00:00:00:00:02", -60, BEACON, 10.1) is Told.NOTHING
    assert radio.hear("C0:00:00:00:00:02", -60, BEACON, 14.1) is Told.NEW


def test_a_monitor_alone_passes_over_what_does_not_match() -> None:
    assert scanning(monitor=True).hear("C0:00:00:00:00:01", -60, OTHER, 0.0) is Told.NOTHING
    assert scanning(monitor=True, discovery={}).hear("C0:00:00:00:00:01", -60, OTHER, 0.0) is Told.NEW


def test_new_data_is_told_at_any_strength() -> None:
    radio = scanning(monitor=True)
    radio.hear("C0:00:00:00:00:01", -60, BEACON, 0.0)
    assert radio.hear("C0:00:00:00:00:01", -60, BEACON + b"\x01", 0.1) is Told.CHANGED


def test_power_off_ends_discoveries_and_keeps_monitors() -> None:
    radio = scanning(discovery=ALL, monitor=True)
    radio.powered = False
    radio.scans_end()
    assert told(radio) == 0
    radio.powered = True
    assert not radio.discoveries
    assert told(radio, step_db=8) == 1.0


def test_a_device_that_is_silent_for_half_a_minute_is_forgotten_and_new_again() -> None:
    radio = scanning(discovery=ALL, monitor=True)
    radio.hear("C0:00:00:00:00:01", -60, BEACON, 0.0)
    assert radio.forgotten(30.0) == []
    assert radio.forgotten(30.1) == ["C0:00:00:00:00:01"]
    assert radio.hear("C0:00:00:00:00:01", -60, BEACON, 31.0) is Told.NEW
