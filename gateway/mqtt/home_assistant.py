"""Home Assistant's MQTT discovery (https://www.home-assistant.io/integrations/mqtt/): the box, and the plan's zones as sensors.

Told at every birth, retained. What was told is remembered in a file, so that a zone that went, or all of it once switched off,
is taken back by empty messages; where nothing ever was told, nothing is said outside our own topics.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog

from gateway import __version__
from gateway.mqtt.link import JSON
from gateway.mqtt.notice import OCCUPANCY_EXPIRY_S, Notice
from gateway.mqtt.topics import GatewayIdentity
from gateway.private_files import put_in_place

PREFIX = "homeassistant"

log = structlog.get_logger(__name__)


class Discovery:
    """What Home Assistant is told. `zones`: id to name; `remembered`: the file; `url`: where a person finds the dashboard."""

    def __init__(
        self,
        identity: GatewayIdentity,
        zones: Mapping[str, str],
        wanted: bool,
        *,
        remembered: Path | None = None,
        url: str | None = None,
    ) -> None:
        shared = {"device": _device(identity, url), "origin": {"name": "Etalage", "sw_version": __version__}}
        node = _node(identity)
        told = {f"{PREFIX}/binary_sensor/{node}_online/config": _box(identity)}
        told |= {f"{PREFIX}/sensor/{node}_{zone}/config": _zone(identity, zone, name) for zone, name in zones.items()}
        self._told = {topic: json.dumps(part | shared, ensure_ascii=False) for topic, part in told.items()} if wanted else {}
        self._remembered = remembered

    def notices(self) -> Sequence[Notice]:
        """Return what is told and taken back on a new connection."""
        before = self._before()
        gone = [Notice(topic, "", 1, content_type=JSON) for topic in before if topic not in self._told]
        if self._remembered is not None and set(before) != set(self._told):
            put_in_place(self._remembered, json.dumps(sorted({*before, *self._told} if gone else self._told)).encode())
        return [*gone, *(Notice(topic, body, 1, content_type=JSON) for topic, body in self._told.items())]

    def _before(self) -> list[str]:
        """The topics told earlier; those taken back are told again and again, which is harmless and outlives a broker's loss."""
        if self._remembered is None or not self._remembered.exists():
            return []
        try:
            return [topic for topic in json.loads(self._remembered.read_text(encoding="utf-8")) if isinstance(topic, str)]
        except (OSError, ValueError) as error:
            log.warning("what Home Assistant was told can't be read; nothing is taken back", file=self._remembered, why=str(error))
            return []


def _box(identity: GatewayIdentity) -> dict[str, object]:
    """Return whether the box is there; named after its device."""
    return {
        "unique_id": f"{_node(identity)}_online",
        "name": None,
        "device_class": "connectivity",
        "entity_category": "diagnostic",
        "state_topic": identity.status_topic,
        "value_template": "{{ 'ON' if value_json.data.state == 'online' else 'OFF' }}",
    }


def _zone(identity: GatewayIdentity, zone: str, name: str) -> dict[str, object]:
    """A zone's head count; below k it is unknown, not zero."""
    return {
        "unique_id": f"{_node(identity)}_{zone}",
        "name": name,
        "icon": "mdi:account-group",
        "state_class": "measurement",
        "state_topic": f"{identity.prefix}zones/{zone}/occupancy",
        "value_template": "{{ value_json.data.count }}",
        "expire_after": int(OCCUPANCY_EXPIRY_S),
        "unit_of_measurement": "people",
        "availability_topic": identity.status_topic,
        "availability_template": "{{ value_json.data.state }}",
    }


def _device(identity: GatewayIdentity, url: str | None) -> dict[str, object]:
    device: dict[str, object] = {
        "identifiers": [_node(identity)],
        "name": f"Etalage {identity.store} {identity.gateway}",
        "manufacturer": "Etalage",
        "model": "In-store gateway",
        "sw_version": __version__,
    }
    return device if url is None else {**device, "configuration_url": url}


def _node(identity: GatewayIdentity) -> str:
    return f"etalage_{identity.chain}_{identity.store}_{identity.gateway}"
