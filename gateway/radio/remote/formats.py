"""The table of formats: which topic, where the receptions are in the message, and how one is read. Pure.

`items` finds the receptions in a decoded message, `heard` reads one. Both may raise any of BAD on bytes that aren't what they
should be: the caller counts and skips, one reception at a time. What is a proper message but no iBeacon is None.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from gateway.radio.frames import Frame
from gateway.radio.mgmt_protocol import apple_payload

BAD = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, binascii.Error)
RSSI_DBM = range(-127, 21)
MEASURED_POWER_UNKNOWN_DBM = 0
"""Nothing in the product reads the measured power; formats that leave it out get this."""


class Heard(NamedTuple):
    """One reception as another scanner reports it."""

    name: str
    """The scanner, by the name it gives itself."""
    at_s: float | None
    """By the scanner's own clock; None: it doesn't say, the moment of arrival counts."""
    rssi_dbm: int
    payload: bytes


class Format(NamedTuple):
    """One format: the usual topic filter, and how a message is taken apart."""

    filter: str
    items: Callable[[list[str], Any], Iterable[Any]]
    heard: Callable[[list[str], Any], Heard | None]


def _whole(_levels: list[str], document: Any) -> Iterable[Any]:
    """The message is one reception."""
    return (document,)


def _frame(uuid: str, major: Any, minor: Any, power: Any = MEASURED_POWER_UNKNOWN_DBM) -> bytes:
    return Frame(uuid, int(major), int(minor), max(-128, min(int(power), 127))).payload()


def _rssi(value: Any) -> int:
    rssi_dbm: int = round(value)
    if rssi_dbm not in RSSI_DBM:
        raise ValueError("rssi out of range")
    return rssi_dbm


# ---- ESPresense: espresense/devices/<id>/<node>, id "iBeacon:<uuid>-<major>-<minor>" ---------------------------------------


def _espresense(levels: list[str], item: Any) -> Heard | None:
    kind, _, numbers = str(item["id"]).partition(":")
    if kind.lower() != "ibeacon":
        return None
    uuid, major, minor = numbers.rsplit("-", 2)
    power = item.get("rssi@1m", MEASURED_POWER_UNKNOWN_DBM)
    return Heard(levels[-1], None, _rssi(item["rssi"]), _frame(uuid, major, minor, power))


# ---- Theengs gateway, OpenMQTTGateway: home/<gateway>/BTtoMQTT/<address> ---------------------------------------------------


def _theengs(levels: list[str], item: Any) -> Heard | None:
    if item.get("model_id") != "IBEACON":
        return None
    power = item.get("txpower", MEASURED_POWER_UNKNOWN_DBM)
    return Heard(levels[-3], None, _rssi(item["rssi"]), _frame(item["uuid"], item["major"], item["minor"], power))


# ---- Minew G1, MG3, MG4: one array, the gateway itself first ---------------------------------------------------------------


def _minew_items(_levels: list[str], document: Any) -> Iterator[Any]:
    gateway = next(one["mac"] for one in document if one["type"] == "Gateway")
    return ((gateway, one) for one in document if one.get("type") == "iBeacon")


def _minew(_levels: list[str], item: Any) -> Heard | None:
    gateway, one = item
    at_s = datetime.fromisoformat(one["timestamp"]).timestamp()
    power = one.get("ibeaconTxPower", MEASURED_POWER_UNKNOWN_DBM)
    payload = _frame(one["ibeaconUuid"], one["ibeaconMajor"], one["ibeaconMinor"], power)
    return Heard(str(gateway), at_s, _rssi(one["rssi"]), payload)


# ---- Shelly generation 2 and later, script with BLE.Scanner: <device>/events/rpc -------------------------------------------


def _shelly_items(_levels: list[str], document: Any) -> Iterator[Any]:
    for event in document["params"]["events"]:
        if event["event"] != "ble.scan_result":
            continue
        version, *rest = event["data"]
        yield from ((document["src"], one) for one in (rest[0] if version == 2 else [rest]))


def _shelly(_levels: list[str], item: Any) -> Heard | None:
    device, (_address, rssi, advertised, *_response) = item
    data = base64.b64decode(advertised, validate=True)
    payload = apple_payload(data, 0, len(data))
    return None if payload is None else Heard(str(device), None, _rssi(rssi), payload)


# ---- reelyActive raddec: one transmission, heard by several receivers ------------------------------------------------------

_LINK_LAYER_HEADER_BYTES = 8
"""Two bytes of header and the sender's address come before the advertising data."""


def _raddec_items(_levels: list[str], document: Any) -> Iterator[Any]:
    packet = bytes.fromhex(document["packets"][-1])
    at_s = document["timestamp"] / 1000
    return ((one, packet, at_s) for one in document["rssiSignature"])


def _raddec(_levels: list[str], item: Any) -> Heard | None:
    one, packet, at_s = item
    payload = apple_payload(packet, _LINK_LAYER_HEADER_BYTES, len(packet))
    return None if payload is None else Heard(str(one["receiverId"]), at_s, _rssi(one["rssi"]), payload)


FORMATS: dict[str, Format] = {
    "espresense": Format("espresense/devices/+/+", _whole, _espresense),
    "theengs": Format("home/+/BTtoMQTT/+", _whole, _theengs),
    "minew": Format("/gw/+/status", _minew_items, _minew),
    "shelly": Format("+/events/rpc", _shelly_items, _shelly),
    "raddec": Format("paretoanywhere/devices/+/+/raddec", _raddec_items, _raddec),
}
