"""What the box says about itself: birth, health, last will, head counts; and the same for Home Assistant, where wanted.

None of it goes through the outbox: a figure that is late is worth nothing, and the next one replaces it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gateway import __version__
from gateway.messages import Event, Occupancy, Status
from gateway.mqtt.link import Will
from gateway.mqtt.topics import GatewayIdentity
from gateway.settings import MqttSettings

OCCUPANCY_EXPIRY_S = 300.0
"""A head count older than this is no head count; MQTT 5 brokers drop it then."""
HOME_ASSISTANT_PREFIX = "homeassistant"

HealthFigures = Mapping[str, str | int | float | bool]


@dataclass(frozen=True, slots=True)
class Notice:
    """One message that is sent now or never. `topic` in full."""

    topic: str
    body: str
    qos: int
    expires_in_s: float | None = None
    retain: bool = True


class StatusPublisher:
    """Decides which notice is due. `health` and `occupancy` are asked at that moment; times are epoch seconds or monotonic."""

    def __init__(
        self,
        identity: GatewayIdentity,
        settings: MqttSettings,
        *,
        health: Callable[[], HealthFigures] = dict,
        occupancy: Callable[[], Sequence[Occupancy]] = tuple,
    ) -> None:
        self._identity = identity
        self._settings = settings
        self._health = health
        self._occupancy = occupancy
        self._boot = uuid.uuid4().hex
        self._status_s = 0.0
        self._occupancy_s = 0.0
        self._announced: set[str] = set()

    def will(self, at_s: float) -> Will:
        """Return what the broker says when we vanish."""
        return Will(self._identity.status_topic, self._status("offline", {}, at_s))

    def birth(self, at_s: float, now_s: float) -> list[Notice]:
        """Return what is said first on a new connection; `now_s` monotonic."""
        self._status_s = now_s + self._settings.status_every_s
        self._occupancy_s = now_s
        self._announced.clear()
        box = [_box_discovery(self._identity)] if self._settings.home_assistant else []
        return [self._online(at_s), *box]

    def due(self, at_s: float, now_s: float) -> list[Notice]:
        """Return what is due now; `now_s` monotonic."""
        notices: list[Notice] = []
        if now_s >= self._status_s:
            self._status_s = now_s + self._settings.status_every_s
            notices.append(self._online(at_s))
        if now_s >= self._occupancy_s:
            self._occupancy_s = now_s + self._settings.occupancy_every_s
            for figure in self._occupancy():
                notices.extend(self._zone(figure, at_s))
        return notices

    def next_s(self) -> float:
        """Return when the next one is due, monotonic."""
        return min(self._status_s, self._occupancy_s)

    def farewell(self, at_s: float) -> Notice:
        """Return what is said before an orderly goodbye, for which a broker sends no last will."""
        return Notice(self._identity.status_topic, self._status("offline", {}, at_s), 1)

    def _online(self, at_s: float) -> Notice:
        return Notice(self._identity.status_topic, self._status("online", self._health(), at_s), 1)

    def _status(self, state: Any, health: HealthFigures, at_s: float) -> str:
        data = Status(state=state, boot=self._boot, version=__version__, health=dict(health))
        return event_text(self._identity, data, at_s)

    def _zone(self, figure: Occupancy, at_s: float) -> list[Notice]:
        topic = f"{self._identity.prefix}zones/{figure.zone}/occupancy"
        notices = [Notice(topic, event_text(self._identity, figure, at_s), 0, OCCUPANCY_EXPIRY_S)]
        if self._settings.home_assistant and figure.zone not in self._announced:
            self._announced.add(figure.zone)
            notices.insert(0, _zone_discovery(self._identity, figure.zone, topic))
        return notices


def event_text(identity: GatewayIdentity, data: Any, at_s: float, event_id: str | None = None) -> str:
    """`data` in its envelope, as the JSON that goes over the wire."""
    event = Event[Any](
        id=event_id or str(uuid.uuid4()), source=identity.source, type=data.TYPE, time=datetime.fromtimestamp(at_s, UTC), data=data
    )
    return event.model_dump_json()


def _box_discovery(identity: GatewayIdentity) -> Notice:
    """Home Assistant's discovery message for "is the box there": see MQTT discovery, binary_sensor, in its documentation."""
    return _discovery(
        "binary_sensor",
        f"{_node(identity)}_online",
        {
            "name": f"Etalage {identity.gateway}",
            "device_class": "connectivity",
            "state_topic": identity.status_topic,
            "value_template": "{{ 'ON' if value_json.data.state == 'online' else 'OFF' }}",
            "device": _device(identity),
        },
    )


def _zone_discovery(identity: GatewayIdentity, zone: str, topic: str) -> Notice:
    """The same for a zone's head count; below k it is unknown, not zero."""
    return _discovery(
        "sensor",
        f"{_node(identity)}_{zone}",
        {
            "name": zone,
            "state_topic": topic,
            "value_template": "{{ value_json.data.count }}",
            "expire_after": int(OCCUPANCY_EXPIRY_S),
            "unit_of_measurement": "people",
            "availability_topic": identity.status_topic,
            "availability_template": "{{ value_json.data.state }}",
            "device": _device(identity),
        },
    )


def _discovery(kind: str, unique_id: str, configuration: Mapping[str, Any]) -> Notice:
    body = json.dumps({"unique_id": unique_id, **configuration})
    return Notice(f"{HOME_ASSISTANT_PREFIX}/{kind}/{unique_id}/config", body, 1)


def _device(identity: GatewayIdentity) -> dict[str, Any]:
    return {"identifiers": [_node(identity)], "name": f"Etalage {identity.store} {identity.gateway}", "sw_version": __version__}


def _node(identity: GatewayIdentity) -> str:
    return f"etalage_{identity.chain}_{identity.store}_{identity.gateway}"
