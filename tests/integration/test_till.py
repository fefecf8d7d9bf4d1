"""A till on a real Mosquitto, with nothing but MQTT 3.1.1: it asks, is answered, and the backend hears of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from gateway.messages import RedemptionAsked
from gateway.mqtt.courier import Courier
from gateway.mqtt.credentials import read_credentials
from gateway.mqtt.handlers import InboundHandlers
from gateway.mqtt.inbox import Inbox
from gateway.mqtt.status import StatusPublisher
from gateway.mqtt.topics import GatewayIdentity
from gateway.offers.ledger import Ledger
from gateway.settings import MqttSettings, StorageSettings
from gateway.storage import Store, open_store
from rules import Chosen, CodeKind, Codes, Content, Decision, Gate, Group, PlannedVoucher, Situation, Verdict, Worth
from tests.support.mosquitto import DURABLE, HOST, OPEN_TO_ALL, Mosquitto, wait_for

BOX = GatewayIdentity("demo-chain", "demo", "gw-1")
PATIENCE_S = 20.0


class Listener:
    """Somebody on the broker: hears some topics, and may say things."""

    def __init__(self, name: str, port: int, topics: list[str]) -> None:
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv311)
        self._client.on_message = lambda _client, _data, message: self.heard.append(
            (message.topic.removeprefix(BOX.prefix), json.loads(message.payload))
        )
        ready: list[int] = []
        self._client.on_subscribe = lambda _client, _data, mid, *_: ready.append(mid)
        self._client.connect(HOST, port)
        self._client.loop_start()
        assert wait_for(self._client.is_connected, PATIENCE_S)
        for topic in topics:
            self._client.subscribe(BOX.prefix + topic, qos=1)
        assert wait_for(lambda: len(ready) == len(topics), PATIENCE_S)

    def ask(self, code: str, key: str, *, topic: str = "redemptions/till-1", **data: str) -> dict[str, Any]:
        """Ask about a code as till-1, and wait for the answer."""
        before = len(self.heard)
        event: dict[str, Any] = {"specversion": "1.0", "id": key, "source": "till-1", "type": RedemptionAsked.TYPE}
        event |= {"time": datetime.now(UTC).isoformat(), "data": {"till": "till-1", "code": code, **data}}
        self._client.publish(BOX.prefix + topic, json.dumps(event), qos=1)
        assert wait_for(lambda: len(self.heard) > before, PATIENCE_S)
        said: dict[str, Any] = self.heard[-1][1]["data"]
        return said

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(StorageSettings(path=tmp_path / "etalage.db"))
    yield opened
    opened.close()


@pytest.fixture
def ledger(store: Store) -> Ledger:
    return Ledger(store, BOX.source)


@pytest.fixture
def port(tmp_path: Path, store: Store, ledger: Ledger) -> Iterator[int]:
    """A broker's port, with a gateway on it."""
    with Mosquitto(tmp_path / "broker", (*OPEN_TO_ALL, *DURABLE)) as broker:
        settings = MqttSettings(brokers=(f"mqtt://{HOST}:{broker.port}",))
        credentials = read_credentials(settings)
        handlers = InboundHandlers(BOX, {RedemptionAsked.TYPE: lambda tx, event: ledger.take_redemption(tx, event, time.time())})
        inbox = Inbox(store, settings, BOX, credentials, handlers, lambda call: call(), clock=time.time)
        courier = Courier(
            store, settings, BOX, credentials, StatusPublisher(BOX, settings), release=ledger.release_unsent, clock=time.time
        )
        inbox.start()
        courier.start()
        assert wait_for(lambda: inbox.health()["state"] == "up", PATIENCE_S)
        yield broker.port
        inbox.stop()
        courier.stop(2)


def promised(ledger: Ledger, good_for_s: float) -> str:
    """The code of a promise made an hour ago."""
    at_s = time.time() - 3600
    voucher = PlannedVoucher(Worth(percent=10), Codes(CodeKind.GENERATED), 250, at_s + 3600 + good_for_s)
    chosen = Chosen("wine", "voucher", None, "wine", "nl", Content("10 % op wijn", ""), at_s + 7200, 1, 1, 1, voucher)
    decision = Decision((chosen,), (), (Verdict("wine", Gate.CHOSEN),), "b" * 64, Group.TREATED)
    situation = Situation("s-1", at_s, "enter", "wine", 0, "v", frozenset(), "nl", {}, {}, (), 6, frozenset())
    return str(ledger.promise(decision, situation).result().made[0].code)


def test_a_till_redeems_by_message_and_the_backend_hears_of_it(port: int, ledger: Ledger) -> None:
    good, ended = promised(ledger, 3600), promised(ledger, -60)
    backend, till = Listener("backend", port, ["offers/redeemed"]), Listener("till", port, ["replies/till-1"])
    told = till.ask(good, "k-1")
    assert told["accepted"] == "k-1"
    assert (told["redemption"]["answer"], told["redemption"]["title"]) == ("valid", "10 % op wijn")
    assert till.ask(good, "k-1") == told, "asked again, the same"
    assert till.ask(good, "k-2")["redemption"]["answer"] == "already_used"
    assert till.ask(ended, "k-3")["redemption"]["answer"] == "expired"
    assert till.ask("NOPE-NOPE", "k-4")["redemption"]["answer"] == "unknown"
    assert till.ask(good, "k-5", what="reverse")["redemption"]["answer"] == "reversed"
    assert wait_for(lambda: len(backend.heard) == 2, PATIENCE_S)
    assert [event["type"] for _, event in backend.heard] == ["etalage.offer.redeemed", "etalage.offer.reversed"]
    assert {event["data"]["promise"] for _, event in backend.heard} == {told["redemption"]["promise"]}
    for one in (backend, till):
        one.close()


def test_a_till_that_speaks_for_another_or_not_plainly_is_refused(port: int, ledger: Ledger) -> None:
    code = promised(ledger, 3600)
    till = Listener("till", port, ["replies/till-1", "replies/till-2"])
    assert till.ask(code, "k-1", topic="redemptions/till-2")["reasons"][0]["code"] == "wrong_till"
    assert till.heard[-1][0] == "replies/till-2"
    assert till.ask("", "k-2")["reasons"][0]["path"] == "data.code"
    assert till.ask(code, "k-3")["redemption"]["answer"] == "valid"
    till.close()
