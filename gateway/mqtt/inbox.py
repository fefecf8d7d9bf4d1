"""The inbox: takes what the backend sends, one transaction a message, and acknowledges it only when that is committed.

The message, the fact that it was seen, and the reply to it stand in one commit. What was not committed when the process died is
sent again by the broker; what was, is known by its source and id. A sender who floods us is slowed by his own broker: it may have
only so many messages at us that we have not acknowledged. Consents come over a session of their own too, past every flood.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import Future
from random import Random
from typing import NamedTuple

import structlog

from gateway.mqtt.copies import Copies
from gateway.mqtt.credentials import Credentials
from gateway.mqtt.handlers import Done, InboundHandlers
from gateway.mqtt.intake import Refused, read, said_by, types_of
from gateway.mqtt.link import Arrived, LinkEvent, SessionRole, Subscribed, Up
from gateway.mqtt.link_loop import LinkLoop
from gateway.mqtt.status import HealthFigures
from gateway.mqtt.topics import GatewayIdentity, answer_topic
from gateway.safe_error import safe_error
from gateway.settings import MqttSettings
from gateway.storage import Store, outbox

IDLE_S = 5.0
"""How often the inbox looks whether something is due when nothing comes."""
TIDY_S = 600.0
"""How often seen messages whose time is over are forgotten, and a synchronisation without an answer is asked for again."""

CONSENTS = "optins"

log = structlog.get_logger(__name__)

Post = Callable[[Callable[[], None]], None]
"""Runs a callable in the loop's thread, soon and in order."""


class _Settled(NamedTuple):
    """A message's transaction is over."""

    message: Arrived
    event_id: str | None
    """The message's id, where it has one."""
    future: Future[Done]


class Inbox(LinkLoop):
    """Reads the backend's topics. `handlers` do what a message asks for; `post` brings the rest of it to the loop's thread.

    `express`: reads consents only. It shares `copies` with the inbox that reads them among everything else.
    """

    def __init__(
        self,
        store: Store,
        settings: MqttSettings,
        identity: GatewayIdentity,
        credentials: Credentials,
        handlers: InboundHandlers,
        post: Post,
        *,
        clock: Callable[[], float],
        trusted: Callable[[], bool] = lambda: True,
        rng: Random | None = None,
        express: bool = False,
        copies: Copies | None = None,
    ) -> None:
        role = SessionRole(identity.client_id("consents" if express else "in"), session_kept_s=settings.session_kept_s)
        super().__init__("consents" if express else "inbox", role, settings, credentials, rng)
        self._express = express
        self._copies = copies
        self._store = store
        self._settings = settings
        self._identity = identity
        self._handlers = handlers
        self._post = post
        self._clock = clock
        self._trusted = trusted
        self._pending = 0
        self._tidy_s = 0.0
        self._counts = dict.fromkeys(("accepted", "refused", "repeated", "failed"), 0)
        self._topics: dict[str, bool] = {}
        """Topic filters that the broker has answered for, and whether we may read them."""

    def request_sync(self, since_s: float = math.inf) -> None:
        """Ask the backend for all opt-ins and profiles again, unless it was asked since `since_s`. From any thread."""
        self._store.writer.submit(lambda connection: self._handlers.ask_unless_since(connection, self._clock(), since_s))

    def health(self) -> HealthFigures:
        """Return how the reading goes, from any thread."""
        topics = dict(self._topics)
        reading = self._link.current is not None and len(topics) == len(self._filters())
        return {
            "state": "failed" if self._failure else "up" if reading else "down",
            "why": self._failure or self._link.reason,
            "broker": self._link.endpoint,
            "pending": self._pending,
            "not_allowed": ", ".join(sorted(topic for topic, allowed in topics.items() if not allowed)),
            **self._counts,
        }

    # ---- the inbox's thread ----

    def _busy(self) -> bool:
        return self._pending > 0

    def _due_s(self) -> float:
        return min(self._tidy_s, time.monotonic() + IDLE_S)

    def _take(self, event: LinkEvent | _Settled, now_s: float) -> None:
        if isinstance(event, _Settled):
            self._settled(event)
        elif isinstance(event, Arrived):
            self._arrived(event)
        elif isinstance(event, Up):
            self._topics = {}
            event.link.subscribe(self._filters())
        elif isinstance(event, Subscribed):
            topic = event.link.asked[event.mid]
            self._topics[topic] = event.allowed
            if not event.allowed:
                log.error("the broker doesn't let us read a topic; check its access list", topic=topic)

    def _filters(self) -> list[str]:
        prefix = self._identity.prefix
        if self._express:
            return [prefix + CONSENTS]
        topics = (CONSENTS, "profiles", "receipts", "redemptions/+", "purchases/+", f"sync/pages/{self._identity.gateway}")
        return [f"{prefix}{topic}" for topic in topics]

    def _arrived(self, message: Arrived) -> None:
        if self._stopping.is_set():
            return
        topic = message.topic.removeprefix(self._identity.prefix)
        allowed = types_of(topic)
        if not allowed:
            message.link.acknowledge(message)  # nothing of ours: an older version of us may have subscribed to it
            return
        if self._copies is None or topic != CONSENTS:
            self._hand_over(message, topic, allowed)
        elif not self._copies.take_first(message.body, lambda: self._hand_over(message, topic, allowed), express=self._express):
            message.link.acknowledge(message)

    def _hand_over(self, message: Arrived, topic: str, allowed: frozenset[str]) -> None:
        at_s = self._clock()
        found = said_by(read(message.body, allowed, self._settings.inbound_max_bytes), topic)
        self._pending += 1
        work = self._handlers.work(found, self._answer_topic(message), at_s, message.correlation)
        future = self._store.writer.transact(work, patient=topic != CONSENTS)
        event_id = found.event_id if isinstance(found, Refused) else found.id
        future.add_done_callback(lambda done: self._events.put(_Settled(message, event_id, done)))

    def _answer_topic(self, message: Arrived) -> str:
        prefix = self._identity.prefix
        wanted = message.response_topic or ""
        return answer_topic(message.topic.removeprefix(prefix), wanted.removeprefix(prefix) if wanted.startswith(prefix) else "")

    def _settled(self, event: _Settled) -> None:
        self._pending -= 1
        error, about = event.future.exception(), {"topic": event.message.topic, "id": event.event_id}
        if error is not None and outbox.is_away(error):
            log.error("a message couldn't be stored; the broker keeps it", **about, error=safe_error(error))
            return
        if error is not None:  # it will never be stored: without the acknowledgement it would come again for ever
            log.error("a message was lost to a fault in the gateway", **about, fault=safe_error(error))
            self._counts["failed"] += 1
        else:
            done = event.future.result(0)
            self._counts[done.what] += 1
        if event.message.link is self._link.current:
            event.message.link.acknowledge(event.message)

    def _rest(self) -> None:
        """Messages that were left on the network come again on a new connection."""
        link = self._link.current
        if link is not None and link.shed and not self._pending:
            self._link.drop(f"{link.shed} messages were too many at once; fetching them again", time.monotonic())

    def _turn(self, now_s: float) -> None:
        if now_s < self._tidy_s or self._stopping.is_set():
            return
        self._tidy_s = now_s + TIDY_S
        at_s = self._clock()
        kept_s = self._settings.seen_kept_s if self._trusted() else math.inf  # a forgotten message could be taken twice
        self._store.writer.submit(lambda connection: self._handlers.tidy(connection, at_s, kept_s))
