"""Client certificates end to end: Mosquitto demands one, its common name is the user of the access list, no password anywhere."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from gateway.messages import Event, Outcome, Receipt
from gateway.mqtt.broker_selector import Endpoint
from gateway.mqtt.courier import Courier
from gateway.mqtt.credentials import Credentials, read_credentials
from gateway.mqtt.handlers import InboundHandlers
from gateway.mqtt.inbox import Inbox
from gateway.mqtt.link import Acked, Arrived, Down, Link, LinkError, SessionRole, Subscribed, Up
from gateway.mqtt.status import StatusPublisher
from gateway.mqtt.topics import GatewayIdentity
from gateway.settings import MqttSettings, SettingsError, StorageSettings
from gateway.storage import Store, Transaction, open_store, outbox
from tests.support.mosquitto import HOST, Mosquitto, free_port, wait_for

DEPLOY = Path(__file__).parents[2] / "deploy" / "mosquitto"
BOX = GatewayIdentity("demo-chain", "demo", "gw-1")
AS_THE_README_SAYS = ("require_certificate true", "use_identity_as_username true")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the scripts in deploy/ make, and nothing else."""
    made = tmp_path_factory.mktemp("mosquitto")
    surroundings = {**os.environ, "ETALAGE_MOSQUITTO": str(made)}
    commands = (["certificates.sh", HOST], ["users.sh", "gw-1"], ["install.sh", "demo-chain", "demo"])
    for command in (*commands, ["client.sh", "gw-1"], ["client.sh", "backend"]):
        subprocess.run([DEPLOY / command[0], *command[1:]], env=surroundings, check=True, capture_output=True, cwd=DEPLOY)
    return made


@pytest.fixture
def broker(folder: Path, tmp_path: Path) -> Iterator[Mosquitto]:
    lines = (DEPLOY / "mosquitto.conf").read_text(encoding="utf-8").replace("/etc/mosquitto/etalage", str(folder)).splitlines()
    kept = [line for line in lines if not line.startswith(("listener", "log_dest", "password_file"))]
    with Mosquitto(tmp_path / "broker", (*kept, *AS_THE_README_SAYS), free_port()) as made:
        yield made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(StorageSettings(path=tmp_path / "etalage.db"))
    yield opened
    opened.close()


def settings_of(folder: Path, broker: Mosquitto, name: str) -> MqttSettings:
    secrets = folder / "secrets"
    files = {"certificate_file": secrets / f"{name}.crt", "key_file": secrets / f"{name}.key", "ca_file": folder / "ca.crt"}
    return MqttSettings(brokers=(f"mqtts://{HOST}:{broker.port}",), **files)


def connect(broker: Mosquitto, credentials: Credentials) -> tuple[Link, SimpleQueue[Any]]:
    events: SimpleQueue[Any] = SimpleQueue()
    link = Link(Endpoint(HOST, broker.port, True, "5"), SessionRole("other-side"), credentials, 30, events)
    link.open()
    return link, events


def test_a_promise_and_its_receipt_travel_with_certificates_alone(folder: Path, broker: Mosquitto, store: Store) -> None:
    mqtt = settings_of(folder, broker, "gw-1")
    credentials, taken = read_credentials(mqtt), []

    def take(_tx: Transaction, event: Event[Receipt]) -> Outcome:
        taken.append(event.data.promise)
        return Outcome()

    courier = Courier(store, mqtt, BOX, credentials, StatusPublisher(BOX, mqtt), release=lambda *_: None, clock=time.time)
    inbox = Inbox(store, mqtt, BOX, credentials, InboundHandlers(BOX, {Receipt.TYPE: take}), lambda call: call(), clock=time.time)
    backend, events = connect(broker, read_credentials(settings_of(folder, broker, "backend")))
    assert isinstance(events.get(timeout=10), Up)
    backend.subscribe([f"{BOX.prefix}offers"])
    assert isinstance(events.get(timeout=10), Subscribed)
    courier.start()
    inbox.start()
    row: dict[str, Any] = {"topic": "offers", "shopper": "s-1", "body": '{"id": "p-1"}', "expires_at_s": None, "at_s": time.time()}
    store.writer.submit(lambda connection: outbox.put(connection, event_id="p-1", **row)).result(10)
    arrived = events.get(timeout=10)
    assert isinstance(arrived, Arrived)
    assert json.loads(arrived.body) == {"id": "p-1"}
    assert wait_for(lambda: inbox.health()["state"] == "up", 10)
    head = {"specversion": "1.0", "id": "r-1", "source": "backend", "type": Receipt.TYPE, "time": "2026-11-21T10:12:09Z"}
    backend.publish(f"{BOX.prefix}receipts", json.dumps({**head, "data": {"promise": "p-1", "what": "shown"}}))
    assert wait_for(lambda: taken == ["p-1"], 10)
    assert not inbox.health()["not_allowed"]
    inbox.stop()
    courier.stop()
    backend.close()


def test_the_certificates_name_is_the_user_of_the_access_list(folder: Path, broker: Mosquitto) -> None:
    gateway, events = connect(broker, read_credentials(settings_of(folder, broker, "gw-1")))
    assert isinstance(events.get(timeout=10), Up)
    answers: dict[str, str] = {}
    for topic in ("offers", "receipts"):
        gateway.publish(f"{BOX.prefix}{topic}", "{}")
        answer = events.get(timeout=10)
        assert isinstance(answer, Acked)
        answers[topic] = answer.failure
    gateway.close()
    assert answers == {"offers": "", "receipts": "Not authorized"}


def test_nobody_comes_in_with_a_password_in_place_of_a_certificate(folder: Path, broker: Mosquitto) -> None:
    password = (folder / "secrets" / "gw-1").read_text(encoding="utf-8").strip()
    only_password = Credentials("gw-1", password, ssl.create_default_context(cafile=str(folder / "ca.crt")))
    try:
        link, events = connect(broker, only_password)
    except LinkError:  # under TLS 1.2 the handshake itself fails; under 1.3 the broker hangs up after it
        return
    assert isinstance(events.get(timeout=10), Down)
    link.close()


def test_a_key_that_others_can_read_stops_the_start(folder: Path, broker: Mosquitto, tmp_path: Path) -> None:
    loose = tmp_path / "gw-1.key"
    loose.write_bytes((folder / "secrets" / "gw-1.key").read_bytes())
    loose.chmod(0o640)
    with pytest.raises(SettingsError, match="chmod 600"):
        read_credentials(settings_of(folder, broker, "gw-1").model_copy(update={"key_file": loose}))
