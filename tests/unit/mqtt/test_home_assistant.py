"""What Home Assistant is told fits its own discovery schema, and its templates find in our messages what they look for.

The schema is a small one of ours, compared by eye with the mqtt integration of Home Assistant 2024.3.3 (mixins.py, discovery.py,
sensor.py, binary_sensor.py), which refuses a key that it doesn't know. The integration itself isn't run here.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from jinja2 import Environment
from jsonschema import Draft202012Validator

from gateway.messages import Occupancy
from gateway.mqtt.home_assistant import Discovery
from gateway.mqtt.status import StatusPublisher
from gateway.mqtt.topics import GatewayIdentity
from gateway.settings import MqttSettings

BOX = GatewayIdentity("demo-chain", "demo", "gw-1")
TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
TOPIC = {"type": "string", "pattern": "^[^#+\\u0000]{1,65535}$"}
DEVICE = {
    "type": "object",
    "properties": dict.fromkeys(("name", "manufacturer", "model", "model_id", "sw_version", "hw_version", "serial_number"), TEXT)
    | {
        "identifiers": {"anyOf": [TEXT, {"type": "array", "items": TEXT, "minItems": 1}]},
        "configuration_url": {"type": "string", "pattern": "^(https?|homeassistant)://."},
        "suggested_area": TEXT,
        "via_device": TEXT,
    },
    "required": ["identifiers"],
    "additionalProperties": False,
}
ORIGIN = {
    "type": "object",
    "properties": {"name": TEXT, "sw_version": TEXT, "support_url": TEXT},
    "required": ["name"],
    "additionalProperties": False,
}
SHARED = {
    "availability_mode": {"enum": ["all", "any", "latest"]},
    "availability_template": TEXT,
    "availability_topic": TOPIC,
    "device": DEVICE,
    "enabled_by_default": {"type": "boolean"},
    "entity_category": {"enum": ["config", "diagnostic"]},
    "expire_after": {"type": "integer", "minimum": 0},
    "force_update": {"type": "boolean"},
    "icon": {"type": "string", "pattern": "^[a-z]+:[a-z0-9-]+$"},
    "name": {"type": ["string", "null"]},
    "object_id": TEXT,
    "origin": ORIGIN,
    "payload_available": TEXT,
    "payload_not_available": TEXT,
    "qos": {"enum": [0, 1, 2]},
    "state_topic": TOPIC,
    "unique_id": TEXT,
    "value_template": TEXT,
}
OWN: dict[str, dict[str, Any]] = {
    "sensor": {
        "device_class": TEXT,
        "state_class": {"enum": ["measurement", "measurement_angle", "total", "total_increasing"]},
        "suggested_display_precision": {"type": "integer", "minimum": 0},
        "unit_of_measurement": {"type": ["string", "null"]},
    },
    "binary_sensor": {"device_class": {"enum": ["connectivity", "occupancy", "presence", "problem", "running"]}, "payload_on": TEXT}
    | {"payload_off": TEXT, "off_delay": {"type": "integer"}},
}
ENTITY_CATEGORIES = {"sensor": {"diagnostic"}, "binary_sensor": {"diagnostic"}}


def told() -> dict[str, dict[str, Any]]:
    """What the gateway tells Home Assistant: topic to configuration."""
    discovery = Discovery(BOX, {"wine": "Wijn", "bread": "Brood & banket"}, True, url="https://box.local:8443/")
    return {notice.topic: json.loads(notice.body) for notice in discovery.notices()}


def shown(template: str, payload: Any) -> str:
    """A template as Home Assistant renders it: over `value_json`."""
    return Environment(autoescape=False).from_string(template).render(value_json=payload)


@pytest.mark.parametrize("topic", sorted(told()))
def test_each_configuration_fits_home_assistant_s_own_schema(topic: str) -> None:
    prefix, component, node, last = topic.split("/")
    assert (prefix, last) == ("homeassistant", "config")
    assert all(sign.isalnum() or sign in "_-" for sign in node)
    schema = {"type": "object", "properties": SHARED | OWN[component], "required": ["state_topic"], "additionalProperties": False}
    configuration = told()[topic]
    assert list(Draft202012Validator(schema).iter_errors(configuration)) == []
    assert {"unique_id", "device", "origin"} <= configuration.keys()
    assert configuration.get("entity_category") in {None, *ENTITY_CATEGORIES[component]}


def test_ids_are_one_each_and_all_belong_to_one_device() -> None:
    configurations = told().values()
    assert len({one["unique_id"] for one in configurations}) == 3
    assert len({json.dumps(one["device"]) for one in configurations}) == 1


def test_templates_find_the_state_the_availability_and_the_count() -> None:
    figures = (Occupancy(zone="wine", count=17), Occupancy(zone="bread", count=None, fewer_than=15))
    publisher = StatusPublisher(BOX, MqttSettings(), occupancy=lambda: figures)
    status = [json.loads(publisher.birth(0.0, 0.0)[0].body), json.loads(publisher.will(0.0).body)]
    counts = {notice.topic: json.loads(notice.body) for notice in publisher.due(0.0, 0.0)}
    box = next(one for topic, one in told().items() if "binary_sensor" in topic)
    assert [shown(box["value_template"], one) for one in status] == ["ON", "OFF"]
    zones = [one for topic, one in told().items() if "/sensor/" in topic]
    for zone in zones:
        assert [shown(zone["availability_template"], one) for one in status] == ["online", "offline"]
    counted = {zone["name"]: shown(zone["value_template"], counts[zone["state_topic"]]) for zone in zones}
    assert counted == {"Wijn": "17", "Brood & banket": "None"}  # which Home Assistant takes for unknown
