"""The inbox against real brokers: each message once, acknowledged after its commit, answered, and never more than can be held."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from firmware_sim.broker import EmbeddedBroker
from gateway.messages import Event, OptInGiven, OptInWithdrawn, Outcome, Profile, Receipt
from gateway.mqtt.copies import Copies
from gateway.mqtt.correlation import Correlations
from gateway.mqtt.courier import Courier
from gateway.mqtt.credentials import read_credentials
from gateway.mqtt.handlers import InboundHandlers
from gateway.mqtt.inbox import Inbox
from gateway.mqtt.status import StatusPublisher
from gateway.mqtt.topics import GatewayIdentity
from gateway.objections import Objection
from gateway.settings import MqttSettings, StorageSettings
from gateway.storage import Store, Transaction, open_store
from tests.support.mosquitto import DURABLE, HOST, OPEN_TO_ALL, Mosquitto, wait_for

BOX = GatewayIdentity("demo-chain", "demo", "gw-1")
TYPES = (OptInGiven, OptInWithdrawn, Profile, Receipt)


class Desk:
    """The gateway's side: what was handled, in order; and how handling goes wrong on demand."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.handled: list[str] = []
        self.then: list[str] = []
        self.threads: set[str] = set()
        self.fail: set[str] = set()
        self.refuse: set[str] = set()
        self.hold = threading.Event()
        self.hold.set()

    def handle(self, tx: Transaction, event: Event[Any]) -> Outcome:
        self.hold.wait(30)
        if event.id in self.fail:
            raise RuntimeError("a fault of ours")
        if event.id in self.refuse:
            return Outcome((Objection("data", "not_now", "not now"),), taken=False)
        self.handled.append(event.id)
        tx.after_commit(lambda: self.then.append(event.id))
        return Outcome()


class Peer:
    """The other side, as plain as can be: publishes, and keeps what comes on `replies`."""

    def __init__(self, port: int, protocol: MQTTProtocolVersion = MQTTProtocolVersion.MQTTv311) -> None:
        self.replies: list[dict[str, Any]] = []
        self.topics: list[str] = []
        self.asked: list[dict[str, Any]] = []
        self.told: list[tuple[str | None, bytes | None]] = []
        """Content type and correlation data of each reply."""
        self.client = Client(CallbackAPIVersion.VERSION2, client_id="peer", protocol=protocol)
        self.client.on_message = self._on_message
        subscribed: list[int] = []
        self.client.on_subscribe = lambda _client, _data, mid, *_: subscribed.append(mid)
        self.client.connect(HOST, port)
        self.client.loop_start()
        assert wait_for(self.client.is_connected, 10)
        for topic in ("replies/#", "sync/request"):
            self.client.subscribe(BOX.prefix + topic, qos=1)
        assert wait_for(lambda: len(subscribed) == 2, 10)

    def _on_message(self, _client: Client, _data: Any, message: Any) -> None:
        data = json.loads(message.payload)["data"]
        if message.topic.endswith("sync/request"):
            self.asked.append(data)
        else:
            self.topics.append(message.topic)
            found = getattr(message, "properties", None)
            self.told.append((getattr(found, "ContentType", None), getattr(found, "CorrelationData", None)))
            self.replies.append(data)

    def say(self, topic: str, body: object, **fields: Any) -> None:
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.client.publish(BOX.prefix + topic, payload, qos=1, **fields)

    def accepted(self) -> list[str]:
        return [reply["accepted"] for reply in self.replies if "accepted" in reply]

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def receipt(event_id: str, **fields: Any) -> dict[str, Any]:
    event = {"specversion": "1.0", "id": event_id, "source": "backend", "type": "etalage.receipt", "time": "2026-11-21T10:12:09Z"}
    return {**event, "data": {"promise": "p-1", "what": "tapped"}, **fields}


def opt_in(shopper: str) -> dict[str, Any]:
    beacon = {"uuid": "e2c56db5dffb48d2b060d0f5a71096e0", "major": 1, "minor": 1}
    data = {"shopper": shopper, "version": 1, "purposes": ["offers"], "identity": {"beacon": beacon}, "consent": {"text": "1"}}
    return {**receipt(f"oi-{shopper}"), "type": "etalage.optin.given", "data": data}


def profile(shopper: str) -> dict[str, Any]:
    data = {"shopper": shopper, "version": 1, "attributes": {}, "affinities": {}}
    return {**receipt(f"pr-{shopper}"), "type": "etalage.profile", "data": data}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(StorageSettings(path=tmp_path / "etalage.db"))
    yield opened
    opened.close()


@pytest.fixture(params=["mosquitto", "embedded"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Mosquitto | EmbeddedBroker]:
    made = Mosquitto(tmp_path / "broker", (*OPEN_TO_ALL, *DURABLE)) if request.param == "mosquitto" else EmbeddedBroker()
    with made:
        yield made


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


@pytest.fixture
def inbox(store: Store, desk: Desk) -> Iterator[Callable[..., Inbox]]:
    """Starts an inbox, and a courier for its replies; stops both at the end."""
    started: list[Inbox | Courier] = []

    copies = Copies()

    def start(url: str, *, express: bool | None = None, **fields: Any) -> Inbox:
        settings = MqttSettings(brokers=(url,), pause_max_s=1.0, **fields)
        credentials = read_credentials(settings)
        correlations = Correlations()
        handlers = InboundHandlers(BOX, {message.TYPE: desk.handle for message in TYPES}, correlations)
        made = Inbox(
            store,
            settings,
            BOX,
            credentials,
            handlers,
            lambda call: call(),
            clock=time.time,
            express=bool(express),
            copies=None if express is None else copies,
        )
        started.append(made)
        made.start()
        assert wait_for(lambda: made.health()["state"] == "up", 15)
        if express:  # the other one of two has a courier
            return made
        courier = Courier(
            store,
            settings,
            BOX,
            credentials,
            StatusPublisher(BOX, settings),
            release=lambda *_: None,
            clock=time.time,
            correlations=correlations,
        )
        started.append(courier)
        courier.start()
        return made

    yield start
    desk.hold.set()
    for each in started:
        each.stop(5.0)


@pytest.fixture
def peer(broker: Mosquitto | EmbeddedBroker) -> Iterator[Peer]:
    made = Peer(broker.port)
    yield made
    made.close()


def test_a_message_is_handled_committed_and_answered(
    broker: Mosquitto | EmbeddedBroker, inbox: Callable[..., Inbox], desk: Desk, peer: Peer
) -> None:
    inbox(broker.url)
    peer.say("receipts", receipt("r-1"))
    assert wait_for(lambda: "r-1" in peer.accepted(), 15)
    assert desk.handled == ["r-1"]
    assert wait_for(lambda: desk.then == ["r-1"], 5)


def test_a_repeated_message_is_answered_and_done_once(
    broker: Mosquitto | EmbeddedBroker, inbox: Callable[..., Inbox], desk: Desk, peer: Peer
) -> None:
    inbox(broker.url)
    for _ in range(5):
        peer.say("receipts", receipt("r-1"))
    peer.say("receipts", receipt("r-2"))
    assert wait_for(lambda: "r-2" in peer.accepted(), 60)
    answers = peer.accepted()  # one that still waited was replaced by the next
    assert set(answers) == {"r-1", "r-2"}
    assert answers.count("r-1") <= 5
    assert desk.handled == ["r-1", "r-2"]


def test_the_same_id_of_another_source_is_another_message(
    broker: Mosquitto | EmbeddedBroker, inbox: Callable[..., Inbox], desk: Desk, peer: Peer
) -> None:
    inbox(broker.url)
    peer.say("receipts", receipt("r-1"))
    peer.say("receipts", receipt("r-1", source="another"))
    assert wait_for(lambda: len(desk.handled) == 2, 15)


def test_what_is_refused_says_why_and_may_come_again_mended(
    broker: Mosquitto | EmbeddedBroker, inbox: Callable[..., Inbox], desk: Desk, peer: Peer
) -> None:
    inbox(broker.url)
    desk.refuse.add("r-1")
    peer.say("receipts", receipt("r-1"))
    assert wait_for(lambda: len(peer.replies) == 1, 15)
    assert peer.replies[0] == {"refused": "r-1", "reasons": [{"path": "data", "code": "not_now", "text": "not now"}]}
    desk.refuse.clear()
    peer.say("receipts", receipt("r-1"))
    assert wait_for(lambda: peer.accepted() == ["r-1"], 15)


def test_a_fault_of_ours_is_answered_and_stops_nothing(
    broker: Mosquitto | EmbeddedBroker, inbox: Callable[..., Inbox], desk: Desk, peer: Peer
) -> None:
    gateway = inbox(broker.url)
    desk.fail.add("r-1")
    peer.say("receipts", receipt("r-1"))
    peer.say("receipts", receipt("r-2"))
    assert wait_for(lambda: peer.accepted() == ["r-2"], 15)
    assert peer.replies[0]["refused"] == "r-1"
    assert peer.replies[0]["reasons"][0]["code"] == "failed"
    assert wait_for(lambda: gateway.health()["failed"] == 1, 5)


@pytest.mark.parametrize("body", [b"", b"\xff\xfe\x00", b"{", b"[" * 5000, b'{"id": 3}', b"null", b"x" * 10_000])
def test_rubbish_is_refused_and_stops_nothing(
    broker: Mosquitto | EmbeddedBroker, inbox: Callable[..., Inbox], desk: Desk, peer: Peer, body: bytes
) -> None:
    gateway = inbox(broker.url)
    peer.say("receipts", body)
    peer.say("receipts", receipt("r-1"))
    assert wait_for(lambda: peer.accepted() == ["r-1"], 15)
    assert wait_for(lambda: gateway.health()["refused"] == 1, 5)


def test_a_withdrawal_overtakes_a_flood_of_receipts(
    broker: Mosquitto | EmbeddedBroker, inbox: Callable[..., Inbox], desk: Desk, peer: Peer
) -> None:
    for express in (False, True):
        inbox(broker.url, express=express)
    for number in range(300):
        peer.say("receipts", receipt(f"r-{number:03}"))
    peer.say("optins", opt_in("s-1"))
    peer.say("profiles", profile("s-1"))
    assert wait_for(lambda: len(desk.handled) == 302, 60)
    assert desk.handled.index("oi-s-1") < 200
    assert desk.handled.index("oi-s-1") < desk.handled.index("pr-s-1"), (
        "what is said of a shopper after their opt-in finds them opted in"
    )


def test_consents_that_come_over_two_sessions_are_taken_and_answered_once(
    broker: Mosquitto | EmbeddedBroker, inbox: Callable[..., Inbox], desk: Desk, peer: Peer
) -> None:
    gateways = [inbox(broker.url, express=express) for express in (False, True)]
    for number in range(20):
        peer.say("optins", opt_in(f"s-{number}"))
        peer.say("profiles", profile(f"s-{number}"))
    assert wait_for(lambda: len(peer.replies) >= 40, 30)
    told = sorted(peer.accepted())
    assert told == sorted([*(f"oi-s-{number}" for number in range(20)), *(f"pr-s-{number}" for number in range(20))])
    if isinstance(broker, Mosquitto):  # the demo's broker keeps the order within a topic only
        order = {one: place for place, one in enumerate(desk.handled)}
        assert all(order[f"oi-s-{number}"] < order[f"pr-s-{number}"] for number in range(20))
    assert all(gateway.health()["repeated"] == 0 for gateway in gateways)


def test_a_message_that_is_too_large_is_refused(tmp_path: Path, inbox: Callable[..., Inbox], desk: Desk) -> None:
    with Mosquitto(tmp_path / "broker") as broker:
        inbox(broker.url)
        peer = Peer(broker.port)
        peer.say("profiles", b'{"id": "big", "data": "' + b"x" * 100_000 + b'"}')
        assert wait_for(lambda: len(peer.replies) == 1, 15)
        peer.close()
    assert peer.replies[0]["reasons"][0]["code"] == "too_large"


def test_what_came_while_the_gateway_was_away_is_there_when_it_returns(
    broker: Mosquitto | EmbeddedBroker, inbox: Callable[..., Inbox], desk: Desk, peer: Peer
) -> None:
    first = inbox(broker.url)
    first.stop()
    for number in range(50):
        peer.say("receipts", receipt(f"r-{number:02}"))
    inbox(broker.url)
    assert wait_for(lambda: len(desk.handled) == 50, 20)
    assert desk.handled == sorted(desk.handled)


def test_what_was_not_committed_comes_again(
    broker: Mosquitto | EmbeddedBroker, inbox: Callable[..., Inbox], desk: Desk, peer: Peer
) -> None:
    """The connection is lost while a message is being handled: the broker brings it again, and it is done once."""
    gateway = inbox(broker.url)
    desk.hold.clear()
    peer.say("receipts", receipt("r-1"))
    assert wait_for(lambda: gateway.health()["pending"] == 1, 15)
    link = gateway._link.current
    assert link is not None
    link._client.socket().close()  # type: ignore[union-attr]  # paho's socket is there while the link is up
    assert wait_for(lambda: gateway._link.current not in (None, link), 20)
    desk.hold.set()
    assert wait_for(lambda: gateway.health()["repeated"] == 1, 20)
    assert desk.handled == ["r-1"]


def test_a_connection_that_ends_without_a_word_is_made_again(
    broker: Mosquitto | EmbeddedBroker, inbox: Callable[..., Inbox], desk: Desk, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So paho does where the socket was closed under it: its thread returns, and nobody is told."""
    gateway = inbox(broker.url)
    assert wait_for(lambda: gateway.health()["state"] == "up", 15)
    link = gateway._link.current
    assert link is not None
    monkeypatch.setattr(link._client, "_loop", lambda _timeout_s: MQTTErrorCode.MQTT_ERR_CONN_LOST)
    assert wait_for(lambda: gateway._link.current not in (None, link), 30)
    peer.say("receipts", receipt("r-1"))
    assert wait_for(lambda: desk.handled == ["r-1"], 20)


def test_a_flood_stays_with_the_broker(tmp_path: Path, inbox: Callable[..., Inbox], desk: Desk) -> None:
    """While the database is busy, the broker may have 64 messages at us and no more; all are handled in the end."""
    with Mosquitto(tmp_path / "broker", (*OPEN_TO_ALL, "max_queued_messages 100000", "max_inflight_messages 0")) as broker:
        gateway = inbox(broker.url)
        peer = Peer(broker.port)
        desk.hold.clear()
        for number in range(1000):
            peer.say("receipts", receipt(f"r-{number:04}"))
        assert wait_for(lambda: int(gateway.health()["pending"]) >= 10, 15)
        assert not wait_for(lambda: int(gateway.health()["pending"]) > 64, 1.0)
        desk.hold.set()
        assert wait_for(lambda: len(desk.handled) == 1000, 60)
        peer.close()
    assert desk.handled == sorted(desk.handled)


def test_a_new_database_asks_for_everything_page_by_page(
    broker: Mosquitto | EmbeddedBroker, inbox: Callable[..., Inbox], desk: Desk, peer: Peer
) -> None:
    inbox(broker.url)
    assert wait_for(lambda: peer.asked == [{"gateway": "gw-1", "cursor": None}], 15)

    def page(number: int, following: str | None) -> dict[str, Any]:
        data = {
            "events": [opt_in(f"s-{number}-{one}") for one in range(3)] + [{"id": "bad", "type": "nonsense"}],
            "next": following,
        }
        return {**receipt(f"page-{number}"), "type": "etalage.sync.page", "data": data}

    peer.say("sync/pages/gw-1", page(1, "2"))
    assert wait_for(lambda: peer.asked[1:] == [{"gateway": "gw-1", "cursor": "2"}], 15)
    peer.say("sync/pages/gw-1", page(1, "2"))
    peer.say("sync/pages/gw-1", page(2, None))
    assert wait_for(lambda: peer.accepted() == ["page-1", "page-1", "page-2"], 15)
    assert len(desk.handled) == 6
    assert len(peer.asked) == 2
    assert {reply["refused"] for reply in peer.replies if "refused" in reply} == {"bad"}


def test_a_reply_goes_where_an_mqtt_5_sender_wants_it_below_replies_only(
    tmp_path: Path, inbox: Callable[..., Inbox], desk: Desk
) -> None:
    with Mosquitto(tmp_path / "broker") as broker:
        inbox(broker.url)
        peer = Peer(broker.port, MQTTProtocolVersion.MQTTv5)
        for number, topic in enumerate((f"{BOX.prefix}replies/app-7", f"{BOX.prefix}optins", "elsewhere/at/all")):
            wish = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho leaves it without types
            wish.ResponseTopic = topic
            peer.say("receipts", receipt(f"r-{number}"), properties=wish)
        assert wait_for(lambda: len(peer.replies) == 3, 15)
        peer.close()
    assert sorted(peer.topics) == [f"{BOX.prefix}replies"] * 2 + [f"{BOX.prefix}replies/app-7"]


def test_a_reply_is_a_cloud_event_by_its_content_type_and_echoes_what_the_sender_wants_to_find_on_it(
    tmp_path: Path, inbox: Callable[..., Inbox], desk: Desk
) -> None:
    with Mosquitto(tmp_path / "broker") as broker:
        inbox(broker.url)
        peer = Peer(broker.port, MQTTProtocolVersion.MQTTv5)
        wish = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho leaves it without types
        wish.CorrelationData = b"\x00call-7"
        peer.say("receipts", receipt("r-1"), properties=wish)
        peer.say("receipts", receipt("r-2"))
        assert wait_for(lambda: len(peer.replies) == 2, 15)
        peer.close()
    assert peer.told == [("application/cloudevents+json", b"\x00call-7"), ("application/cloudevents+json", None)]
