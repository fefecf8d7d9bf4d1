"""paho's callbacks: they put an event into the queue, and never raise."""

from __future__ import annotations

import ssl
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from paho.mqtt.client import MQTTMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from gateway.mqtt.broker_selector import Endpoint
from gateway.mqtt.credentials import Credentials, read_credentials
from gateway.mqtt.link import SHED_BEYOND, Acked, Arrived, Link, LinkError, SessionRole, Subscribed, _properties
from gateway.settings import MqttSettings, SettingsError

NONE = _properties(PacketTypes.PUBACK)


@pytest.fixture
def events() -> SimpleQueue[Any]:
    return SimpleQueue()


@pytest.fixture
def link(events: SimpleQueue[Any]) -> Link:
    return Link(
        Endpoint("127.0.0.1", 1, False, "5"), SessionRole("test"), Credentials(None, None, ssl.create_default_context()), 30, events
    )


def message(topic: bytes, qos: int = 1) -> MQTTMessage:
    made = MQTTMessage(mid=7, topic=topic)
    made.qos, made.payload = qos, b"{}"
    return made


def test_a_refused_publish_does_not_look_like_a_success(link: Link, events: SimpleQueue[Any]) -> None:
    link._on_publish(link._client, None, 3, ReasonCode(PacketTypes.PUBACK, "Not authorized"), NONE)
    link._on_publish(link._client, None, 4, ReasonCode(PacketTypes.PUBACK, "Success"), NONE)
    link._on_publish(link._client, None, 5, ReasonCode(PacketTypes.PUBACK, "No matching subscribers"), NONE)
    assert [(event.mid, event.failure) for event in (events.get(), events.get(), events.get())] == [
        (3, "Not authorized"),
        (4, ""),
        (5, ""),
    ]


def test_a_topic_we_may_not_read_is_told(link: Link, events: SimpleQueue[Any]) -> None:
    link._on_subscribe(link._client, None, 1, [ReasonCode(PacketTypes.SUBACK, "Not authorized")], None)
    link._on_subscribe(link._client, None, 2, [ReasonCode(PacketTypes.SUBACK, "Granted QoS 1")], None)
    assert [events.get(), events.get()] == [Subscribed(link, 1, False), Subscribed(link, 2, True)]


def test_a_topic_that_is_no_text_raises_nothing(link: Link, events: SimpleQueue[Any]) -> None:
    link._on_message(link._client, None, message(b"\xff\xfe"))
    assert events.get().topic == ""


def test_a_message_at_qos_0_needs_no_acknowledgement(link: Link, events: SimpleQueue[Any]) -> None:
    link._on_message(link._client, None, message(b"a", qos=0))
    arrived = events.get()
    assert isinstance(arrived, Arrived)
    assert arrived.mid == 0
    link.acknowledge(arrived)


def test_beyond_what_can_be_held_messages_stay_on_the_network(link: Link, events: SimpleQueue[Any]) -> None:
    for _ in range(SHED_BEYOND + 10):
        link._on_message(link._client, None, message(b"a"))
    assert events.qsize() == SHED_BEYOND
    assert link.shed == 10


def test_nobody_listening_is_a_link_error(link: Link) -> None:
    with pytest.raises(LinkError, match="refused"):
        link.open()


def test_a_topic_that_may_not_be_published_to_is_a_link_error(link: Link) -> None:
    with pytest.raises(LinkError):
        link.publish("a/#", "{}")


def test_an_acknowledgement_is_a_value(link: Link) -> None:
    assert Acked(link, 1, "") == Acked(link, 1, "")


@pytest.mark.parametrize(("text", "fault"), [("", "is empty"), ("\n", "is empty"), (None, "can't be read")])
def test_a_password_file_that_says_nothing_stops_the_start(tmp_path: Path, text: str | None, fault: str) -> None:
    secret = tmp_path / "password"
    if text is not None:
        secret.write_text(text, encoding="utf-8")
        secret.chmod(0o600)
    with pytest.raises(SettingsError, match=fault):
        read_credentials(MqttSettings(password_file=secret))


def test_a_ca_file_that_is_none_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "ca").write_text("not a certificate", encoding="utf-8")
    with pytest.raises(SettingsError, match="ca_file"):
        read_credentials(MqttSettings(ca_file=tmp_path / "ca"))
