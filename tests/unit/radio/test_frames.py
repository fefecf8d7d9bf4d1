"""What is an iBeacon and what isn't."""

from __future__ import annotations

import pytest

from gateway.radio.frames import BeaconFrame, beacon_id, beacon_id_of, parse_frame, uuid_bytes

UUID = "e2c56db5dffb48d2b060d0f5a71096e0"
PAYLOAD = bytes.fromhex("0215" + UUID + "0001" + "00ff" + "c5")


def test_the_beacon_id_is_uuid_major_and_minor() -> None:
    assert beacon_id(PAYLOAD) == bytes.fromhex(UUID) + b"\x00\x01\x00\xff"


def test_bytes_after_the_measured_power_are_ignored() -> None:
    assert beacon_id(PAYLOAD + b"\x64") == beacon_id(PAYLOAD)


@pytest.mark.parametrize("length", range(23))
def test_a_payload_cut_short_anywhere_is_no_beacon(length: int) -> None:
    assert beacon_id(PAYLOAD[:length]) is None
    assert parse_frame(PAYLOAD[:length]) is None


@pytest.mark.parametrize("prefix", [b"\x10\x05", b"\x02\x14", b"\x01\x15", b"\x00\x00"])
def test_other_apple_traffic_is_no_beacon(prefix: bytes) -> None:
    assert beacon_id(prefix + PAYLOAD[2:]) is None


def test_a_frame_is_taken_apart_and_put_together_again() -> None:
    frame = parse_frame(PAYLOAD)
    assert frame == BeaconFrame(UUID, major=1, minor=255, measured_power_dbm=-59)
    assert frame is not None
    assert frame.payload() == PAYLOAD


def test_a_beacon_id_can_be_made_from_numbers_with_or_without_dashes() -> None:
    dashed = "E2C56DB5-DFFB-48D2-B060-D0F5A71096E0"
    assert beacon_id_of(dashed, 1, 255) == beacon_id_of(UUID, 1, 255) == beacon_id(PAYLOAD)


@pytest.mark.parametrize("uuid", ["", "e2c5", UUID + "00", "z" * 32, "e2 c5 6d b5 df fb 48 d2 b0 60 d0 f5 a7 10 96 e0"])
def test_a_wrong_uuid_is_refused_by_name(uuid: str) -> None:
    with pytest.raises(ValueError, match="must be 32 hex digits"):
        uuid_bytes(uuid)


@pytest.mark.parametrize(("major", "minor", "named"), [(-1, 0, "major"), (65536, 0, "major"), (0, 65536, "minor")])
def test_a_number_out_of_range_is_refused_by_name(major: int, minor: int, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        beacon_id_of(UUID, major, minor)
