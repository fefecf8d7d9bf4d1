"""Reads what other scanners and shoppers' phones heard, on a connection of its own that leaves nothing behind.

Receptions are of use now or never. On the inbox's connection, which the broker remembers, they would queue while the gateway is
away, push consents out of the queue, and be hours old when they come. So here the session is a clean one, at QoS 0: what isn't
taken at once is gone. They pass the database by.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import structlog

from gateway.mqtt.credentials import Credentials
from gateway.mqtt.link import Arrived, LinkEvent, SessionRole, Subscribed, Up
from gateway.mqtt.link_loop import LinkLoop
from gateway.mqtt.topics import GatewayIdentity
from gateway.settings import MqttSettings

log = structlog.get_logger(__name__)

Post = Callable[[Callable[[], None]], None]
"""Runs a callable in the loop's thread, soon and in order."""


class SightingsConsumer(NamedTuple):
    """Who takes sightings: the topic filters to read, and what is called in the loop with (topic, body, at_s, retained)."""

    filters: Sequence[str]
    take: Callable[[str, bytes, float, bool], None]


class SightingsReader(LinkLoop):
    """Keeps reading, in one thread."""

    def __init__(
        self,
        settings: MqttSettings,
        identity: GatewayIdentity,
        credentials: Credentials,
        consumer: SightingsConsumer,
        post: Post,
        *,
        clock: Callable[[], float],
    ) -> None:
        super().__init__("sightings", SessionRole(identity.client_id("sightings")), settings, credentials)
        self._consumer = consumer
        self._post = post
        self._clock = clock
        self._answered: set[str] = set()

    @property
    def is_up(self) -> bool:
        """True once the broker has answered for every topic: what comes from now on reaches us."""
        return super().is_up and len(self._answered) == len(self._consumer.filters)

    def _turn(self, now_s: float) -> None:
        """Nothing is due but what arrives."""

    def _due_s(self) -> float:
        return float("inf")

    def _take(self, event: LinkEvent, now_s: float) -> None:
        if isinstance(event, Arrived):
            consumer, at_s = self._consumer, self._clock()
            self._post(lambda: consumer.take(event.topic, event.body, at_s, event.retained))
        elif isinstance(event, Up):
            self._answered = set()
            event.link.subscribe(self._consumer.filters, qos=0)
        elif isinstance(event, Subscribed):
            topic = event.link.asked[event.mid]
            self._answered.add(topic)
            if not event.allowed:
                log.error("the broker doesn't let us read a topic; check its access list", topic=topic)
