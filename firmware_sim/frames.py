"""What simulated tags and phones put on the air.

An encoder of our own, so that the gateway's decoder is never tested against itself.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

IBEACON_TYPE = b"\x02\x15"
"""Apple's subtype 0x02 with 0x15 = 21 bytes to follow."""
MEASURED_POWER_DBM = -59
"""What a phone claims to be heard at from one metre."""
STORE_UUID = bytes.fromhex("e2c56db5dffb48d2b060d0f5a71096e0")


class BeaconId(NamedTuple):
    """Who a tag or phone says it is."""

    uuid: bytes
    major: int
    minor: int

    def packed(self) -> bytes:
        """The 20 bytes uuid, major, minor as they stand in the frame."""
        return self.uuid + struct.pack(">HH", self.major, self.minor)

    def as_optin(self) -> dict[str, str | int]:
        """The beacon as an opt-ins file and an opt-in message write it."""
        return {"uuid": self.uuid.hex(), "major": self.major, "minor": self.minor}


def ibeacon(beacon: BeaconId, measured_power_dbm: int = MEASURED_POWER_DBM) -> bytes:
    """Apple manufacturer data (without the company id) of one iBeacon frame: 23 bytes."""
    return IBEACON_TYPE + beacon.packed() + struct.pack(">b", measured_power_dbm)


def find_my(seed: bytes) -> bytes:
    """Apple manufacturer data of a lost-and-found tag (subtype 0x12, 25 bytes): the commonest stranger in a shop."""
    return b"\x12\x19\x10" + (seed * 24)[:23] + b"\x00"


def nearby_info(seed: bytes) -> bytes:
    """Apple manufacturer data of an idle iPhone (subtype 0x10, 5 bytes)."""
    return b"\x10\x05" + (seed * 5)[:5]


def random_address(raw: int) -> str:
    """A resolvable-looking private address (top bits 01) from a 48-bit number."""
    raw = (raw & 0x3FFFFFFFFFFF) | 0x400000000000
    text = f"{raw:012X}"
    return ":".join(text[i : i + 2] for i in range(0, 12, 2))
