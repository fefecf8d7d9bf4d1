"""The courier: carries what is in the outbox to the broker, and takes it out only when the broker has it.

One thread. It looks at the outbox when a commit wakes it, marks what it is about to send (so that nobody can later say "certainly
never sent" of it), hands it to the link, and removes it once the broker has acknowledged it. What was sent and not acknowledged
when the connection or the process died is sent again under the same id. Of several gateways on one database one carries at a time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random

import structlog

from gateway.mqtt.correlation import Correlations
from gateway.mqtt.credentials import Credentials
from gateway.mqtt.in_flight import InFlight
from gateway.mqtt.link import Acked, Down, Link, LinkError, LinkEvent, SessionRole, Up
from gateway.mqtt.link_loop import LinkLoop
from gateway.mqtt.notice import Notice
from gateway.mqtt.outbox_queue import OutboxQueue
from gateway.mqtt.status import HealthFigures, StatusPublisher
from gateway.mqtt.topics import GatewayIdentity, may_write
from gateway.settings import MqttSettings
from gateway.storage import Store, outbox
from gateway.storage.outbox import Release
from gateway.storage.outgoing import Committed
from gateway.storage.sending import Waiting

ACK_PATIENCE_S = 20.0
"""A broker that owes an answer for longer is taken for dead, although its TCP connection is not."""
RETRY_READ_S = 1.0
"""Pause after the database couldn't be read."""

log = structlog.get_logger(__name__)


class Courier(LinkLoop):
    """Delivers the outbox. `release` is told, in the same transaction, of messages that expired before they were ever sent.

    `may_approach` tells whether shoppers may be approached at a moment.
    """

    def __init__(
        self,
        store: Store,
        settings: MqttSettings,
        identity: GatewayIdentity,
        credentials: Credentials,
        status: StatusPublisher,
        *,
        release: Release,
        may_approach: Callable[[float], bool] = lambda at_s: True,
        clock: Callable[[], float],
        trusted: Callable[[], bool] = lambda: True,
        rng: Random | None = None,
        correlations: Correlations | None = None,
    ) -> None:
        role = SessionRole(identity.client_id("out"), will=status.will(clock()))
        super().__init__("courier", role, settings, credentials, rng, store.outgoing.events)
        self._outgoing = store.outgoing
        self._queue = OutboxQueue(store, release, clock, trusted, may_approach)
        self._status = status
        self._clock = clock
        self._prefix = identity.prefix
        self._correlations = correlations or Correlations()
        self._in_flight = InFlight(settings.window)
        self._notices: dict[int, str] = {}
        """Topics of our own notices that the broker has not answered, by their numbers on the wire."""
        self._packet_max_bytes = 0
        self._read_again_s = 0.0
        self._sent = self._acknowledged = self._set_aside = 0

    def tell(self, notice: Notice) -> None:
        """Send something that is of use now or never, past the outbox; it is dropped when there is no connection. Any thread."""
        self._events.put(notice)

    def health(self) -> HealthFigures:
        """Return how the delivery goes, from any thread."""
        state = "failed" if self._failure else "up" if self._link.current is not None else "down"
        return {
            "state": state,
            "why": self._failure or self._link.reason,
            "carries": self._queue.ours,
            "broker": self._link.endpoint,
            "under_way": self._in_flight.under_way,
            "suspects": self._in_flight.suspects,
            "sent": self._sent,
            "acknowledged": self._acknowledged,
            "expired": self._queue.expired,
            "set_aside": self._set_aside,
        }

    # ---- the courier's thread ----

    def _busy(self) -> bool:
        return self._in_flight.under_way > 0

    def _due_s(self) -> float:
        due = [time.monotonic() + self._queue.idle_s, self._queue.next_s()]
        if self._link.current is not None:
            due += [self._status.next_s(), self._in_flight.next_retry_s()]
        return max(min(due), self._read_again_s)

    def _take(self, event: LinkEvent | Notice | Committed, now_s: float) -> None:
        if isinstance(event, Committed):
            self._outgoing.heard()
        elif isinstance(event, Notice):
            self._notify(event)
        elif isinstance(event, Up):
            self._in_flight.connected(event.receive_max)
            self._packet_max_bytes = event.packet_max_bytes
            for notice in self._status.birth(self._clock(), now_s):
                self._notify(notice)
        elif isinstance(event, Down):
            self._notices.clear()
            self._in_flight.lost(event.reason, now_s)
        elif isinstance(event, Acked):
            self._answered(event, now_s)

    def _answered(self, event: Acked, now_s: float) -> None:
        notice = self._notices.pop(event.mid, "")
        if event.failure:
            row = self._in_flight.refused(event.mid, f"refused: {event.failure}", now_s)
            topic, event_id = (notice, "") if row is None else (self._prefix + row.topic, row.event_id)
            log.warning("the broker refused a message; check its access list", topic=topic, id=event_id, why=event.failure)
            return
        row = self._in_flight.acknowledged(event.mid)
        if row is not None:
            self._acknowledged += 1
            self._queue.delivered(row, now_s)

    def _turn(self, now_s: float) -> None:
        """One round: give up on a silent broker, tidy, tell, and send."""
        if self._in_flight.overdue(now_s, ACK_PATIENCE_S):
            reason = f"no answer for {ACK_PATIENCE_S:.0f} s"
            self._in_flight.lost(reason, now_s)
            self._link.drop(reason, now_s)
        if now_s < self._read_again_s:
            return
        try:
            open_ = self._link.current is not None
            carries = not self._stopping.is_set() and self._queue.carries(open_, now_s)
            self._queue.claim_commits(carries and not self._in_flight.suspects)
            self._set_poison_aside()
            self._queue.tidy(now_s)
            if open_ and not self._stopping.is_set():
                for notice in self._status.due(self._clock(), now_s):
                    self._notify(notice)
            if carries:
                self._send_next(now_s)
        except outbox.DatabaseError as error:
            self._outgoing.claim = None
            self._read_again_s = now_s + RETRY_READ_S
            log.error("the outbox can't be read; trying again", error=str(error.orig))

    def _set_poison_aside(self) -> None:
        for event_id, reason in self._in_flight.poison():
            self._aside(event_id, reason)

    def _aside(self, event_id: str, reason: str) -> None:
        self._queue.set_aside(event_id, reason)
        self._in_flight.gone(event_id)
        self._set_aside += 1
        log.error("a message was set aside; see `etalage quarantine list`", event_id=event_id, why=reason)

    def _send_next(self, now_s: float) -> None:
        """Fill the window from the outbox."""
        plan = self._in_flight.plan(now_s)
        if plan.room == 0:
            return
        rows = self._queue.take(plan)
        if not rows:
            self._in_flight.nothing_waits(plan)
        for row in rows:
            self._send(row)

    def _send(self, row: Waiting) -> None:
        now_s = time.monotonic()
        link = self._link.current
        if link is None:
            return
        if not may_write(row.topic):
            self._aside(row.event_id, "not a topic that this gateway may write")
            return
        if len(row.body.encode()) + len(self._prefix) + 256 > self._packet_max_bytes:
            self._in_flight.unsendable(row, f"larger than the {self._packet_max_bytes} bytes this broker takes", now_s)
            return
        left_s = None if row.expires_at_s is None else row.expires_at_s - self._clock()
        try:
            correlation = self._correlations.of(row.event_id)
            mid = link.publish(self._prefix + row.topic, row.body, expires_in_s=left_s, correlation=correlation)
        except LinkError as error:
            self._in_flight.unsendable(row, str(error), now_s)
            return
        self._in_flight.sent(mid, row, now_s)
        self._sent += 1

    def _notify(self, notice: Notice) -> None:
        """Send a notice; where it will be acknowledged it takes its room in the window."""
        link = self._link.current
        mid = None if link is None else _publish(link, notice)
        if mid is not None and notice.qos:
            self._notices[mid] = notice.topic
            self._in_flight.sent(mid, None, time.monotonic())

    def _closed(self) -> None:
        self._queue.close()

    def _farewell(self) -> None:
        try:
            self._queue.settle()
        except outbox.DatabaseError as error:
            log.warning("what was delivered last couldn't be noted; it is sent once more", error=str(error.orig))
        if self._link.current is not None:
            _publish(self._link.current, self._status.farewell(self._clock()))


def _publish(link: Link, notice: Notice) -> int | None:
    try:
        return link.publish(
            notice.topic,
            notice.body,
            qos=notice.qos,
            retain=notice.retain,
            expires_in_s=notice.expires_in_s,
            content_type=notice.content_type,
        )
    except LinkError as error:
        log.warning("a notice couldn't be sent", topic=notice.topic, why=str(error))
        return None
