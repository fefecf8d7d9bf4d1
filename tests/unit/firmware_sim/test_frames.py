"""The simulator's own encoder, judged by the gateway's decoder."""

from __future__ import annotations

from firmware_sim import frames
from gateway.radio.frames import beacon_id


def test_an_encoded_ibeacon_is_what_the_gateway_reads() -> None:
    beacon = frames.BeaconId(frames.STORE_UUID, 513, 65535)
    payload = frames.ibeacon(beacon)
    assert len(payload) == 23
    assert beacon_id(payload) == beacon.packed() == payload[2:22]


def test_what_strangers_send_is_no_ibeacon() -> None:
    assert beacon_id(frames.find_my(b"ab")) is None
    assert beacon_id(frames.nearby_info(b"ab")) is None


def test_addresses_look_like_resolvable_private_ones() -> None:
    address = frames.random_address(0xFFFFFFFFFFFF)
    assert address == "7F:FF:FF:FF:FF:FF"
    assert int(frames.random_address(0)[:2], 16) >> 6 == 0b01
