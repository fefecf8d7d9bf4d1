"""Whatever bytes come from the air or the wire: nothing raises, and what is handed on is what it claims to be."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.radio import mgmt_protocol as mgmt
from gateway.radio.frames import RSSI_RANGE_DBM, BeaconFrame, beacon_id, ibeacon_payload, parse_frame
from gateway.radio.quality import QualityMeter
from gateway.radio.recordings import read_recording
from gateway.radio.remote import FORMATS, RemoteScanners
from gateway.radio.watchdog import ScannerState, Watchdog

pytestmark = pytest.mark.slow

UUIDS = st.binary(min_size=16, max_size=16).map(bytes.hex)
SHORT = st.integers(0, 0xFFFF)
FRAMES = st.builds(BeaconFrame, UUIDS, SHORT, SHORT, st.integers(-128, 127))
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(FRAMES, st.binary(max_size=8))
def test_every_frame_comes_back_from_its_payload(frame: BeaconFrame, more: bytes) -> None:
    assert parse_frame(frame.payload() + more) == frame


@given(st.binary(max_size=64))
def test_any_payload_is_a_beacon_of_20_bytes_or_none(payload: bytes) -> None:
    beacon = beacon_id(payload)
    assert beacon is None or (len(beacon) == 20 and payload.startswith(b"\x02\x15"))
    assert (parse_frame(payload) is None) == (beacon is None)


@given(st.binary(max_size=80))
def test_any_packet_from_the_kernel_is_read_or_malformed(packet: bytes) -> None:
    for event in (mgmt.DEVICE_FOUND, mgmt.MONITOR_DEVICE_FOUND):
        found = mgmt.found(packet, event)
        assert found is None or found.payload is None or found.payload in packet
    assert isinstance(mgmt.index_list(packet), list)
    mgmt.info(packet)


@given(st.lists(st.tuples(st.integers(0, 255).filter(lambda kind: kind != 0xFF), st.binary(max_size=20)), max_size=5), FRAMES)
def test_a_beacon_is_found_behind_any_other_fields(fields: list[tuple[int, bytes]], frame: BeaconFrame) -> None:
    before = b"".join(bytes([len(value) + 1, kind]) + value for kind, value in fields)
    data = before + bytes([26, 0xFF, 0x4C, 0]) + frame.payload()
    assert ibeacon_payload(data, 0, len(data)) == frame.payload()


@given(st.sampled_from(sorted(FORMATS)), st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_message_of_another_scanner_is_read_or_counted(kind: str, message: bytes) -> None:
    scanners = RemoteScanners("p", ["a"], others={kind: FORMATS[kind].filter})
    topic = FORMATS[kind].filter.replace("+", "a")
    assert scanners.parse(topic, message, 1000.0).advertisements == []
    assert scanners.parse("p/sightings/a", message, 1000.0).advertisements == []


@given(lines=st.lists(st.text(max_size=60) | JSON.map(json.dumps), max_size=10))
def test_any_file_is_read_line_by_line_or_counted(lines: list[str], tmp_path_factory: object) -> None:
    path = tmp_path_factory.mktemp("any") / "any.jsonl"  # type: ignore[attr-defined]  # pytest's factory has no public type
    path.write_text("\n".join(lines), encoding="utf-8")
    recording = read_recording(path)
    for advertisement in recording:
        assert advertisement.rssi_dbm in RSSI_RANGE_DBM
    assert recording.malformed <= 10 * 60


@given(
    st.lists(st.tuples(st.floats(0, 100), st.integers(0, 50), st.sampled_from(["fine", "fails", "gone", "broken"])), max_size=60)
)
def test_the_watchdog_never_gives_up_and_never_storms(story: list[tuple[float, int, str]]) -> None:
    now_s, heard = 0.0, 0
    watchdog = Watchdog(now_s)
    for passed_s, fresh, how in story:
        now_s, heard = now_s + passed_s, heard + fresh
        step = watchdog.tick(now_s, heard, "it broke" if how == "broken" else None)
        if step is None:
            assert watchdog.state is ScannerState.HEARING or watchdog.next_step_s > now_s
        elif how == "fails":
            watchdog.failed(now_s, "no")
        elif how == "gone":
            watchdog.absent(now_s, "none")
        else:
            watchdog.started(now_s)
        if watchdog.state is not ScannerState.HEARING:
            assert now_s < watchdog.next_step_s <= now_s + 60


@given(st.lists(st.tuples(st.floats(0, 200), st.binary(max_size=30), st.integers(-127, 20)), max_size=50))
def test_quality_takes_anything_in_any_order(story: list[tuple[float, bytes, int]]) -> None:
    meter = QualityMeter(frozenset({bytes(16)}))
    for now_s, (at_s, payload, rssi_dbm) in enumerate(story, start=1):
        meter.hear(at_s, b"\x02\x15" + bytes(16) + payload[:4], rssi_dbm)
        meter.tick(20.0 * now_s)
    assert meter.quality is None or meter.quality.fault in (None, "filtered", "misses", "clock")
