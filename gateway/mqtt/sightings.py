"""Reads what other scanners and shoppers' phones heard, on a connection of its own that leaves nothing behind.

Receptions are of use now or never. On the inbox's connection, which the broker remembers, they would queue while the gateway is
away, push consents out of the queue, and be hours old when they come. So here the session is a clean one, at QoS 0: what isn't
taken at once is gone. They pass the database by.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from random import Random
from typing import NamedTuple

import structlog

from gateway.mqtt.credentials import Credentials
from gateway.mqtt.link import Arrived, Down, LinkEvent, Role, Subscribed, Up
from gateway.mqtt.reconnecting import ReconnectingLink
from gateway.mqtt.topics import GatewayIdentity
from gateway.safe_error import safe_error
from gateway.settings import MqttSettings

IDLE_S = 1.0
"""How often the reader looks whether it is to stop when nothing comes."""

log = structlog.get_logger(__name__)

Post = Callable[[Callable[[], None]], None]
"""Runs a callable in the loop's thread, soon and in order."""


class SightingsConsumer(NamedTuple):
    """Who takes sightings: the topic filters to read, and what is called in the loop with (topic, body, at_s, retained)."""

    filters: Sequence[str]
    take: Callable[[str, bytes, float, bool], None]


class SightingsReader:
    """Keeps reading. One thread; `failure` says why it has died, if it has."""

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
        self._consumer = consumer
        self._post = post
        self._clock = clock
        self._events: SimpleQueue[LinkEvent] = SimpleQueue()
        rng = Random()  # noqa: S311  # jitter, no secret
        self._link = ReconnectingLink(Role(identity.client_id("sightings")), settings, credentials, self._events, rng)
        self._stopping = threading.Event()
        self._answered: set[str] = set()
        self.failure: str | None = None
        self._thread = threading.Thread(target=self._run, name="sightings", daemon=True)

    @property
    def is_up(self) -> bool:
        """Tell whether the broker has answered for every topic: what comes from now on reaches us."""
        return self._link.current is not None and len(self._answered) == len(self._consumer.filters)

    def start(self) -> None:
        """Start reading; returns at once."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Stop reading."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    # ---- the reader's thread ----

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                now_s = time.monotonic()
                self._link.tend(now_s)
                try:
                    self._take(self._events.get(timeout=max(0.0, min(self._link.next_s() - now_s, IDLE_S))))
                except Empty:
                    continue
        except Exception as error:
            self.failure = safe_error(error)
            log.error("the reader of sightings has died; the gateway ends, to be started again", fault=self.failure)
        finally:
            self._link.close()

    def _take(self, event: LinkEvent) -> None:
        if not self._link.concerns(event):
            return
        if isinstance(event, Arrived):
            consumer, at_s = self._consumer, self._clock()
            self._post(lambda: consumer.take(event.topic, event.body, at_s, event.retained))
        elif isinstance(event, Up):
            self._link.came_up(event, time.monotonic())
            self._answered = set()
            event.link.subscribe(self._consumer.filters, qos=0)
        elif isinstance(event, Down):
            self._link.drop(event.reason, time.monotonic())
        elif isinstance(event, Subscribed):
            topic = event.link.asked[event.mid]
            self._answered.add(topic)
            if not event.allowed:
                log.error("the broker doesn't let us read a topic; check its access list", topic=topic)
