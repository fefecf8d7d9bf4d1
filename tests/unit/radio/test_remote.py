"""Other scanners' messages, in the formats their projects publish: read, counted, skipped."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from gateway.model import USABLE_S, Advertisement
from gateway.radio.frames import beacon_id
from gateway.radio.health import ScannerHealth, unknown_words_in, words_in
from gateway.radio.remote import FORMATS, PhoneReading, RemoteScanners
from gateway.radio.remote.formats import matches
from gateway.radio.remote.refusals import LATELY_S, RefusalReason
from gateway.radio.remote.sender import SILENT_S
from gateway.radio.watchdog import ScannerState
from rules.texts import Language
from tests.support.scanner_messages import AD, BEACON, DASHED, NAMES, NOW_S, PAYLOAD, PREFIX, SAMPLES, UUID, batch


@pytest.fixture
def scanners() -> RemoteScanners:
    return RemoteScanners(
        PREFIX,
        ["wine", "till", "cheese", "door", "bread", "pi-2"],
        others={kind: entry.filter for kind, entry in FORMATS.items()},
        names=NAMES,
    )


def health_of(scanners: RemoteScanners, scanner: str) -> ScannerHealth:
    return next(one for one in scanners.health() if one.scanner == scanner)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_published_sample_is_one_reception_of_the_beacon(scanners: RemoteScanners, kind: str) -> None:
    topic, message, scanner = SAMPLES[kind]
    readings = scanners.parse(topic, json.dumps(message).encode(), NOW_S)
    (heard,) = readings.advertisements
    assert (heard.scanner, heard.rssi_dbm, beacon_id(heard.payload), heard.address) == (scanner, -71, BEACON, "")
    assert heard.at_s == pytest.approx(NOW_S, abs=1)
    assert scanners.malformed == 0


@pytest.mark.parametrize("kind", FORMATS)
def test_other_devices_in_a_format_are_passed_over_without_complaint(scanners: RemoteScanners, kind: str) -> None:
    other = {
        "espresense": {"id": "apple:1005:9-26", "mac": "x", "rssi": -70},
        "theengs": {"id": "A4:C1:38:00:00:01", "rssi": -70, "model_id": "LYWSD03MMC", "tempc": 21},
        "minew": [SAMPLES["minew"][1][0]],
        "shelly": {"src": "shellyplus1-441793a3b0c4", "params": {"events": [{"event": "switch.toggle"}]}},
        "raddec": {**SAMPLES["raddec"][1], "packets": ["421655daba50e1fe0201050c097265656c79416374697665"]},
    }[kind]
    readings = scanners.parse(SAMPLES[kind][0], json.dumps(other).encode(), NOW_S)
    assert (readings.advertisements, scanners.malformed) == ([], 0)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("junk", [b"", b"{", b"null", b"[]", b"{}", b"7", b'"x"', b"[[]]", b"\xff\xfe", b"[" * 3000])
def test_junk_in_any_format_is_counted_never_raised(scanners: RemoteScanners, kind: str, junk: bytes) -> None:
    assert scanners.parse(SAMPLES[kind][0], junk, NOW_S).advertisements == []
    assert scanners.malformed <= 1


def test_one_bad_item_does_not_spoil_its_neighbours(scanners: RemoteScanners) -> None:
    topic, message, _ = SAMPLES["minew"]
    bad = [{**message[2], "rssi": value} for value in ("strong", None, 99, -400)] + [{**message[2], "ibeaconUuid": "e2c5"}, 5]
    readings = scanners.parse(topic, json.dumps([message[0], *bad[:-1], message[2]]).encode(), NOW_S)
    assert len(readings.advertisements) == 1
    assert scanners.malformed == len(bad) - 1


def test_a_scanner_that_the_plan_does_not_know_is_dropped_and_kept_nowhere(scanners: RemoteScanners) -> None:
    for number in range(1000):
        message = {"id": f"iBeacon:{DASHED}-1-2", "rssi": -70}
        assert scanners.parse(f"espresense/devices/x/room-{number}", json.dumps(message).encode(), NOW_S).advertisements == []
    assert scanners.unknown == 1000
    assert len(scanners.unknown_scanners()) <= 16
    assert {one.state for one in scanners.health()} == {ScannerState.UNHEARD}


def test_a_batch_of_another_etalage_box_gives_its_receptions(scanners: RemoteScanners) -> None:
    readings = scanners.parse(f"{PREFIX}/sightings/pi-2", batch(), NOW_S)
    assert readings.advertisements == [Advertisement(NOW_S - 0.5, "pi-2", "", -71, b"\x02\x15" + BEACON + b"\0")]


def test_a_batch_that_comes_again_is_taken_once(scanners: RemoteScanners) -> None:
    topic = f"{PREFIX}/sightings/pi-2"
    counts = [len(scanners.parse(topic, batch(sequence=n), NOW_S).advertisements) for n in (5, 5, 4, 6)]
    assert counts == [1, 0, 0, 1]
    assert health_of(scanners, "pi-2").refused == {"repeated": 2}


def test_receptions_that_are_too_old_to_be_of_use_are_left_out(scanners: RemoteScanners) -> None:
    scanners.parse(f"{PREFIX}/sightings/pi-2", batch(sequence=1), NOW_S)
    old = [[NOW_S - USABLE_S - 1, BEACON.hex(), -71], [NOW_S, BEACON.hex(), -71]]
    readings = scanners.parse(f"{PREFIX}/sightings/pi-2", batch(sequence=2, readings=old), NOW_S + 0.1)
    assert len(readings.advertisements) == 1
    assert scanners.late == 1


def test_a_scanner_whose_clock_is_an_hour_off_is_set_right_by_its_second_message(scanners: RemoteScanners) -> None:
    heard = []
    for second in range(3):
        message = batch(sequence=second, readings=[[NOW_S - 3600 + second, BEACON.hex(), -71]])
        heard.append(scanners.parse(f"{PREFIX}/sightings/pi-2", message, NOW_S + second).advertisements)
    assert [[one.at_s for one in some] for some in heard] == [[], [NOW_S + 1], [NOW_S + 2]]
    assert health_of(scanners, "pi-2").refused == {"late": 1}


@pytest.mark.parametrize(
    "changes",
    [
        {"scanner": "wine"},
        {"readings": [[NOW_S, "zz", -71]]},
        {"readings": [[NOW_S, BEACON.hex()[:-2], -71]]},
        {"readings": [[NOW_S, BEACON.hex(), 99]]},
        {"readings": "many"},
        {"sequence": -1},
        {"shopper": "s-1"},
    ],
)
def test_a_batch_that_is_not_what_it_should_be_is_counted(scanners: RemoteScanners, changes: dict[str, Any]) -> None:
    readings = scanners.parse(f"{PREFIX}/sightings/pi-2", batch(**changes), NOW_S)
    assert (readings.advertisements, readings.phones, scanners.malformed) == ([], [], 1)


def test_a_message_too_large_is_not_even_read(scanners: RemoteScanners) -> None:
    scanners.parse(f"{PREFIX}/sightings/pi-2", b" " * 300_000 + batch(), NOW_S)
    assert scanners.malformed == 1


def test_what_a_phone_heard_is_the_shoppers_and_taken_once(scanners: RemoteScanners) -> None:
    message = batch(scanner="app", shopper="s-1")
    readings = scanners.parse(f"{PREFIX}/sightings/app", message, NOW_S)
    assert readings.phones == [PhoneReading(NOW_S - 0.5, "s-1", BEACON, -71)]
    assert readings.advertisements == []
    assert scanners.parse(f"{PREFIX}/sightings/app", message, NOW_S).phones == []
    assert scanners.parse(f"{PREFIX}/sightings/app", batch(scanner="app", shopper="s-1", sequence=2), NOW_S + 40).phones == []


def test_a_scanner_that_falls_silent_is_deaf_until_it_speaks_again(scanners: RemoteScanners) -> None:
    topic = f"{PREFIX}/sightings/pi-2"
    scanners.tick(NOW_S)
    assert health_of(scanners, "pi-2").state is ScannerState.UNHEARD
    scanners.parse(topic, batch(), NOW_S)
    scanners.tick(NOW_S + 1)
    hearing = health_of(scanners, "pi-2")
    assert (hearing.kind, hearing.state, hearing.well) == ("etalage", ScannerState.HEARING, True)
    scanners.tick(NOW_S + SILENT_S + 1)
    deaf = health_of(scanners, "pi-2")
    assert (deaf.state, deaf.reason, deaf.trustworthy) == (ScannerState.DEAF, "no messages", False)
    scanners.parse(topic, batch(sequence=2), NOW_S + SILENT_S + 2)
    scanners.tick(NOW_S + SILENT_S + 2)
    again = health_of(scanners, "pi-2")
    assert (again.state, again.recoveries) == (ScannerState.HEARING, 1)


def test_a_batch_without_receptions_is_a_sign_of_life(scanners: RemoteScanners) -> None:
    assert scanners.parse(f"{PREFIX}/sightings/pi-2", batch(readings=[]), NOW_S) == ([], [])
    scanners.tick(NOW_S)
    assert health_of(scanners, "pi-2").trustworthy


def test_what_a_broker_had_kept_is_neither_a_reception_nor_a_sign_of_life(scanners: RemoteScanners) -> None:
    others = [(topic, json.dumps(message).encode()) for topic, message, _ in SAMPLES.values()]
    for topic, message in [(f"{PREFIX}/sightings/pi-2", batch()), *others]:
        assert scanners.parse(topic, message, NOW_S, retained=True) == ([], [])
    assert {one.state for one in scanners.health()} == {ScannerState.UNHEARD}
    assert scanners.refusals.total["pi-2", RefusalReason.RETAINED] == 1
    assert scanners.refusals.sum_of(RefusalReason.RETAINED) == 1 + len(SAMPLES)


def test_a_boot_id_tells_a_restart_whatever_its_sequence(scanners: RemoteScanners) -> None:
    topic = f"{PREFIX}/sightings/pi-2"
    story = [("a", 100), ("a", 101), ("b", 1), ("b", 2), ("b", 2), ("a", 101)]
    heard = [len(scanners.parse(topic, batch(boot=boot, sequence=number), NOW_S).advertisements) for boot, number in story]
    assert heard == [1, 1, 1, 1, 0, 0]
    scanners.tick(NOW_S)
    assert not health_of(scanners, "pi-2").doubled


@pytest.mark.parametrize("boots", [("a", "b"), (None, None)])
def test_two_boxes_with_one_id_are_told_and_neither_is_silenced(scanners: RemoteScanners, boots: tuple[str | None, ...]) -> None:
    heard = 0
    for second in range(20):
        for boot, first in zip(boots, (1_795_000_000_000, 1_795_000_005_000), strict=True):
            message = batch(boot=boot, sequence=first + second, readings=[[NOW_S + second, BEACON.hex(), -71]])
            heard += len(scanners.parse(f"{PREFIX}/sightings/pi-2", message, NOW_S + second).advertisements)
    scanners.tick(NOW_S + 20)
    assert heard == 40
    health = health_of(scanners, "pi-2")
    assert (health.doubled, health.well, health.trustworthy) == (True, False, True)
    assert "Two boxes" in words_in(Language.EN, health)


def test_a_misspelt_name_is_shown_with_the_plans_name_that_it_resembles(scanners: RemoteScanners) -> None:
    message = json.dumps({"id": "apple:1005:9-26", "rssi": -70}).encode()
    scanners.parse("espresense/devices/x/cheeese", message, NOW_S)
    scanners.parse("espresense/devices/x/q", message, NOW_S)
    assert [(one.name, one.kind, one.nearest) for one in scanners.unknown_scanners()] == [
        ("cheeese", "espresense", "cheese"),
        ("q", "espresense", None),
    ]
    assert "Is cheese meant?" in unknown_words_in(Language.EN, "cheeese", "espresense", "cheese")
    for minute in range(4):
        scanners.tick(NOW_S + minute * LATELY_S)
    assert scanners.unknown_scanners() == [], "who no longer reports is forgotten"


def test_an_unknown_device_that_is_no_scanner_is_nobody_to_ask_about(scanners: RemoteScanners) -> None:
    status = {"src": "shellyplug-1", "method": "NotifyStatus", "params": {"ts": NOW_S}}
    scanners.parse("shellyplug-1/events/rpc", json.dumps(status).encode(), NOW_S)
    assert (scanners.unknown_scanners(), scanners.unknown, scanners.malformed) == ([], 0, 0)


def test_what_was_refused_lately_is_told_and_then_no_longer(scanners: RemoteScanners) -> None:
    scanners.tick(NOW_S)
    scanners.parse(f"{PREFIX}/sightings/pi-2", batch(), NOW_S)
    scanners.parse(f"{PREFIX}/sightings/pi-2", batch(), NOW_S)
    scanners.tick(NOW_S + 1)
    health = health_of(scanners, "pi-2")
    assert words_in(Language.EN, health).endswith("Not used in the last minute: 1 repeated.")
    assert words_in(Language.NL, health).endswith("De laatste minuut niet gebruikt: 1 dubbel.")
    for minute in (1, 2):
        now_s = NOW_S + minute * LATELY_S
        scanners.parse(f"{PREFIX}/sightings/pi-2", batch(sequence=1 + minute, readings=[[now_s, BEACON.hex(), -71]]), now_s)
        scanners.tick(now_s)
    later = health_of(scanners, "pi-2")
    assert (later.refused, later.refused_lately) == ({"repeated": 1}, {})


@pytest.mark.parametrize(("ahead_s", "taken"), [(1.0, True), (3.0, False), (86400.0, False), (NOW_S * 999, False)])
def test_a_phones_time_lies_in_the_past_or_counts_as_impossible(scanners: RemoteScanners, ahead_s: float, taken: bool) -> None:
    message = batch(scanner="app", shopper="s-1", readings=[[NOW_S + ahead_s, BEACON.hex(), -71]])
    phones = scanners.parse(f"{PREFIX}/sightings/app", message, NOW_S).phones
    assert [one.at_s for one in phones] == ([NOW_S] if taken else [])
    assert scanners.refusals.of("app") == ({} if taken else {"impossible": 1})


# Forms in which a frame may stand: (format, what is changed in its sample)

SHORT_AD = base64.b64encode(AD[:3]).decode()
FIND_MY = bytes([6, 0xFF, 0x4C, 0, 0x12, 0x01, 0])
NAMELESS = {"uuid": None, "model_id": "X", "model": "X"}
FORMS: dict[str, tuple[str, Any]] = {
    "numbers as text": ("theengs", {"major": "1", "minor": "2", "rssi": "-71"}),
    "a brand's model": ("theengs", {"model_id": "RDL52832", "model": "RDL52832"}),
    "raw manufacturer data only": ("theengs", {**NAMELESS, "manufacturerdata": "4c00" + PAYLOAD.hex()}),
    "null power": ("theengs", {"txpower": None}),
    "nested": ("theengs", {**NAMELESS, "ibeacon": {"uuid": DASHED, "major": 1, "minor": 2}}),
    "an id only in the topic": ("espresense", {"id": None}),
    "an odd distance": ("espresense", {"distance": "far", "raw": None, "rssi@1m": "?"}),
    "time in milliseconds": ("minew", {"timestamp": NOW_S * 1000}),
    "time as text": ("minew", {"timestamp": str(NOW_S)}),
    "raw data of unknown type": ("minew", {"type": "Unknown", "ibeaconUuid": None, "rawData": AD.hex().upper()}),
    "a second field of Apple's": ("minew", {"type": "Unknown", "ibeaconUuid": None, "rawData": (FIND_MY + AD[3:]).hex()}),
    "a link-layer header": ("minew", {"type": "Unknown", "ibeaconUuid": None, "rawData": (bytes(8) + AD).hex()}),
    "no battery": ("minew", {"battery": None, "ibeaconTxPower": None}),
    "the older packet": ("raddec", {"packets": ["44110100000000c00a094b6f6e74616b740000", SAMPLES["raddec"][1]["packets"][0]]}),
    "an unreadable packet beside it": ("raddec", {"packets": ["zz", SAMPLES["raddec"][1]["packets"][0]]}),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_frame_is_read_in_whichever_form_it_stands(scanners: RemoteScanners, form: str) -> None:
    kind, changes = FORMS[form]
    topic, message, _ = SAMPLES[kind]
    sample = json.loads(json.dumps(message))
    (sample[2] if kind == "minew" else sample).update(changes)
    heard = scanners.parse(topic, json.dumps(sample).encode(), NOW_S + 0.5).advertisements
    wanted = bytes.fromhex(UUID + ("00010002"))
    assert [(beacon_id(one.payload), one.rssi_dbm) for one in heard] == [(wanted, -71)]
    assert scanners.malformed == 0


def test_a_shellys_scan_response_is_read_as_well(scanners: RemoteScanners) -> None:
    topic, message, _ = SAMPLES["shelly"]
    sample = json.loads(json.dumps(message))
    sample["params"]["events"][0]["data"] = [2, [["c0:00:00:00:00:01", -71, SHORT_AD, base64.b64encode(AD).decode()]]]
    assert len(scanners.parse(topic, json.dumps(sample).encode(), NOW_S).advertisements) == 1


def test_a_minew_message_without_its_gateways_row_is_its_topics(scanners: RemoteScanners) -> None:
    _, message, _ = SAMPLES["minew"]
    heard = scanners.parse("/gw/AC233FC03164/status", json.dumps(message[1:]).encode(), NOW_S).advertisements
    assert [one.scanner for one in heard] == ["cheese"]


@pytest.mark.parametrize(
    "changes",
    [{"major": None}, {"major": 70000}, {"minor": -40000}, {"minor": 1.5}, {"uuid": UUID[:-2]}, {"rssi": True}, {"rssi": None}],
)
def test_what_says_it_is_an_ibeacon_and_cannot_be_read_is_malformed(scanners: RemoteScanners, changes: dict[str, Any]) -> None:
    topic, message, _ = SAMPLES["theengs"]
    assert scanners.parse(topic, json.dumps({**message, **changes}).encode(), NOW_S).advertisements == []
    assert health_of(scanners, "till").refused == {"malformed": 1}
    scanners.tick(NOW_S)
    assert health_of(scanners, "till").trustworthy, "it speaks, if badly"


def test_another_makers_beacon_with_the_same_fields_is_no_ibeacon(scanners: RemoteScanners) -> None:
    topic, message, _ = SAMPLES["theengs"]
    other = {**message, "mfid": "1801", "model_id": "ABN03", "model": "ABN03"}
    assert scanners.parse(topic, json.dumps(other).encode(), NOW_S).advertisements == []
    assert scanners.malformed == 0


def test_the_filters_are_the_shops_own_topic_and_what_the_settings_name() -> None:
    assert RemoteScanners(PREFIX, []).filters == [f"{PREFIX}/sightings/+"]
    assert RemoteScanners(PREFIX, [], others={"minew": "/gw/+/status"}).filters == [f"{PREFIX}/sightings/+", "/gw/+/status"]


def test_a_topic_that_nobody_asked_for_is_ignored(scanners: RemoteScanners) -> None:
    assert scanners.parse("somewhere/else", b"{}", NOW_S) == ([], [])
    assert (scanners.malformed, scanners.unknown) == (0, 0)


@pytest.mark.parametrize(
    ("pattern", "topic", "match"),
    [
        ("a/+/c", "a/b/c", True),
        ("a/+/c", "a/b/d", False),
        ("a/+", "a/b/c", False),
        ("a/#", "a/b/c", True),
        ("#", "a", True),
        ("/gw/+/status", "/gw/x/status", True),
        ("a/b/c", "a/b", False),
    ],
)
def test_topics_match_filters_as_in_mqtt(pattern: str, topic: str, match: bool) -> None:
    assert matches(pattern, topic) is match


def test_nothing_of_a_strangers_address_is_kept(scanners: RemoteScanners) -> None:
    heard: Callable[[str], str] = lambda kind: repr(scanners.parse(SAMPLES[kind][0], json.dumps(SAMPLES[kind][1]).encode(), NOW_S))  # noqa: E731
    for kind in FORMATS:
        assert "c0:00:00" not in heard(kind).lower()
        assert "c00000000001" not in heard(kind).lower()
