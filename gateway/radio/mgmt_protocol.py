"""The kernel's Bluetooth management protocol, as far as a scanner needs it: commands to bytes, bytes to events. Pure.

Source: mgmt-api.txt of BlueZ. Every packet: opcode or event code, controller index, length of what follows; all little
endian.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from gateway.radio.frames import ibeacon_payload

HEADER = struct.Struct("<HHH")
NO_INDEX = 0xFFFF

# Commands
READ_INDEX_LIST, READ_INFO, SET_POWERED, SET_LE = 0x0003, 0x0004, 0x0005, 0x000D
SET_DEFAULTS, ADD_PATTERNS_MONITOR, REMOVE_MONITOR = 0x004C, 0x0052, 0x0053

# Events
COMMAND_COMPLETE, COMMAND_STATUS, CONTROLLER_ERROR = 0x0001, 0x0002, 0x0003
INDEX_REMOVED, NEW_SETTINGS, DEVICE_FOUND = 0x0005, 0x0006, 0x0012
MONITOR_REMOVED, MONITOR_DEVICE_FOUND = 0x002C, 0x002F

ALL_MONITORS = b"\x00\x00"
"""The handle in MONITOR_REMOVED when a bluetoothd that starts clears the adapter."""

POWERED_BIT, LE_BIT = 1 << 0, 1 << 9

AD_MANUFACTURER = 0xFF
_APPLE_IBEACON = b"\x4c\x00\x02\x15"
_PATTERN_BYTES = 31
_MONITOR_INTERVAL, _MONITOR_WINDOW = 0x0013, 0x0014
_SCAN_60_MS = 96
"""In units of 0.625 ms."""

COMMAND_WORDS = {
    READ_INDEX_LIST: "list the adapters",
    READ_INFO: "read the adapter's state",
    SET_POWERED: "switch the adapter on or off",
    SET_LE: "switch Low Energy on",
    SET_DEFAULTS: "set the scan's timing",
    ADD_PATTERNS_MONITOR: "watch for advertisements",
    REMOVE_MONITOR: "end the watch for advertisements",
}
UNKNOWN_COMMAND, NO_RESOURCES, NOT_SUPPORTED, INVALID_INDEX = 0x01, 0x07, 0x0C, 0x11
STATUS_WORDS = {
    UNKNOWN_COMMAND: "this kernel is too old for it; Linux 5.10 and later can",
    0x03: "the controller failed",
    NO_RESOURCES: "no room is left for it in the controller or kernel; end other programs that scan",
    0x08: "the controller timed out",
    0x0A: "the controller is busy",
    0x0B: "the kernel refused it",
    NOT_SUPPORTED: "not supported by this controller or kernel",
    0x0D: "the kernel didn't take its parameters",
    0x0F: "the adapter is not powered",
    0x10: "cancelled",
    INVALID_INDEX: "there is no such adapter",
    0x12: "switched off by rfkill; `rfkill unblock bluetooth`",
    0x14: "not permitted; give the gateway CAP_NET_ADMIN",
}
UNSUPPORTED = (UNKNOWN_COMMAND, NOT_SUPPORTED)
"""Statuses that no recovery step changes."""


def failure_words(opcode: int, status: int) -> str:
    """Return what failed and why, in words for a technician."""
    what = COMMAND_WORDS.get(opcode, f"carry out command {opcode:#06x}")
    return f"the kernel couldn't {what}: {STATUS_WORDS.get(status, f'status {status:#04x}')}"


def command(opcode: int, index: int, parameters: bytes = b"") -> bytes:
    """Return one command packet."""
    return HEADER.pack(opcode, index, len(parameters)) + parameters


def ibeacon_monitor() -> bytes:
    """Return the parameters of ADD_PATTERNS_MONITOR for the iBeacon prefix: one pattern on manufacturer data, at its start.

    The prefix, and no pattern on the flags field: many beacons and Android phones send no flags.
    """
    pattern = bytes([AD_MANUFACTURER, 0, len(_APPLE_IBEACON)]) + _APPLE_IBEACON.ljust(_PATTERN_BYTES, b"\0")
    return b"\x01" + pattern


def continuous_listening() -> bytes:
    """Return the parameters of SET_DEFAULTS: a monitor scans all of the time, window and interval 60 ms. The default is half."""
    return b"".join(struct.pack("<HBH", kind, 2, _SCAN_60_MS) for kind in (_MONITOR_INTERVAL, _MONITOR_WINDOW))


class Info(NamedTuple):
    """What READ_INFO says of a controller."""

    address: str
    supported: int
    settings: int


def info(reply: bytes) -> Info | None:
    """Read the reply to READ_INFO; None when it is too short."""
    if len(reply) < 17:
        return None
    supported, settings = struct.unpack_from("<II", reply, 9)
    return Info(address_text(reply[:6]), supported, settings)


def index_list(reply: bytes) -> list[int]:
    """Read the reply to READ_INDEX_LIST."""
    count = min(int.from_bytes(reply[:2], "little"), max(len(reply) - 2, 0) // 2)
    return list(struct.unpack_from(f"<{count}H", reply[2:]))


def address_text(raw: bytes) -> str:
    """Write a Bluetooth address as people write it; on the wire it is reversed."""
    return raw[::-1].hex(":").upper()


class Found(NamedTuple):
    """One advertisement as the kernel reports it. The sender's address is left where it is: nothing here needs it."""

    rssi_dbm: int
    payload: bytes | None
    """An iBeacon's: Apple's manufacturer data without the company id; None: other traffic."""


_FOUND = struct.Struct("<7xbIH")
FOUND_MIN_BYTES = HEADER.size + _FOUND.size
"""A shorter report of an advertisement is broken."""


def found_heads(index: int) -> tuple[bytes, bytes]:
    """Return how reports of an adapter's advertisements begin."""
    return struct.pack("<HH", DEVICE_FOUND, index), struct.pack("<HH", MONITOR_DEVICE_FOUND, index)


def found(packet: bytes, event: int) -> Found | None:
    """Read a DEVICE_FOUND or MONITOR_DEVICE_FOUND packet; None when it breaks its own lengths."""
    offset = 6 if event == DEVICE_FOUND else 8
    data_at = offset + _FOUND.size
    if len(packet) < data_at:
        return None
    rssi_dbm, _flags, length = _FOUND.unpack_from(packet, offset)
    if len(packet) < data_at + length:
        return None
    return Found(rssi_dbm, ibeacon_payload(packet, data_at, data_at + length))
