"""The management protocol's bytes, by hand-made packets in the layout of BlueZ's mgmt-api.txt."""

from __future__ import annotations

import struct

import pytest

from gateway.radio import mgmt_protocol as mgmt
from gateway.radio.frames import ibeacon_payload

FRAME = bytes.fromhex("0215e2c56db5dffb48d2b060d0f5a71096e000010001c5")
FLAGS = bytes([2, 1, 6])
IBEACON = FLAGS + bytes([26, 0xFF, 0x4C, 0]) + FRAME
ADDRESS = bytes.fromhex("0100000000c0")


def device_found(data: bytes, *, event: int = mgmt.DEVICE_FOUND, rssi_dbm: int = -70, claimed: int | None = None) -> bytes:
    handle = b"\x01\x00" if event == mgmt.MONITOR_DEVICE_FOUND else b""
    length = len(data) if claimed is None else claimed
    body = handle + ADDRESS + struct.pack("<BbIH", 2, rssi_dbm, 0, length) + data
    return mgmt.HEADER.pack(event, 0, len(body)) + body


@pytest.mark.parametrize("event", [mgmt.DEVICE_FOUND, mgmt.MONITOR_DEVICE_FOUND])
@pytest.mark.parametrize("data", [IBEACON, IBEACON[3:], bytes([3, 9, 0x68, 0x69]) + IBEACON, IBEACON + bytes([2, 10, 4])])
def test_a_beacon_is_found_with_or_without_flags_and_between_other_fields(event: int, data: bytes) -> None:
    found = mgmt.found(device_found(data, event=event), event)
    assert found == mgmt.Found(-70, FRAME)


def test_other_traffic_is_life_without_payload() -> None:
    data = FLAGS + bytes([5, 0xFF, 0xE0, 0, 1, 2])
    assert mgmt.found(device_found(data), mgmt.DEVICE_FOUND) == mgmt.Found(-70, None)


def test_apples_bytes_inside_another_field_are_not_apples() -> None:
    data = bytes([28, 0xFF, 0xE0, 0]) + b"\xff\x4c\x00" + FRAME[:22]
    assert mgmt.found(device_found(data), mgmt.DEVICE_FOUND) == mgmt.Found(-70, None)


@pytest.mark.parametrize("length", range(len(device_found(IBEACON))))
def test_a_packet_cut_short_anywhere_is_malformed(length: int) -> None:
    assert mgmt.found(device_found(IBEACON)[:length], mgmt.DEVICE_FOUND) is None


@pytest.mark.parametrize("claimed", [len(IBEACON) + 1, 0xFFFF])
def test_a_packet_that_claims_more_than_it_has_is_malformed(claimed: int) -> None:
    assert mgmt.found(device_found(IBEACON, claimed=claimed), mgmt.DEVICE_FOUND) is None


@pytest.mark.parametrize("lie", [27, 40, 255])
def test_a_field_that_reaches_past_the_end_is_not_used(lie: int) -> None:
    data = FLAGS + bytes([lie]) + IBEACON[4:]
    assert ibeacon_payload(data, 0, len(data)) is None


@pytest.mark.parametrize("length", range(32))
def test_every_length_of_manufacturer_data_is_read_or_passed_over(length: int) -> None:
    payload = FRAME[:length].ljust(length, b"\0")
    data = bytes([length + 3]) + b"\xff\x4c\x00" + payload
    assert ibeacon_payload(data, 0, len(data)) == (payload if length >= len(FRAME) else None)


def test_empty_fields_do_not_hold_up_the_walk() -> None:
    assert ibeacon_payload(bytes(200), 0, 200) is None
    assert ibeacon_payload(b"\0\0" + IBEACON, 0, 2 + len(IBEACON)) == FRAME


def test_the_monitor_watches_the_beacon_prefix_at_the_start_of_manufacturer_data() -> None:
    parameters = mgmt.ibeacon_monitor()
    assert len(parameters) == 1 + 34
    assert parameters[:8] == bytes([1, 0xFF, 0, 4]) + b"\x4c\x00\x02\x15"


def test_a_monitor_is_asked_to_listen_all_of_the_time() -> None:
    assert mgmt.continuous_listening() == bytes.fromhex("1300 02 6000" + "1400 02 6000")


def test_a_command_is_opcode_index_length_and_parameters() -> None:
    assert mgmt.command(mgmt.SET_POWERED, 2, b"\x01") == bytes.fromhex("0500 0200 0100 01")


def test_an_adapters_address_and_settings_are_read() -> None:
    reply = ADDRESS + bytes([9]) + b"\x02\x00" + struct.pack("<II", 0x1FFFF, mgmt.POWERED_BIT | mgmt.LE_BIT) + bytes(263)
    info = mgmt.info(reply)
    assert info is not None
    assert (info.address, info.settings) == ("C0:00:00:00:00:01", 0x201)
    assert mgmt.info(reply[:16]) is None


@pytest.mark.parametrize(
    ("reply", "indexes"),
    [(b"", []), (b"\0\0", []), (b"\2\0\0\0\5\0", [0, 5]), (b"\xff\xff\1\0", [1]), (b"\2\0\0", [])],
)
def test_the_list_of_adapters_is_read_as_far_as_it_goes(reply: bytes, indexes: list[int]) -> None:
    assert mgmt.index_list(reply) == indexes
