"""Sightings on a connection of their own: of use now or never, and never an opt-in."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from gateway.mqtt.credentials import read_credentials
from gateway.mqtt.sightings import SightingsConsumer, SightingsReader
from gateway.mqtt.topics import GatewayIdentity
from gateway.settings import MqttSettings
from tests.support.mosquitto import DURABLE, HOST, OPEN_TO_ALL, Mosquitto, wait_for

BOX = GatewayIdentity("demo-chain", "demo", "gw-1")
FILTERS = (f"{BOX.prefix}sightings/+", "espresense/devices/+/+")


class Heard:
    """What was read: (topic, body, retained), and by which thread."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, bytes, bool]] = []
        self.threads: set[str] = set()

    def take(self, topic: str, body: bytes, _at_s: float, retained: bool) -> None:
        self.threads.add(threading.current_thread().name)
        self.messages.append((topic, body, retained))


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "broker", (*OPEN_TO_ALL, *DURABLE)) as made:
        yield made


@pytest.fixture
def scanner(broker: Mosquitto) -> Iterator[Client]:
    client = Client(CallbackAPIVersion.VERSION2, client_id="scanner")
    client.connect(HOST, broker.port)
    client.loop_start()
    assert wait_for(client.is_connected, 10)
    yield client
    client.disconnect()
    client.loop_stop()


@pytest.fixture
def reader(broker: Mosquitto) -> Iterator[Callable[[Heard], SightingsReader]]:
    """Starts a reader that is subscribed; all are stopped at the end."""
    started: list[SightingsReader] = []

    def start(heard: Heard) -> SightingsReader:
        settings = MqttSettings(brokers=(broker.url,), pause_max_s=1.0)
        credentials = read_credentials(settings)
        consumer = SightingsConsumer(FILTERS, heard.take)
        made = SightingsReader(settings, BOX, credentials, consumer, lambda call: call(), clock=time.time)
        started.append(made)
        made.start()
        assert wait_for(lambda: made.is_up, 15)
        return made

    yield start
    for one in started:
        one.stop()
        assert one.failure is None


def test_what_scanners_say_is_brought_to_who_takes_it(reader: Callable[[Heard], SightingsReader], scanner: Client) -> None:
    heard = Heard()
    reader(heard)
    scanner.publish(FILTERS[0].replace("+", "pi-2"), b"one", qos=1)
    scanner.publish("espresense/devices/x/wine", b"two", qos=0)
    assert wait_for(lambda: len(heard.messages) == 2, 10)
    assert heard.messages == [(f"{BOX.prefix}sightings/pi-2", b"one", False), ("espresense/devices/x/wine", b"two", False)]


def test_nothing_queues_while_the_gateway_is_away(reader: Callable[[Heard], SightingsReader], scanner: Client) -> None:
    before, after = Heard(), Heard()
    reader(before).stop()
    for number in range(100):
        scanner.publish("espresense/devices/x/wine", json.dumps(number), qos=1).wait_for_publish(10)
    reader(after)
    scanner.publish("espresense/devices/x/wine", b"now", qos=1)
    assert wait_for(lambda: after.messages != [], 10)
    assert [body for _, body, _ in after.messages] == [b"now"]


def test_what_the_broker_had_kept_is_known_for_it(reader: Callable[[Heard], SightingsReader], scanner: Client) -> None:
    scanner.publish("espresense/devices/x/wine", b"old", qos=1, retain=True).wait_for_publish(10)
    heard = Heard()
    reader(heard)
    scanner.publish("espresense/devices/x/wine", b"new", qos=1, retain=True)
    assert wait_for(lambda: len(heard.messages) == 2, 10)
    assert [(body, retained) for _, body, retained in heard.messages] == [(b"old", True), (b"new", False)]


def test_a_lost_connection_is_made_again(reader: Callable[[Heard], SightingsReader], scanner: Client, broker: Mosquitto) -> None:
    heard = Heard()
    made = reader(heard)
    broker.stop()
    assert wait_for(lambda: not made.is_up, 10)
    broker.start()
    assert wait_for(lambda: made.is_up and scanner.is_connected(), 30)
    scanner.publish("espresense/devices/x/wine", b"again", qos=1)
    assert wait_for(lambda: heard.messages != [], 10)
