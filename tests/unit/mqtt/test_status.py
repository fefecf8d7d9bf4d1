"""Birth, will, health, head counts, and Home Assistant's discovery."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gateway.messages import Occupancy
from gateway.mqtt.home_assistant import Discovery
from gateway.mqtt.notice import Notice
from gateway.mqtt.status import StatusPublisher
from gateway.mqtt.topics import GatewayIdentity
from gateway.settings import MqttSettings

BOX = GatewayIdentity("demo-chain", "demo", "gw-1")
STATUS = "etalage/v1/demo-chain/demo/gateways/gw-1/status"
FIGURES = (Occupancy(zone="wine", count=17), Occupancy(zone="bread", count=None, fewer_than=15))


def make() -> StatusPublisher:
    settings = MqttSettings(status_every_s=60, occupancy_every_s=30)
    return StatusPublisher(BOX, settings, health=lambda: {"radio": "hearing"}, occupancy=lambda: FIGURES)


def body(notice: Notice) -> Any:
    return json.loads(notice.body)


def test_the_box_says_online_when_it_connects_and_leaves_offline_as_its_will() -> None:
    notices = make()
    [birth] = notices.birth(1000.0, 5.0)
    will = notices.will(1000.0)
    assert (birth.topic, will.topic) == (STATUS, STATUS)
    assert body(birth)["data"]["state"] == "online"
    assert body(birth)["data"]["health"] == {"radio": "hearing"}
    assert json.loads(will.body)["data"]["state"] == "offline"
    assert body(birth)["data"]["boot"] == json.loads(will.body)["data"]["boot"]
    assert body(birth)["source"] == "etalage/demo-chain/demo/gw-1"


def test_two_starts_have_two_boot_ids() -> None:
    assert body(make().birth(0.0, 0.0)[0])["data"]["boot"] != body(make().birth(0.0, 0.0)[0])["data"]["boot"]


def test_head_counts_come_with_the_connection_and_then_at_their_pace() -> None:
    notices = make()
    notices.birth(1000.0, 5.0)
    first = notices.due(1000.0, 5.0)
    assert [notice.topic.rsplit("/", 2)[1] for notice in first] == ["wine", "bread"]
    assert [notice.qos for notice in first] == [0, 0]
    assert notices.due(1001.0, 6.0) == []
    assert notices.next_s() == 35.0
    assert len(notices.due(1030.0, 35.0)) == 2


def test_below_k_only_fewer_than_k_is_said() -> None:
    notices = make()
    notices.birth(1000.0, 5.0)
    data = body(notices.due(1000.0, 5.0)[1])["data"]
    assert (data["count"], data["fewer_than"]) == (None, 15)


def test_health_is_repeated_at_its_pace() -> None:
    notices = make()
    notices.birth(1000.0, 5.0)
    notices.due(1000.0, 5.0)
    again = [notice for notice in notices.due(1060.0, 65.0) if notice.topic == STATUS]
    assert len(again) == 1
    assert again[0].retain


def told(notices: Sequence[Notice]) -> dict[str, Any]:
    return {notice.topic: json.loads(notice.body) if notice.body else None for notice in notices}


def test_home_assistant_hears_of_the_box_and_of_each_zone_of_the_plan_at_every_birth() -> None:
    found = told(Discovery(BOX, {"wine": "Wijn", "bread": "Brood"}, True, url="https://box.local/").notices())
    box = found["homeassistant/binary_sensor/etalage_demo-chain_demo_gw-1_online/config"]
    wine = found["homeassistant/sensor/etalage_demo-chain_demo_gw-1_wine/config"]
    assert box["state_topic"] == wine["availability_topic"] == STATUS
    assert (wine["name"], wine["state_class"]) == ("Wijn", "measurement")
    assert wine["state_topic"].endswith("/zones/wine/occupancy")
    assert wine["origin"]["name"] == "Etalage"
    assert {"manufacturer", "model", "configuration_url", "sw_version", "identifiers"} <= set(wine["device"])
    assert len(found) == 3


def test_a_zone_that_went_and_all_of_it_once_switched_off_is_taken_back(tmp_path: Path) -> None:
    file = tmp_path / "home-assistant.json"
    before = told(Discovery(BOX, {"wine": "Wijn", "bread": "Brood"}, True, remembered=file).notices())
    after = told(Discovery(BOX, {"wine": "Wijn"}, True, remembered=file).notices())
    assert [topic for topic, said in after.items() if said is None] == [next(topic for topic in before if "bread" in topic)]
    off = told(Discovery(BOX, {"wine": "Wijn"}, False, remembered=file).notices())
    assert set(off) == set(before)
    assert set(off.values()) == {None}


def test_what_home_assistant_never_was_told_is_not_taken_back(tmp_path: Path) -> None:
    assert Discovery(BOX, {"wine": "Wijn"}, False, remembered=tmp_path / "none.json").notices() == []


def test_a_spoilt_memory_of_what_was_told_stops_nothing(tmp_path: Path) -> None:
    file = tmp_path / "home-assistant.json"
    file.write_text("{")
    assert len(Discovery(BOX, {"wine": "Wijn"}, True, remembered=file).notices()) == 2


def test_without_the_option_nothing_is_said_outside_our_own_topics() -> None:
    notices = make()
    said = [*notices.birth(1000.0, 5.0), *notices.due(1000.0, 5.0), notices.farewell(1000.0)]
    assert all(notice.topic.startswith(BOX.prefix) for notice in said)
