"""Captures of Bluetooth traffic as recordings: btsnoop (Android's log, btmon) and pcap (Wireshark, sniffers).

A capture names no scanner: whoever reads it gives a name. What isn't an advertising report is passed over; what breaks its own
lengths is reported as None, for the caller to count. Sources: the format of btsnoop as Wireshark documents it; RFC draft pcap; the
Bluetooth Core Specification, volume 4, part E, 7.7.65.2 and .13 (advertising reports), volume 6, part B, 2.3 (on the air).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

from gateway.model import Advertisement
from gateway.radio.frames import RSSI_RANGE_DBM, ibeacon_payload

BTSNOOP, PCAPNG = b"btsnoop\0", b"\x0a\x0d\x0d\x0a"
PCAP = {
    b"\xa1\xb2\xc3\xd4": (">", 1e-6),
    b"\xd4\xc3\xb2\xa1": ("<", 1e-6),
    b"\xa1\xb2\x3c\x4d": (">", 1e-9),
    b"\x4d\x3c\xb2\xa1": ("<", 1e-9),
}
"""First bytes → byte order, and the seconds of one tick below the second."""
MAGIC_BYTES = 8
PACKET_MAX_BYTES = 1 << 16
"""No Bluetooth packet is longer: a length beyond it means that the file is broken from here on."""
BTSNOOP_EPOCH_US = 0x00DCDDB30F2F8000
"""btsnoop counts microseconds from the year 0; this is 1970 in them."""

_EVENT_PACKET, _LE_META_EVENT, _LEGACY_REPORTS, _EXTENDED_REPORTS = 0x04, 0x3E, 0x02, 0x0D
_MONITOR_EVENT = 3
_ADVERTISING_ACCESS_ADDRESS = b"\xd6\xbe\x89\x8e"
_ADVERTISING_PDUS = (0x0, 0x2, 0x4, 0x6)
"""ADV_IND, ADV_NONCONN_IND, SCAN_RSP, ADV_SCAN_IND: the sender's address, then advertising data."""
_CRC_BYTES = 3


class CaptureError(Exception):
    """This capture can't be read at all; `str()` says what to do."""


class AdvertisingReport(NamedTuple):
    """One advertising report: address as on the wire, strength, advertising data."""

    address: bytes
    rssi_dbm: int
    data: bytes


def is_capture(head: bytes) -> bool:
    """Tell whether a file that begins so is a capture."""
    return head.startswith((BTSNOOP, PCAPNG, *PCAP))


def read_capture(file: BinaryIO, scanner: str) -> Iterator[Advertisement | None]:
    """Yield a capture's advertisements, None for each packet that can't be read. Raises CaptureError, EOFError when cut short."""
    head = _exactly(file, MAGIC_BYTES)
    if head.startswith(PCAPNG):
        raise CaptureError("is a pcapng file; write it as pcap first: `editcap -F pcap in.pcapng out.pcap`")
    packets = _btsnoop(file) if head == BTSNOOP else _pcap(file, head)
    for at_s, reports in packets:
        for report in reports:
            yield None if report is None else _advertisement(at_s, scanner, report)


def _advertisement(at_s: float, scanner: str, report: AdvertisingReport) -> Advertisement | None:
    if report.rssi_dbm not in RSSI_RANGE_DBM:
        return None
    payload = ibeacon_payload(report.data) or b""
    return Advertisement(at_s, scanner, report.address[::-1].hex(":").upper(), report.rssi_dbm, payload)


Reports = Iterator[AdvertisingReport | None]
Take = Callable[[bytes], Reports]


# ---- the files -------------------------------------------------------------------------------------------------------------


def _btsnoop(file: BinaryIO) -> Iterator[tuple[float, Reports]]:
    _version, link = struct.unpack(">II", _exactly(file, 8))
    if link not in (1001, 1002, 2001):
        raise CaptureError(f"has link type {link}, which isn't read; capture with btmon or Android's HCI log")
    while record := file.read(24):
        _whole, length, flags, _drops, at_us = struct.unpack(">IIIIq", record if len(record) == 24 else _cut_short())
        data = _exactly(file, length)
        at_s = (at_us - BTSNOOP_EPOCH_US) / 1e6
        if link == 2001:  # the flags hold adapter and opcode
            yield at_s, _event(data) if flags & 0xFFFF == _MONITOR_EVENT else iter(())
        elif link == 1002:
            yield at_s, _h4(data)
        else:
            yield at_s, _event(data) if flags & 3 == 3 else iter(())  # received, and an event


def _pcap(file: BinaryIO, head: bytes) -> Iterator[tuple[float, Reports]]:
    order, tick_s = PCAP[head[:4]]
    (link,) = struct.unpack(f"{order}12xI", _exactly(file, 16))
    take = _PCAP_LINKS.get(link & 0x0FFFFFFF)
    if take is None:
        raise CaptureError(f"has link type {link}, which isn't read; HCI captures and sniffers' LE link layer are")
    while record := file.read(16):
        seconds, ticks, length, _whole = struct.unpack(f"{order}IIII", record if len(record) == 16 else _cut_short())
        yield seconds + ticks * tick_s, take(_exactly(file, length))


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count) if count <= PACKET_MAX_BYTES else b""
    return data if len(data) == count else _cut_short()


def _cut_short() -> bytes:
    raise EOFError("the capture ends within a packet")


# ---- the packets -----------------------------------------------------------------------------------------------------------


def _h4(data: bytes) -> Reports:
    return _event(data[1:]) if data[:1] == bytes([_EVENT_PACKET]) else iter(())


def _monitor(data: bytes) -> Reports:
    """Take a packet of Linux's monitor: adapter and opcode first."""
    return _event(data[4:]) if data[2:4] == _MONITOR_EVENT.to_bytes(2, "big") else iter(())


def _event(data: bytes) -> Reports:
    """Yield the advertising reports of an HCI event."""
    if len(data) < 4 or data[0] != _LE_META_EVENT or data[2] not in (_LEGACY_REPORTS, _EXTENDED_REPORTS):
        return
    take = _legacy if data[2] == _LEGACY_REPORTS else _extended
    at = 4
    for _ in range(data[3]):
        report, at = take(data, at)
        yield report
        if report is None:
            return


def _legacy(data: bytes, at: int) -> tuple[AdvertisingReport | None, int]:
    if len(data) < at + 9:
        return None, at
    end = at + 9 + data[at + 8]
    if len(data) < end + 1:
        return None, at
    return AdvertisingReport(data[at + 2 : at + 8], _signed(data[end]), data[at + 9 : end]), end + 1


def _extended(data: bytes, at: int) -> tuple[AdvertisingReport | None, int]:
    if len(data) < at + 24:
        return None, at
    end = at + 24 + data[at + 23]
    if len(data) < end:
        return None, at
    return AdvertisingReport(data[at + 3 : at + 9], _signed(data[at + 13]), data[at + 24 : end]), end


def _on_air(data: bytes) -> Reports:
    """Yield the advertisement in a sniffer's packet that says how strong it was; without a strength it is of no use."""
    if len(data) < 10 or not data[8] & 0x02:
        return
    packet = data[10:]
    if len(packet) < 6 or packet[:4] != _ADVERTISING_ACCESS_ADDRESS or packet[4] & 0x0F not in _ADVERTISING_PDUS:
        return
    end = 6 + packet[5]
    yield AdvertisingReport(packet[6:12], _signed(data[1]), packet[12:end]) if 12 <= end <= len(packet) - _CRC_BYTES else None


def _signed(byte: int) -> int:
    return byte - 256 if byte > 127 else byte


_PCAP_LINKS: dict[int, Take] = {
    187: _h4,
    201: lambda data: _h4(data[4:]),  # the direction comes first
    254: _monitor,
    256: _on_air,
}
