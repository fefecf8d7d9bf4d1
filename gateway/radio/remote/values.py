"""Reads what scanners' messages carry, in whatever form it stands there: raw bytes, fields, numbers, times. Pure.

Every function raises one of BAD on a value that isn't what it should be.
"""

from __future__ import annotations

import binascii
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from gateway.radio.frames import IBEACON_PREFIX, RSSI_RANGE_DBM, beacon_id, ibeacon_payload, uuid_bytes
from gateway.wire_values import SECONDS_BELOW

BAD = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, binascii.Error)

UUID_KEYS, MAJOR_KEYS, MINOR_KEYS = (
    ("uuid", "ibeaconuuid", "proximityuuid"),
    ("major", "ibeaconmajor", "majorid"),
    ("minor", "ibeaconminor", "minorid"),
)
"""What makers call the three parts of a beacon id, in lower case and without underscores."""
TIME_KEYS = ("timestamp", "ts", "time")
KIND_KEYS = ("type", "model", "model_id", "id")
"""Where a message says that it is about an iBeacon."""
APPLE_HEX = "4c00"
RAW_DIGITS_MIN = 2 * (len(IBEACON_PREFIX) + 21)
"""Hex digits of the shortest iBeacon payload: a shorter text holds none."""
LINK_LAYER_BYTES = 8
"""Header and sender's address, which some gateways leave in front of the advertising data."""
MILLISECONDS_FROM, MICROSECONDS_FROM = SECONDS_BELOW, 1e14
"""A number of seconds beyond it would lie in the year 5138: it counts thousandths; and beyond the second, millionths."""

_ID_TEXT = re.compile(r"ibeacon:([0-9a-f-]{32,36})-(-?\d+)-(-?\d+)", re.IGNORECASE)


def payload_of(fields: Mapping[str, object], raw: Iterable[bytes], texts: Iterable[str]) -> bytes | None:
    """Return the iBeacon payload that one item of a message is about; None: it is about something else.

    `raw`: bytes that the format names; `texts`: where an id may stand if the item has none, like the topic. The item's own fields
    are searched for all three forms: raw bytes, the three parts of the id, and the id as one text.
    """
    nested = [fields, *(value for value in fields.values() if isinstance(value, Mapping))]
    payloads = (
        *map(_payload_in, (*raw, *(part for one in nested for part in _raw_in(one)))),
        *map(_payload_of_parts, nested),
        _payload_of_text((fields["id"],) if fields.get("id") else texts),
    )
    payload = next((payload for payload in payloads if payload is not None), None)
    if payload is None and any(_says_ibeacon(fields.get(key)) for key in KIND_KEYS):
        raise ValueError("says that it is an iBeacon, and has no readable id")
    return payload


def rssi_of(value: object) -> int:
    """Return a signal strength in whole dBm."""
    rssi_dbm = round(number(value))
    if rssi_dbm not in RSSI_RANGE_DBM:
        raise ValueError("rssi out of range")
    return rssi_dbm


def time_of(value: object) -> float | None:
    """Return a moment in epoch seconds, by the sender's clock: ISO 8601, or seconds, milliseconds, microseconds. None: no time.

    An ISO time without a zone is read as UTC: if it is local time, the sender's clock is off by the zone, and corrected as such.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str) and not _is_number(value):
        moment = datetime.fromisoformat(value.strip())
        return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).timestamp()
    at_s = number(value)
    return at_s / 1e6 if at_s >= MICROSECONDS_FROM else at_s / 1e3 if at_s >= MILLISECONDS_FROM else at_s


def time_in(fields: Mapping[str, object]) -> float | None:
    """Return the moment that an item says it happened; None: it doesn't say."""
    return next((time_of(fields[key]) for key in TIME_KEYS if fields.get(key) not in (None, "")), None)


def number(value: object) -> float:
    """Return a finite number, from a number or its text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError("not a number")
    found = float(value)
    if not math.isfinite(found):
        raise ValueError("not a finite number")
    return found


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _raw_in(fields: Mapping[str, object]) -> Iterator[bytes]:
    """Yield all raw bytes among an item's fields: whatever text is hex digits, and long enough to matter."""
    for value in fields.values():
        if isinstance(value, str) and len(value) >= RAW_DIGITS_MIN:
            try:
                yield bytes.fromhex(value)
            except ValueError:
                continue


def _payload_in(part: bytes) -> bytes | None:
    """Return the iBeacon payload in raw bytes: advertising data, the same behind a link-layer header, or manufacturer data."""
    payload = ibeacon_payload(part) or ibeacon_payload(part, LINK_LAYER_BYTES)
    if payload is None and part[:2].hex() == APPLE_HEX and beacon_id(part[2:]) is not None:
        payload = part[2:]
    return payload


def _payload_of_parts(fields: Mapping[str, object]) -> bytes | None:
    if str(fields.get("mfid", APPLE_HEX)).lower() != APPLE_HEX:
        return None
    plain = {key.lower().replace("_", ""): value for key, value in fields.items() if value is not None}
    uuid, major, minor = (next((plain[key] for key in keys if key in plain), None) for keys in (UUID_KEYS, MAJOR_KEYS, MINOR_KEYS))
    return None if uuid is None or major is None or minor is None else _payload(str(uuid), major, minor)


def _payload_of_text(texts: Iterable[object]) -> bytes | None:
    found = next((match for text in texts if (match := _ID_TEXT.fullmatch(str(text)))), None)
    return None if found is None else _payload(*found.groups())


def _payload(uuid: str, major: object, minor: object) -> bytes:
    """Return the payload of a beacon id. The measured power is zero: nothing in the product reads it."""
    return IBEACON_PREFIX + uuid_bytes(uuid) + _two_bytes(major) + _two_bytes(minor) + b"\0"


def _two_bytes(value: object) -> bytes:
    """Return major or minor; some decoders write the upper half of the numbers as negative ones."""
    whole = number(value)
    if not whole.is_integer() or not -0x8000 <= whole <= 0xFFFF:
        raise ValueError("not a number of 16 bits")
    return (int(whole) % 0x10000).to_bytes(2, "big")


def _says_ibeacon(value: object) -> bool:
    return isinstance(value, str) and value.lower().startswith("ibeacon")
