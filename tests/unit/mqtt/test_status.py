"""Birth, will, health, head counts, and Home Assistant's discovery."""

from __future__ import annotations

import json
from typing import Any

from gateway.messages import Occupancy
from gateway.mqtt.status import Notice, StatusPublisher
from gateway.mqtt.topics import GatewayIdentity
from gateway.settings import MqttSettings

BOX = GatewayIdentity("demo-chain", "demo", "gw-1")
STATUS = "etalage/v1/demo-chain/demo/gateways/gw-1/status"
FIGURES = (Occupancy(zone="wine", count=17), Occupancy(zone="bread", count=None, fewer_than=15))


def make(home_assistant: bool = False) -> StatusPublisher:
    settings = MqttSettings(status_every_s=60, occupancy_every_s=30, home_assistant=home_assistant)
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


def test_home_assistant_hears_of_the_box_and_of_each_zone_once_a_connection() -> None:
    notices = make(home_assistant=True)
    _, box = notices.birth(1000.0, 5.0)
    assert box.topic == "homeassistant/binary_sensor/etalage_demo-chain_demo_gw-1_online/config"
    assert body(box)["state_topic"] == STATUS
    zones = [notice for notice in notices.due(1000.0, 5.0) if notice.topic.startswith("homeassistant/sensor/")]
    assert [body(zone)["name"] for zone in zones] == ["wine", "bread"]
    assert body(zones[0])["state_topic"].endswith("/zones/wine/occupancy")
    assert not [notice for notice in notices.due(1030.0, 35.0) if "homeassistant" in notice.topic]
    assert len(notices.birth(1040.0, 40.0)) == 2


def test_without_the_option_nothing_is_said_outside_our_own_topics() -> None:
    notices = make()
    said = [*notices.birth(1000.0, 5.0), *notices.due(1000.0, 5.0), notices.farewell(1000.0)]
    assert all(notice.topic.startswith(BOX.prefix) for notice in said)
