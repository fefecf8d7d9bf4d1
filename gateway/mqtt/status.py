"""What the box says about itself: birth, health, last will, head counts; and the same for Home Assistant, where wanted.

None of it goes through the outbox: a figure that is late is worth nothing, and the next one replaces it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from gateway import __version__
from gateway.messages import AnyEvent, Occupancy, Status
from gateway.mqtt.home_assistant import Discovery
from gateway.mqtt.link import Will
from gateway.mqtt.notice import OCCUPANCY_EXPIRY_S, Notice
from gateway.mqtt.topics import GatewayIdentity
from gateway.settings import MqttSettings

HealthFigures = Mapping[str, str | int | float | bool]


class StatusPublisher:
    """Decides which notice is due. `health` and `occupancy` are asked at that moment; times are epoch seconds or monotonic."""

    def __init__(
        self,
        identity: GatewayIdentity,
        settings: MqttSettings,
        *,
        health: Callable[[], HealthFigures] = dict,
        occupancy: Callable[[], Sequence[Occupancy]] = tuple,
        discovery: Discovery | None = None,
    ) -> None:
        self._identity = identity
        self._settings = settings
        self._health = health
        self._occupancy = occupancy
        self._discovery = discovery or Discovery(identity, {}, settings.home_assistant)
        self._boot = uuid.uuid4().hex
        self._status_s = 0.0
        self._occupancy_s = 0.0

    def will(self, at_s: float) -> Will:
        """Return what the broker says when we vanish."""
        return Will(self._identity.status_topic, self._status("offline", {}, at_s))

    def birth(self, at_s: float, now_s: float) -> list[Notice]:
        """Return what is said first on a new connection; `now_s` monotonic."""
        self._status_s = now_s + self._settings.status_every_s
        self._occupancy_s = now_s
        return [self._online(at_s), *self._discovery.notices()]

    def due(self, at_s: float, now_s: float) -> list[Notice]:
        """Return what is due now; `now_s` monotonic."""
        notices: list[Notice] = []
        if now_s >= self._status_s:
            self._status_s = now_s + self._settings.status_every_s
            notices.append(self._online(at_s))
        if now_s >= self._occupancy_s:
            self._occupancy_s = now_s + self._settings.occupancy_every_s
            notices += [self._zone(figure, at_s) for figure in self._occupancy()]
        return notices

    def next_s(self) -> float:
        """Return when the next one is due, monotonic."""
        return min(self._status_s, self._occupancy_s)

    def farewell(self, at_s: float) -> Notice:
        """Return what is said before an orderly goodbye, for which a broker sends no last will."""
        return Notice(self._identity.status_topic, self._status("offline", {}, at_s), 1)

    def _online(self, at_s: float) -> Notice:
        return Notice(self._identity.status_topic, self._status("online", self._health(), at_s), 1)

    def _status(self, state: Literal["online", "offline"], health: HealthFigures, at_s: float) -> str:
        data = Status(state=state, boot=self._boot, version=__version__, health=dict(health))
        return event_text(self._identity, data, at_s)

    def _zone(self, figure: Occupancy, at_s: float) -> Notice:
        topic = f"{self._identity.prefix}zones/{figure.zone}/occupancy"
        return Notice(topic, event_text(self._identity, figure, at_s), 0, OCCUPANCY_EXPIRY_S)


def event_text(identity: GatewayIdentity, data: Any, at_s: float, event_id: str | None = None) -> str:
    """`data` in its envelope, as the JSON that goes over the wire."""
    event = AnyEvent(
        specversion="1.0",
        id=event_id or str(uuid.uuid4()),
        source=identity.source,
        type=data.TYPE,
        time=datetime.fromtimestamp(at_s, UTC),
        data=data,
    )
    return event.model_dump_json()
