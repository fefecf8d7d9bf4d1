"""A hostile hour on a real Mosquitto: duplicated, reordered, corrupted, truncated and oversized messages, torn connections.

What is taken is compared with a plain model: the highest version of each shopper, each receipt once.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select, update

from gateway.messages import Event, Outcome, Profile, Receipt
from gateway.mqtt.credentials import read_credentials
from gateway.mqtt.handlers import Handler, InboundHandlers
from gateway.mqtt.inbox import Inbox
from gateway.mqtt.topics import GatewayIdentity
from gateway.settings import MqttSettings, StorageSettings
from gateway.storage import Store, Transaction, open_store
from tests.support.mosquitto import DURABLE, HOST, OPEN_TO_ALL, Mosquitto, wait_for

BOX = GatewayIdentity("demo-chain", "demo", "gw-1")
SHOPPERS, VERSIONS, RECEIPTS = 8, 12, 60
tables = MetaData()
state = Table("test_state", tables, Column("shopper", String(16), primary_key=True), Column("version", Integer))
counted = Table("test_counted", tables, Column("seq", Integer, primary_key=True), Column("promise", String(16)))


def take_profile(tx: Transaction, event: Event[Profile]) -> Outcome:
    """The highest version wins, whatever the order."""
    row = tx.connection.execute(select(state.c.version).where(state.c.shopper == event.data.shopper)).scalar()
    if row is None:
        tx.connection.execute(insert(state).values(shopper=event.data.shopper, version=event.data.version))
    elif event.data.version > row:
        tx.connection.execute(update(state).where(state.c.shopper == event.data.shopper).values(version=event.data.version))
    return Outcome()


def take_receipt(tx: Transaction, event: Event[Receipt]) -> Outcome:
    tx.connection.execute(insert(counted).values(promise=event.data.promise))
    return Outcome()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(StorageSettings(path=tmp_path / "etalage.db"))
    tables.create_all(opened.engine)
    yield opened
    opened.close()


def letters(rng: Random) -> list[tuple[str, bytes]]:
    """Everything that is sent, three times over, shuffled, with rubbish in between."""
    head = {"specversion": "1.0", "source": "backend", "time": "2026-11-21T10:00:00Z"}
    good: list[tuple[str, bytes]] = []
    for shopper in range(SHOPPERS):
        for version in range(1, VERSIONS + 1):
            event = {**head, "id": f"pr-{shopper}-{version}", "type": Profile.TYPE}
            good.append(("profiles", json.dumps({**event, "data": {"shopper": f"s-{shopper}", "version": version}}).encode()))
    for number in range(RECEIPTS):
        event = {**head, "id": f"r-{number}", "type": Receipt.TYPE}
        good.append(("receipts", json.dumps({**event, "data": {"promise": f"p-{number}", "what": "shown"}}).encode()))
    sent = [letter for letter in good for _ in range(rng.randint(1, 3))]
    for topic, body in rng.sample(good, 60):
        spoiled = bytearray(body)
        for _ in range(rng.randint(1, 4)):
            spoiled[rng.randrange(len(spoiled))] = rng.randrange(128, 256)  # never UTF-8 by itself, so never a valid message
        sent.append((topic, bytes(spoiled)))
        sent.append((topic, body + b" " * 70_000))
        sent.append((topic, body[: rng.randrange(len(body))]))
    rng.shuffle(sent)
    return sent


@pytest.mark.parametrize("seed", [1, 2])
def test_the_state_after_a_hostile_hour_is_the_models(tmp_path: Path, store: Store, seed: int) -> None:
    rng = Random(seed)
    broker = Mosquitto(tmp_path / "broker", (*OPEN_TO_ALL, *DURABLE)).start()
    mqtt = MqttSettings(brokers=(broker.url,), pause_max_s=1.0)
    handlers: dict[str, Handler] = {Profile.TYPE: take_profile, Receipt.TYPE: take_receipt}
    inbox = Inbox(
        store, mqtt, BOX, read_credentials(mqtt), InboundHandlers(BOX, handlers), lambda call: call(), rng=rng, clock=time.time
    )
    inbox.start()
    assert wait_for(lambda: inbox.health()["state"] == "up", 10)
    sender = Client(CallbackAPIVersion.VERSION2, client_id="hostile", clean_session=False)
    sender.connect(HOST, broker.port)
    sender.loop_start()
    for number, (topic, body) in enumerate(letters(rng)):
        sender.publish(BOX.prefix + topic, body, qos=1).wait_for_publish(10)
        if number % 150 == 149:  # the gateway's connection is torn
            link = inbox._link.current
            if link is not None:
                link._client.socket().close()  # type: ignore[union-attr]  # paho's socket is there while the link is up
    versions = {f"s-{shopper}": VERSIONS for shopper in range(SHOPPERS)}
    receipts = {f"p-{number}": 1 for number in range(RECEIPTS)}
    settled = wait_for(lambda: read(store) == (versions, receipts), 60, every_s=0.1)
    sender.disconnect()
    sender.loop_stop()
    inbox.stop()
    broker.stop()
    assert settled, read(store)
    health: dict[str, Any] = dict(inbox.health())
    assert health["state"] == "down"
    assert health["failed"] == 0
    assert health["refused"] >= 170


def read(store: Store) -> tuple[dict[str, int], dict[str, int]]:
    with store.read() as connection:
        versions = {row.shopper: row.version for row in connection.execute(select(state))}
        return versions, dict(Counter(connection.execute(select(counted.c.promise)).scalars()))
