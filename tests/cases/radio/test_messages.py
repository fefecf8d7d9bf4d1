"""Messages as other scanners publish them: what must be read from each."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from gateway.radio.frames import beacon_id, beacon_id_of, parse_frame
from gateway.radio.remote import FORMATS, RemoteScanners

NOW_S = 1_795_000_000.0
UUID = "e2c56db5dffb48d2b060d0f5a71096e0"
SCANNERS = ("TheengsGateway", "wine", "AC233FC03164", "shellyplus1-000000000001", "001bc50940810000", "kitchen", "OpenMQTTGateway")
COUNTS = ("malformed", "late", "unknown")
CLOCK_TOLERANCE_S = 2.0


def scanners() -> RemoteScanners:
    """Every format, and a shop that knows the scanners of the cases."""
    return RemoteScanners("etalage/v1/c/s", SCANNERS, others={kind: format.filter for kind, format in FORMATS.items()})


def check(name: str) -> None:
    """Read a message file, and compare what was heard and counted with what it expects."""
    case = json.loads((Path(__file__).parent / "messages" / f"{name}.json").read_text(encoding="utf-8"))
    wanted: dict[str, Any] = case["expect"]
    now_s = wanted.pop("received_at_s", NOW_S)
    listening = scanners()
    heard = [
        advertisement
        for payload in case["payloads"]
        for advertisement in listening.parse(case["topic"], json.dumps(payload).encode(), now_s).advertisements
    ]
    found: dict[str, Any] = {"heard": len(heard)} | {count: getattr(listening, count) for count in COUNTS}
    if "uuid" in wanted:
        assert len(heard) == 1
        frame = parse_frame(heard[0].payload)
        assert frame is not None
        assert heard[0].at_s == pytest.approx(now_s, abs=CLOCK_TOLERANCE_S)
        found |= {"scanner": heard[0].scanner, "uuid": frame.uuid, "major": frame.major, "minor": frame.minor}
        found |= {"rssi": heard[0].rssi_dbm}
    assert {key: found[key] for key in wanted} == wanted


def test_a_major_and_minor_that_a_decoder_wrote_as_negative_numbers_are_read_modulo_2_to_the_16th() -> None:
    check("theengs-signed-major-minor")


def test_no_rotating_id_is_lost_to_a_decoder_that_writes_signed_numbers() -> None:
    listening, rng = scanners(), random.Random(1)
    for _ in range(2000):
        major, minor = rng.randrange(0x10000), rng.randrange(0x10000)
        message = {"id": "C0:00:00:00:00:01", "rssi": -71, "model_id": "IBEACON", "uuid": UUID}
        message |= {"major": (major ^ 0x8000) - 0x8000, "minor": (minor ^ 0x8000) - 0x8000}
        topic = "home/TheengsGateway/BTtoMQTT/C0:00:00:00:00:01"
        heard = listening.parse(topic, json.dumps(message).encode(), NOW_S).advertisements
        assert [beacon_id(one.payload) for one in heard] == [beacon_id_of(UUID, major, minor)]


def test_an_ibeacon_that_a_decoder_names_as_a_brands_model_is_an_ibeacon() -> None:
    check("theengs-branded-ibeacon")


def test_a_null_in_a_field_that_nobody_reads_refuses_nothing() -> None:
    check("espresense-measured-power-null")


def test_an_ibeacon_of_unknown_type_is_read_from_its_raw_data() -> None:
    check("minew-g1-rawdata")


def test_the_ibeacon_is_found_in_whichever_packet_of_a_raddec_it_stands() -> None:
    check("raddec-two-packets")


def test_an_ordinary_status_message_is_no_fault() -> None:
    check("shelly-notifystatus-is-no-fault")


def test_a_message_that_says_it_is_ten_minutes_old_is_late() -> None:
    check("stale-by-its-own-time")


def test_espresense_4_is_read() -> None:
    check("espresense-4x")


def test_the_highest_minor_is_a_minor() -> None:
    check("espresense-minor-65535")


def test_openmqttgateway_may_use_the_uuid_as_the_id() -> None:
    check("omg-uuid-as-id")


def test_a_beacon_may_tell_its_battery_in_place_of_its_power() -> None:
    check("theengs-volt")


def test_an_event_of_another_script_on_a_shelly_is_no_reception_and_no_fault() -> None:
    check("shelly-event-of-another-script")
