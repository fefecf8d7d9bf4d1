"""One connection to one broker: the only module that knows paho.

paho runs in a thread of its own, and its callbacks do nothing but put an event into a queue: an exception in one would kill that
thread while the client still calls itself connected, and a lock of ours held around `publish` and taken in `on_publish` would
deadlock. A client lives for one connection only: a reconnecting paho sends all it ever held at once, whatever the broker can take.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from queue import SimpleQueue
from typing import Any, NamedTuple

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from gateway.mqtt.broker_selector import Endpoint
from gateway.mqtt.credentials import Credentials

CONNECT_TIMEOUT_S = 5.0
"""For TCP and TLS: a broker in the same shop answers in milliseconds, one across the country in tenths of a second."""
PACKET_MAX_BYTES = 1 << 18
"""Largest packet an MQTT 5 broker may send us: four times the largest message we read, so that it is we who explain a refusal."""
RECEIVE_MAX = 64
"""Messages a broker may send ahead of our acknowledgement: the bound on what a flood can make us hold."""
SHED_BEYOND = 1024
"""Events waiting to be handled beyond which a message is not taken from the network: brokers without a window, QoS 0 floods."""
CLOUD_EVENT, JSON = "application/cloudevents+json", "application/json"
"""Content types: of a CloudEvent in structured JSON, by which its SDKs know one (MQTT 5), and of anything else."""
NOT_LET_IN = ("Not authorized", "Bad user name or password")
"""Why a broker turns away who it doesn't know, in paho's words."""
PAHO_INFLIGHT = 64
"""Above every window of ours, so that paho never queues by itself."""


class LinkError(Exception):
    """No connection, or not this one; `str()` says why."""


class Up(NamedTuple):
    """The broker accepted. `receive_max` and `packet_max_bytes` are what it can take."""

    link: Link
    session_present: bool
    receive_max: int
    packet_max_bytes: int


class Down(NamedTuple):
    """The connection ended, or was refused."""

    link: Link
    reason: str


class Acked(NamedTuple):
    """The broker answered a publish: `failure` empty when it has the message, its reason otherwise."""

    link: Link
    mid: int
    failure: str


class Arrived(NamedTuple):
    """A message came in; `mid` 0 at QoS 0."""

    link: Link
    mid: int
    topic: str
    body: bytes
    response_topic: str | None
    retained: bool = False
    """The broker had kept it, and gives it out because we subscribed: it may be of any age."""
    correlation: bytes = b""
    """What an MQTT 5 sender wants to find on the reply."""


class Subscribed(NamedTuple):
    """The broker answered for a topic: what comes from now on reaches us, or it will not let us read it."""

    link: Link
    mid: int
    """The topic is `link.asked[mid]`, for whoever subscribed: the answer may be here before `subscribe` has returned."""
    allowed: bool


LinkEvent = Up | Down | Acked | Arrived | Subscribed


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says in our name when we vanish; retained."""

    topic: str
    body: str


@dataclass(frozen=True, slots=True)
class SessionRole:
    """Who connects, and what the broker keeps for it: 0 seconds is a clean start each time."""

    client_id: str
    session_kept_s: int = 0
    will: Will | None = None


class Link:
    """One paho client for one connection; its events go into `events` as they happen."""

    def __init__(
        self, endpoint: Endpoint, role: SessionRole, credentials: Credentials, keepalive_s: int, events: SimpleQueue[object]
    ) -> None:
        self.endpoint = endpoint
        self.shed = 0
        """Messages not taken from the network because too many were waiting."""
        self._role = role
        self._keepalive_s = keepalive_s
        self._is_closed = False
        self._events = events
        self.asked: dict[int, str] = {}
        """Topics that were subscribed to, by the number under which Subscribed speaks of them."""
        self._is_5 = endpoint.protocol == "5"
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=role.client_id,
            protocol=MQTTProtocolVersion.MQTTv5 if self._is_5 else MQTTProtocolVersion.MQTTv311,
            clean_session=None if self._is_5 else role.session_kept_s == 0,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        self._client.connect_timeout = CONNECT_TIMEOUT_S
        self._client.max_inflight_messages_set(PAHO_INFLIGHT)
        if credentials.user is not None:
            self._client.username_pw_set(credentials.user, credentials.password)
        if endpoint.tls:
            self._client.tls_set_context(credentials.tls)
        if role.will is not None:
            self._client.will_set(role.will.topic, role.will.body, qos=1, retain=True)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish
        self._client.on_message = self._on_message
        self._client.on_subscribe = self._on_subscribe

    def open(self) -> None:
        """Connect; Up or Down follows as an event. Raises LinkError when there is not even a TCP or TLS connection."""
        only_5: dict[str, Any] = {}
        if self._is_5:
            properties = _properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = self._role.session_kept_s
            properties.ReceiveMaximum = RECEIVE_MAX
            properties.MaximumPacketSize = PACKET_MAX_BYTES
            only_5 = {"clean_start": self._role.session_kept_s == 0, "properties": properties}
        try:
            self._client.connect(self.endpoint.host, self.endpoint.port, self._keepalive_s, **only_5)
            self._hurry(socket.TCP_NODELAY)  # else the second message waits until the first has come
        except (OSError, ValueError) as error:
            raise LinkError(str(error) or type(error).__name__) from error
        self._client.loop_start()

    def publish(
        self,
        topic: str,
        body: str,
        *,
        qos: int = 1,
        retain: bool = False,
        expires_in_s: float | None = None,
        content_type: str = CLOUD_EVENT,
        correlation: bytes = b"",
    ) -> int:
        """Hand a message to the network; the number under which Acked will speak of it. Raises LinkError when it can't go."""
        left_s = None if expires_in_s is None else max(1, min(int(expires_in_s), 0xFFFFFFFF))
        properties = _publishing(left_s, content_type, correlation) if self._is_5 else None
        try:
            sent = self._client.publish(topic, body, qos, retain, properties)
        except (ValueError, OSError) as error:
            raise LinkError(str(error)) from error
        if sent.rc not in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN):
            raise LinkError(f"the client refused the message: {sent.rc.name}")
        return sent.mid

    def subscribe(self, topics: Sequence[str], qos: int = 1) -> None:
        """Ask for messages; Subscribed follows for each topic."""
        for topic in topics:
            _, mid = self._client.subscribe(topic, qos=qos)
            if mid is not None:
                self.asked[mid] = topic

    def is_alive(self) -> bool:
        """Return whether anything of this connection can still happen.

        paho's thread can end without a word, for instance where its socket was closed under it: no Down follows then.
        """
        thread = self._client._thread  # there is no public way to ask
        return thread is not None and thread.is_alive()

    def acknowledge(self, message: Arrived) -> None:
        """Tell the broker that `message` is ours now."""
        if message.mid:
            self._client.ack(message.mid, 1)

    def close(self) -> None:
        """Say goodbye and stop paho's thread; no event follows."""
        self._is_closed = True
        self._client.disconnect()
        self._client.loop_stop()

    def _hurry(self, option: int) -> None:
        """Set an option of the TCP connection that trades a packet for less waiting."""
        wire: Any = self._client.socket()
        if wire is not None:
            with suppress(OSError):  # gone already: Down follows
                wire.setsockopt(socket.IPPROTO_TCP, option, 1)

    # ---- paho's thread: put, and nothing else ----

    def _on_connect(
        self, _client: Client, _data: object, flags: ConnectFlags, reason: ReasonCode, found: Properties | None
    ) -> None:
        if reason.is_failure:
            hint = "; compare user and password_file under [mqtt] with the broker's users" if str(reason) in NOT_LET_IN else ""
            self._events.put(Down(self, f"refused: {reason}{hint}"))
            return
        receive_max = getattr(found, "ReceiveMaximum", 0xFFFF)
        packet_max_bytes = getattr(found, "MaximumPacketSize", 1 << 28)
        self._events.put(Up(self, flags.session_present, receive_max, packet_max_bytes))

    def _on_disconnect(
        self, _client: Client, _data: object, _flags: DisconnectFlags, reason: ReasonCode, _found: Properties | None
    ) -> None:
        if not self._is_closed:
            self._events.put(Down(self, f"lost: {reason}"))

    def _on_publish(self, _client: Client, _data: object, mid: int, reason: ReasonCode, _found: Properties) -> None:
        self._events.put(Acked(self, mid, str(reason) if reason.is_failure else ""))
        self._hurry(socket.TCP_QUICKACK)  # else the broker's next answers wait up to 40 ms; forgotten by Linux again and again

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        if self._events.qsize() >= SHED_BEYOND:
            self.shed += 1
            return
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""
        response_topic = getattr(message.properties, "ResponseTopic", None)
        correlation = getattr(message.properties, "CorrelationData", b"")
        mid = message.mid if message.qos else 0
        self._events.put(Arrived(self, mid, topic, bytes(message.payload), response_topic, message.retain, correlation))

    def _on_subscribe(self, _client: Client, _data: object, mid: int, reasons: list[ReasonCode], _found: Properties | None) -> None:
        self._events.put(Subscribed(self, mid, not any(reason.is_failure for reason in reasons)))


@lru_cache(64)
def _publishing(left_s: int | None, content_type: str, correlation: bytes) -> Properties:
    """The properties of a message with so much time left: for paho, making them costs as much as sending."""
    properties = _properties(PacketTypes.PUBLISH)
    properties.PayloadFormatIndicator = 1
    properties.ContentType = content_type
    if left_s is not None:
        properties.MessageExpiryInterval = left_s
    if correlation:
        properties.CorrelationData = correlation
    return properties


def _properties(packet_type: int) -> Properties:
    return Properties(packet_type)  # type: ignore[no-untyped-call]  # paho leaves it without types
