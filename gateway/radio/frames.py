"""iBeacon frames: bytes from the air in, a beacon id out. Pure; what is no iBeacon is None, never an exception.

The payload is Apple's manufacturer data without the company id 0x004c:

    02 15 | uuid, 16 bytes | major, 2, big endian | minor, 2, big endian | measured power at 1 m, 1, signed dBm

(Apple, Proximity Beacon Specification R1, 2015). Some firmware adds bytes after the power (battery level): they are
ignored.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.wire_values import RSSI_LEAST_DBM, RSSI_MOST_DBM

APPLE_COMPANY_ID = 0x004C
IBEACON_PREFIX = b"\x02\x15"
"""Type 0x02, and the length 0x15 of what follows."""
FRAME_BYTES = 23
BEACON_ID_BYTES = 20
RSSI_RANGE_DBM = range(RSSI_LEAST_DBM, RSSI_MOST_DBM + 1)
"""What HCI can report; 127 means "not available"."""
IBEACON_FIELD = b"\xff\x4c\x00" + IBEACON_PREFIX
"""How the field of an iBeacon begins in advertising data: manufacturer data, Apple, the prefix."""
_FIELD_BYTES = 1 + 1 + 2 + FRAME_BYTES
"""Its length byte, type, company id and frame."""


def ibeacon_payload(data: bytes, start: int = 0, end: int | None = None) -> bytes | None:
    """Return the iBeacon payload in advertising data `data[start:end]`, whichever of its fields it is; None: there is none.

    Advertising data is a row of fields: length, type, value. A field that reaches past the end makes the rest unreadable.
    """
    end = len(data) if end is None else end
    if data.find(IBEACON_FIELD, start, end) < 0:  # one search in C rejects nearly everything that is on the air
        return None
    while start < end:
        after = start + 1 + data[start]
        if after > end:
            return None
        if data[start + 1 : start + 6] == IBEACON_FIELD and after - start >= _FIELD_BYTES:
            return data[start + 4 : after]
        start = after
    return None


def beacon_id(payload: bytes) -> bytes | None:
    """Return the 20 bytes uuid + major + minor of an iBeacon payload; None for everything else. The hottest line of the product."""
    return payload[2:22] if payload[:2] == b"\x02\x15" and len(payload) >= 23 else None


def beacon_id_of(uuid: str, major: int, minor: int) -> bytes:
    """Return the beacon id of a uuid (32 hex digits, dashes allowed), major and minor. Raises ValueError."""
    return uuid_bytes(uuid) + _two_bytes(major, "major") + _two_bytes(minor, "minor")


def uuid_bytes(uuid: str) -> bytes:
    """Return a uuid as 16 bytes; 32 hex digits, dashes allowed. Raises ValueError."""
    digits = uuid.replace("-", "")
    try:
        raw = bytes.fromhex(digits)
    except ValueError:
        raw = b""
    if len(raw) != 16 or len(digits) != 32:
        raise ValueError(f"uuid {uuid!r} must be 32 hex digits")
    return raw


def _two_bytes(number: int, name: str) -> bytes:
    if not 0 <= number <= 0xFFFF:
        raise ValueError(f"{name} {number} must lie between 0 and 65535")
    return number.to_bytes(2, "big")


@dataclass(frozen=True, slots=True)
class BeaconFrame:
    """An iBeacon frame taken apart, for people to read and for tools; the live path only needs `beacon_id`."""

    uuid: str
    """32 hex digits, lower case."""
    major: int
    minor: int
    measured_power_dbm: int
    """RSSI at one metre, as the beacon's owner set it."""

    def payload(self) -> bytes:
        """Return the bytes this frame has on the air."""
        power = self.measured_power_dbm.to_bytes(1, "big", signed=True)
        return IBEACON_PREFIX + beacon_id_of(self.uuid, self.major, self.minor) + power


def parse_frame(payload: bytes) -> BeaconFrame | None:
    """Return all fields of an iBeacon payload; None when it isn't one."""
    if beacon_id(payload) is None:
        return None
    return BeaconFrame(
        uuid=payload[2:18].hex(),
        major=int.from_bytes(payload[18:20], "big"),
        minor=int.from_bytes(payload[20:22], "big"),
        measured_power_dbm=int.from_bytes(payload[22:23], "big", signed=True),
    )
