"""The table of formats: which topic, and where each reception's parts stand in a message. Pure.

`items` takes a decoded message apart, `read` says where the parts of one item are; how a part is read is the same for all
(values.py). Both may raise any of BAD on what isn't what it should be: the caller counts and skips, one item at a time. An item
that is about no iBeacon is still a sign of life.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from gateway.radio.remote.values import LINK_LAYER_BYTES, time_in, time_of

Decoded = Any
"""What JSON held: reading what isn't there raises one of BAD, which the caller counts."""


class Item(NamedTuple):
    """One item of a message: mostly one reception."""

    names: tuple[str, ...]
    """What its scanner may be called, the most telling first."""
    fields: Mapping[str, object] = {}  # never changed
    rssi: object = None
    at_s: float | None = None
    """By the scanner's own clock; None: it doesn't say, the moment of arrival counts."""
    raw: tuple[bytes, ...] = ()
    scans: bool = True
    """False: nothing shows that the sender is a scanner at all."""


class Format(NamedTuple):
    """One format: the usual topic filter, and how a message is taken apart."""

    filter: str
    items: Callable[[list[str], object], Iterable[object]]
    read: Callable[[list[str], object], Item]


def _whole(_levels: list[str], document: Decoded) -> Iterable[object]:
    """Yield the message: it is one reception."""
    return (document,)


# ---- ESPresense: espresense/devices/<id>/<node>, id "iBeacon:<uuid>-<major>-<minor>" ---------------------------------------


def _espresense(levels: list[str], one: Decoded) -> Item:
    return Item((levels[-1],), one, one.get("rssi"), time_in(one))


# ---- Theengs gateway, OpenMQTTGateway: home/<gateway>/BTtoMQTT/<address> ---------------------------------------------------


def _theengs(levels: list[str], one: Decoded) -> Item:
    gateway = levels[levels.index("BTtoMQTT") - 1] if "BTtoMQTT" in levels else levels[-3]
    return Item((gateway,), one, one.get("rssi"), time_in(one))


# ---- Minew G1, MG3, MG4: one array, the gateway itself first ---------------------------------------------------------------


def _minew_items(levels: list[str], document: object) -> Iterator[object]:
    rows = document if isinstance(document, list) else [document]
    own = (row.get("mac") for row in rows if isinstance(row, dict) and row.get("type") == "Gateway")
    names = tuple(name for name in (*own, *levels[-2:-1]) if isinstance(name, str))
    return ((names, row) for row in rows)


def _minew(_levels: list[str], item: Decoded) -> Item:
    names, row = item
    return Item(names, row, row.get("rssi"), time_in(row))


# ---- Shelly generation 2 and later, script with BLE.Scanner: <device>/events/rpc -------------------------------------------


def _shelly_items(levels: list[str], document: Decoded) -> Iterator[object]:
    names = tuple(name for name in (document.get("src"), levels[0]) if isinstance(name, str))
    parameters = document.get("params") or {}
    yield names, None, None
    for event in parameters.get("events") or ():
        if event.get("event") == "ble.scan_result":
            version, *rest = event["data"]
            at_s = time_of(event.get("ts") or parameters.get("ts"))
            yield from ((names, at_s, one) for one in (rest[0] if version == 2 else [rest]))


def _shelly(_levels: list[str], item: Decoded) -> Item:
    names, at_s, one = item
    if one is None:
        return Item(names, scans=False)
    _address, rssi, *parts = one
    return Item(names, {}, rssi, at_s, tuple(base64.b64decode(part, validate=True) for part in parts if part))


# ---- reelyActive raddec: one transmission, heard by several receivers ------------------------------------------------------


def _raddec_items(_levels: list[str], document: Decoded) -> Iterator[object]:
    packets = tuple(packet[LINK_LAYER_BYTES:] for packet in map(_hex, document.get("packets") or ()) if packet)
    at_s = time_in(document)
    return ((one, packets, at_s) for one in document["rssiSignature"])


def _raddec(_levels: list[str], item: Decoded) -> Item:
    one, packets, at_s = item
    return Item((str(one["receiverId"]),), {}, one.get("rssi"), at_s, packets)


def _hex(text: str) -> bytes:
    """Return bytes, none at all where they can't be read: a raddec's other packets may tell."""
    try:
        return binascii.unhexlify(text)
    except (ValueError, TypeError):
        return b""


FORMATS: dict[str, Format] = {
    "espresense": Format("espresense/devices/+/+", _whole, _espresense),
    "theengs": Format("home/+/BTtoMQTT/+", _whole, _theengs),
    "minew": Format("/gw/+/status", _minew_items, _minew),
    "shelly": Format("+/events/rpc", _shelly_items, _shelly),
    "raddec": Format("paretoanywhere/devices/+/+/raddec", _raddec_items, _raddec),
}


def matches(pattern: str, topic: str) -> bool:
    """Return whether an MQTT topic filter takes a topic: `+` one level, `#` all the rest."""
    wanted, given = pattern.split("/"), topic.split("/")
    if wanted[-1] == "#":
        wanted = wanted[:-1]
        given = given[: len(wanted)]
    return len(wanted) == len(given) and all(one in ("+", level) for one, level in zip(wanted, given, strict=True))
