"""What counts as a sign of life of a scanner, and what a scanner that gives none means for its zones."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.model import Sighting
from gateway.radio.remote import FORMATS, RemoteScanners
from gateway.radio.watchdog import ScannerState
from gateway.zones.plan import load_plan
from gateway.zones.tracker import make_tracker
from tests.support.shop import PLAN

NOW_S = 1_795_000_000.0
UUID = "e2c56db5-dffb-48d2-b060-d0f5a71096e0"


def scanners(names: dict[str, str]) -> RemoteScanners:
    """Every format, and a shop with these scanners."""
    return RemoteScanners("p", names.values(), others={kind: format.filter for kind, format in FORMATS.items()}, names=names)


def minew(at_s: float, *, ibeacon: bool) -> list[dict[str, Any]]:
    """A gateway's report: itself, another device, and perhaps an iBeacon."""
    stamp = datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    other = "0201060303E1FF0D16E1FFA10264000832A03F23AC"
    rows: list[dict[str, Any]] = [
        {"timestamp": stamp, "type": "Gateway", "mac": "AC233FC03164", "gatewayFree": 89, "gatewayLoad": 0.03},
        {"timestamp": stamp, "type": "Unknown", "mac": "D0", "bleName": "", "rssi": -79, "rawData": other},
    ]
    frame = {"ibeaconUuid": UUID.replace("-", ""), "ibeaconMajor": 1, "ibeaconMinor": 2, "rssi": -65}
    return [*rows, {"timestamp": stamp, "type": "iBeacon", "mac": "C0"} | frame] if ibeacon else rows


def espresense(_at_s: float, *, ibeacon: bool) -> dict[str, Any]:
    """One device, an iBeacon or not."""
    return (
        {"mac": "c0", "id": f"iBeacon:{UUID}-1-2", "rssi": -60} if ibeacon else {"mac": "d0", "id": "apple:1005:9-26", "rssi": -70}
    )


@pytest.mark.parametrize(
    ("topic", "name", "message"),
    [("/gw/x/status", "AC233FC03164", minew), ("espresense/devices/x/Wine Room", "Wine Room", espresense)],
)
def test_a_scanner_that_reports_every_second_is_not_deaf_for_want_of_ibeacons(topic: str, name: str, message: Any) -> None:
    listening = scanners({name: "wine"})
    for second in range(60):
        now_s = NOW_S + second
        listening.parse(topic, json.dumps(message(now_s, ibeacon=second < 10)).encode(), now_s)
        listening.tick(now_s)
    assert [one.state for one in listening.health()] == [ScannerState.HEARING]


def test_a_scanner_of_the_plan_that_never_spoke_is_listed() -> None:
    assert [one.scanner for one in scanners({"wine": "wine"}).health()] == ["wine"]


def test_a_scanner_of_the_plan_that_never_spoke_makes_its_zone_unknown(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN)
    tracker = make_tracker(load_plan(path))
    for number in range(600):
        at_s = NOW_S + number * 0.2
        tracker.see(Sighting(at_s, "s", "pi-1", -60))
        tracker.tick(at_s + 0.1)
    assert tracker.unknown_zones() == {"till"}
