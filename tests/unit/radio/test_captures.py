"""Captures of Bluetooth traffic, as other programs write them, read as recordings."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Advertisement
from gateway.radio.captures import BTSNOOP_EPOCH_US
from gateway.radio.recordings import RecordingError, read_recording

PAYLOAD = bytes.fromhex("0215e2c56db5dffb48d2b060d0f5a71096e000010001c5")
DATA = bytes([2, 1, 6, 26, 0xFF, 0x4C, 0]) + PAYLOAD
ADDRESS = bytes.fromhex("0100000000c0")
AT_S = 1_795_000_000.25
WANTED = Advertisement(AT_S, "pi-1", "C0:00:00:00:00:01", -70, PAYLOAD)
RSSI = (-70).to_bytes(1, "big", signed=True)

LEGACY = b"\x3e" + bytes([12 + len(DATA), 0x02, 1, 0x03, 1]) + ADDRESS + bytes([len(DATA)]) + DATA + RSSI
EXTENDED = (
    b"\x3e" + bytes([26 + len(DATA), 0x0D, 1]) + b"\x13\x00\x01" + ADDRESS + b"\x01\x00\xff\x7f" + RSSI + bytes(2) + bytes(7)
) + bytes([len(DATA)]) + DATA  # fmt: skip
ON_AIR = (
    bytes([39, 0xBA, 0, 0])
    + bytes(4)
    + b"\x12\x00"
    + b"\xd6\xbe\x89\x8e"
    + bytes([0x42, 6 + len(DATA)])
    + ADDRESS
    + DATA
    + bytes(3)
)
OTHER_EVENT = b"\x0e\x04\x01\x03\x0c\x00"


def btsnoop(link: int, *packets: tuple[int, bytes]) -> bytes:
    """A btsnoop file of packets (flags, data)."""
    records = [
        struct.pack(">IIIIq", len(data), len(data), flags, 0, round(AT_S * 1e6) + BTSNOOP_EPOCH_US) + data
        for flags, data in packets
    ]
    return b"btsnoop\0" + struct.pack(">II", 1, link) + b"".join(records)


def pcap(link: int, *packets: bytes, order: str = "<", nanoseconds: bool = False) -> bytes:
    """A pcap file."""
    ticks = round((AT_S % 1) * (1e9 if nanoseconds else 1e6))
    head = struct.pack(f"{order}IHHiIII", 0xA1B23C4D if nanoseconds else 0xA1B2C3D4, 2, 4, 0, 0, 65535, link)
    return head + b"".join(struct.pack(f"{order}IIII", int(AT_S), ticks, len(data), len(data)) + data for data in packets)


FILES = {
    "btsnoop, H4": btsnoop(1002, (3, b"\x04" + OTHER_EVENT), (3, b"\x04" + LEGACY), (0, b"\x02acl")),
    "btsnoop, H4, extended": btsnoop(1002, (3, b"\x04" + EXTENDED)),
    "btsnoop, bare HCI": btsnoop(1001, (2, b"\x03\x0c\x00"), (3, LEGACY)),
    "btsnoop, Linux monitor": btsnoop(2001, (2, b"\x03\x0c\x00"), (3, EXTENDED), (0x00010003, OTHER_EVENT)),
    "pcap, H4": pcap(187, b"\x04" + LEGACY, b"\x01\x03\x0c\x00"),
    "pcap, H4 with direction": pcap(201, b"\0\0\0\1\x04" + LEGACY),
    "pcap, big endian": pcap(187, b"\x04" + LEGACY, order=">"),
    "pcap, nanoseconds": pcap(187, b"\x04" + LEGACY, nanoseconds=True),
    "pcap, Linux monitor": pcap(254, b"\0\0\0\3" + LEGACY, b"\0\0\0\2\x03\x0c\x00"),
    "pcap, on the air": pcap(256, ON_AIR),
}


@pytest.mark.parametrize("name", FILES)
def test_a_capture_gives_its_advertisements_under_the_name_of_its_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / "pi-1.walk.log"
    path.write_bytes(FILES[name])
    recording = read_recording(path)
    (heard,) = recording
    assert heard._replace(at_s=round(heard.at_s, 3)) == WANTED
    assert (recording.malformed, recording.truncated) == (0, False)


def test_several_reports_in_one_event_are_several_advertisements(tmp_path: Path) -> None:
    one = bytes([0x03, 1]) + ADDRESS + bytes([len(DATA)]) + DATA + RSSI
    path = tmp_path / "pi-1.pcap"
    path.write_bytes(pcap(187, b"\x04\x3e" + bytes([2 + 2 * len(one), 0x02, 2]) + one + one))
    assert [advertisement.payload for advertisement in read_recording(path)] == [PAYLOAD, PAYLOAD]


def test_a_packet_that_breaks_its_own_lengths_is_counted_and_the_rest_read(tmp_path: Path) -> None:
    path = tmp_path / "pi-1.pcap"
    path.write_bytes(pcap(187, b"\x04" + LEGACY[:-5], b"\x04" + LEGACY))
    recording = read_recording(path)
    assert len(list(recording)) == 1
    assert recording.malformed == 1


def test_a_capture_that_ends_within_a_packet_gives_what_it_has_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "pi-1.pcap"
    path.write_bytes(pcap(187, b"\x04" + LEGACY, b"\x04" + LEGACY)[:-3])
    recording = read_recording(path)
    assert len(list(recording)) == 1
    assert recording.truncated


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x0a\x0d\x0d\x0a" + bytes(40), "editcap"),
        (pcap(1), "link type 1"),
        (btsnoop(1003), "link type 1003"),
    ],
)
def test_a_capture_that_is_not_read_says_what_to_do(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "pi-1.pcap"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=said):
        list(read_recording(path))


@given(
    st.sampled_from(sorted(FILES)), st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=6), st.integers(0, 200)
)
def test_any_capture_is_read_or_counted(
    tmp_path_factory: pytest.TempPathFactory, name: str, changes: list[tuple[int, int]], cut: int
) -> None:
    content = bytearray(FILES[name])
    for at, byte in changes:
        content[24 + at % (len(content) - 24)] = byte
    path = tmp_path_factory.mktemp("any") / "pi-1.pcap"
    path.write_bytes(content[: len(content) - cut % (len(content) - 24)])
    for advertisement in read_recording(path):
        assert advertisement.payload in content
