"""A connection that is made again for ever: a fresh link each time, the next broker, a pause with jitter."""

from __future__ import annotations

from queue import SimpleQueue
from random import Random

import structlog

from gateway.mqtt.broker_selector import BrokerSelector
from gateway.mqtt.credentials import Credentials
from gateway.mqtt.link import Link, LinkError, LinkEvent, SessionRole, Up
from gateway.settings import MqttSettings

CONNACK_PATIENCE_S = 5.0
"""Who has not answered by then will not."""
LOOK_S = 5.0
"""How often a link that is up is looked at: most ends are told, not every one."""
STEADY_S = 10.0
"""A connection that lasted so long was a good one: the pauses begin again at the shortest."""

log = structlog.get_logger(__name__)


class ReconnectingLink:
    """Keeps one link open. To be tended by the one thread that also reads `events`. Times are monotonic seconds."""

    def __init__(
        self, role: SessionRole, settings: MqttSettings, credentials: Credentials, events: SimpleQueue[object], rng: Random
    ) -> None:
        self._role = role
        self._settings = settings
        self._credentials = credentials
        self._events = events
        self._selector = BrokerSelector(settings.brokers, settings.protocol, settings.pause_max_s, rng)
        self._link: Link | None = None
        self._since_s = 0.0
        self._next_s = 0.0
        self._is_up = False
        self._looked_s = 0.0
        self.reason = "not connected yet"
        """Why there is no connection; empty while there is one."""

    @property
    def current(self) -> Link | None:
        """The link, when the broker has accepted it."""
        return self._link if self._is_up else None

    @property
    def endpoint(self) -> str:
        """Return where we are, or try to be."""
        return str(self._selector.endpoint)

    def concerns(self, event: LinkEvent) -> bool:
        """Return whether the event is of the present link: a closed one may have left some in the queue."""
        return event.link is self._link

    def tend(self, now_s: float) -> None:
        """Open a link when it is time, and give up on one that doesn't answer or has ended untold. May take a few seconds."""
        self._looked_s = now_s
        if self._link is None and now_s >= self._next_s:
            self._open(now_s)
        elif self._link is not None and not self._is_up and now_s - self._since_s > CONNACK_PATIENCE_S:
            self.drop("no answer to CONNECT", now_s)
        elif self._link is not None and self._is_up and not self._link.is_alive():
            self.drop("lost: the connection ended without a word", now_s)

    def next_s(self) -> float:
        """Return when `tend` has something to do."""
        if self._link is None:
            return self._next_s
        return self._looked_s + LOOK_S if self._is_up else self._since_s + CONNACK_PATIENCE_S

    def came_up(self, event: Up, now_s: float) -> None:
        """The broker accepted."""
        self._is_up = True
        self._since_s = now_s
        self.reason = ""
        log.info("connected", broker=str(event.link.endpoint), client=self._role.client_id)

    def drop(self, reason: str, now_s: float) -> None:
        """The link has ended, or is to be ended; plan the next."""
        if self._link is None:
            return
        self._link.close()
        self._link = None
        if not self._is_up:
            self._selector.refused()
        else:
            if now_s - self._since_s >= STEADY_S:
                self._selector.held()
            self._selector.lost()
        self._is_up = False
        self._plan_next(reason, now_s)

    def close(self) -> None:
        """Say goodbye."""
        if self._link is not None:
            self._link.close()
            self._link = None
        self._is_up = False
        self.reason = "closed"

    def _open(self, now_s: float) -> None:
        link = Link(self._selector.endpoint, self._role, self._credentials, self._settings.keepalive_s, self._events)
        self._since_s = now_s
        try:
            link.open()
        except LinkError as error:
            self._selector.unreachable()
            self._plan_next(str(error), now_s)
            return
        self._link = link

    def _plan_next(self, reason: str, now_s: float) -> None:
        pause_s = self._selector.pause_s()
        self._next_s = now_s + pause_s
        # Once for each reason: a broker that is away all night needn't fill the log.
        say = log.debug if reason == self.reason else log.warning
        self.reason = reason
        say(
            "no connection to the broker; trying again, and nothing is lost meanwhile",
            why=reason,
            next=self.endpoint,
            pause_s=round(pause_s, 2),
            client=self._role.client_id,
        )
