"""Messages as other scanners publish them: one sample a format, each of one reception of one beacon."""

from __future__ import annotations

import base64
import json
from typing import Any

NOW_S = 1_795_000_000.0
UUID = "e2c56db5dffb48d2b060d0f5a71096e0"
DASHED = "e2c56db5-dffb-48d2-b060-d0f5a71096e0"
BEACON = bytes.fromhex(UUID + "00010002")
PAYLOAD = b"\x02\x15" + BEACON + b"\xc5"
AD = bytes([2, 1, 6, 26, 0xFF, 0x4C, 0]) + PAYLOAD
PREFIX = "etalage/v1/demo-chain/demo"
NAMES = {
    "Wine Room": "wine",
    "tms_1": "till",
    "AC233FC03164": "cheese",
    "shellyplus1-441793a3b0c4": "door",
    "001bc50940810000": "bread",
}

SAMPLES: dict[str, tuple[str, Any, str]] = {
    "espresense": (
        f"espresense/devices/iBeacon:{DASHED}-1-2/Wine Room",
        {
            "mac": "c00000000001", "id": f"iBeacon:{DASHED}-1-2", "disc": "iBeacon", "idType": 3, "rssi@1m": -59, "rssi": -71.4,
            "raw": 2.3, "distance": 2.1, "var": 0.02, "int": 1010,
        },
        "wine",
    ),
    "theengs": (
        "home/tms_1/BTtoMQTT/C00000000001",
        {
            "id": "C0:00:00:00:00:01", "mac_type": 1, "rssi": -71, "brand": "GENERIC", "model": "iBeacon", "model_id": "IBEACON",
            "type": "BCON", "mfid": "4c00", "uuid": UUID, "major": 1, "minor": 2, "txpower": -59,
        },
        "till",
    ),
    "minew": (
        "/gw/ac233fc03164/status",
        [
            {"timestamp": "2026-11-18T11:06:40Z", "type": "Gateway", "mac": "AC233FC03164", "gatewayFree": 97, "gatewayLoad": 0.1},
            {"timestamp": "2026-11-18T11:06:40Z", "type": "Unknown", "mac": "D00000000001", "rssi": -80, "rawData": "0201"},
            {
                "timestamp": "2026-11-18T11:06:40Z", "type": "iBeacon", "mac": "C00000000001", "bleName": "",
                "ibeaconUuid": UUID.upper(),
                "ibeaconMajor": 1, "ibeaconMinor": 2, "rssi": -71, "ibeaconTxPower": -59, "battery": 0,
            },
        ],
        "cheese",
    ),
    "shelly": (
        "shellyplus1-441793a3b0c4/events/rpc",
        {
            "src": "shellyplus1-441793a3b0c4", "dst": "shellyplus1-441793a3b0c4/events", "method": "NotifyEvent",
            "params": {"ts": NOW_S, "events": [
                {"component": "script:1", "id": 1, "event": "ble.scan_result", "ts": NOW_S,
                 "data": [2, [["c0:00:00:00:00:01", -71, base64.b64encode(AD).decode(), ""],
                              ["d0:00:00:00:00:01", -80, base64.b64encode(AD[:3]).decode(), ""]]]},
                {"component": "sys", "event": "ota_progress"},
            ]},
        },
        "door",
    ),
    "raddec": (
        "paretoanywhere/devices/c00000000001/3/raddec",
        {
            "transmitterId": "c00000000001", "transmitterIdType": 3, "timestamp": int(NOW_S * 1000),
            "rssiSignature": [
                {"receiverId": "001bc50940810000", "receiverIdType": 1, "rssi": -71, "numberOfDecodings": 1},
                {"receiverId": "001bc50940810099", "receiverIdType": 1, "rssi": -90, "numberOfDecodings": 1},
            ],
            "packets": [(b"\x42\x25" + bytes.fromhex("0100000000c0") + AD).hex()],
        },
        "bread",
    ),
}  # fmt: skip


def batch(**changes: Any) -> bytes:
    data = {"scanner": "pi-2", "sequence": 1, "readings": [[NOW_S - 0.5, BEACON.hex(), -71]], **changes}
    event = {"specversion": "1.0", "id": f"pi-2-{data['sequence']}", "source": "gw-2", "type": "etalage.sightings",
             "time": "2026-11-18T11:06:40Z", "data": data}  # fmt: skip
    return json.dumps(event).encode()
