"""The courier against real brokers: what is promised arrives, whatever the broker does."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from firmware_sim.backend import Backend
from firmware_sim.broker import EmbeddedBroker
from gateway.mqtt.courier import Courier
from gateway.mqtt.credentials import read_credentials
from gateway.mqtt.notice import Notice
from gateway.mqtt.status import StatusPublisher
from gateway.mqtt.topics import GatewayIdentity
from gateway.settings import MqttSettings, StorageSettings
from gateway.storage import Connection, Store, open_store, outbox, quarantine
from tests.support.mosquitto import DURABLE, OPEN_TO_ALL, Mosquitto, wait_for

BOX = GatewayIdentity("demo-chain", "demo", "gw-1")
Put = Callable[..., None]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(StorageSettings(path=tmp_path / "etalage.db"))
    yield opened
    opened.close()


@pytest.fixture(params=["mosquitto", "embedded"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Mosquitto | EmbeddedBroker]:
    """Both brokers the product is run with: one speaks MQTT 5, the other 3.1.1 only."""
    made = Mosquitto(tmp_path / "broker", (*OPEN_TO_ALL, *DURABLE)) if request.param == "mosquitto" else EmbeddedBroker()
    with made:
        yield made


@pytest.fixture
def courier(store: Store) -> Iterator[Callable[..., Courier]]:
    """Starts a courier to these brokers; stops it at the end."""
    started: list[Courier] = []

    def start(*urls: str, release: Callable[[Connection, str], None] = lambda *_: None, **fields: Any) -> Courier:
        settings = MqttSettings(brokers=urls, pause_max_s=1.0, **fields)
        status = StatusPublisher(BOX, settings)
        started.append(Courier(store, settings, BOX, read_credentials(settings), status, release=release, clock=time.time))
        started[-1].start()
        return started[-1]

    yield start
    for each in started:
        each.stop(2.0)


@pytest.fixture
def put(store: Store) -> Put:
    """Puts an announcement into the outbox, as a promise does."""

    def write(promise: str, shopper: str = "s-1", *, lasts_s: float = 600.0, size: int = 0, **fields: Any) -> None:
        now_s = time.time()
        data = {"promise": promise, "shopper": shopper, "content": {"body": "x" * size}}
        event = {
            "source": BOX.source,
            "id": promise,
            "type": "etalage.offer.promised",
            "time": "2026-11-21T10:00:00Z",
            "data": data,
        }
        body = json.dumps(event)
        row = {"topic": "offers", "shopper": shopper, "body": body, "at_s": now_s, "expires_at_s": now_s + lasts_s, **fields}
        store.writer.submit(lambda connection: outbox.put(connection, event_id=promise, **row)).result()

    return write


@pytest.fixture
def backend(broker: Mosquitto | EmbeddedBroker) -> Iterator[Backend]:
    made = Backend(broker.url, "demo-chain", "demo").start()
    assert wait_for(lambda: made.connected, 10)
    yield made
    made.stop()


def waiting(store: Store) -> int:
    with store.read() as connection:
        return outbox.count(connection)


def test_promises_arrive_once_and_in_order_per_shopper(
    store: Store, broker: Mosquitto | EmbeddedBroker, backend: Backend, courier: Callable[..., Courier], put: Put
) -> None:
    courier(broker.url)
    for number in range(200):
        put(f"p-{number:03}", f"s-{number % 7}")
    assert wait_for(lambda: len(backend.cards) == 200, 30)
    assert all(order == sorted(order) for order in backend.order.values())
    assert backend.counts["repeated"] == 0
    assert wait_for(lambda: waiting(store) == 0, 5)


def test_what_was_promised_before_the_broker_came_arrives_afterwards(
    broker: Mosquitto | EmbeddedBroker, backend: Backend, courier: Callable[..., Courier], put: Put
) -> None:
    for number in range(40):
        put(f"p-{number:03}", f"s-{number % 3}")
    courier("mqtt://127.0.0.1:1", broker.url)  # nobody listens on the first
    assert wait_for(lambda: len(backend.cards) == 40, 30)
    assert all(order == sorted(order) for order in backend.order.values())


def test_a_broker_that_forgets_what_it_acknowledged_loses_no_promise(
    store: Store, courier: Callable[..., Courier], put: Put
) -> None:
    """The backend is away, the broker acknowledges and dies without having written anything: the announcements go again."""
    broker = EmbeddedBroker().start()
    sender = courier(broker.url)
    for number in range(20):
        put(f"p-{number:03}", f"s-{number % 3}")
    assert wait_for(lambda: sender.health()["acknowledged"] == 20, 20)
    broker.stop()
    with EmbeddedBroker(broker.port) as again:
        backend = Backend(again.url, "demo-chain", "demo").start()
        assert wait_for(lambda: len(backend.cards) == 20, 30)
        backend.stop()
    assert set(backend.counts) >= {"receipts.delivered"}


def test_an_announcement_that_ended_unsent_is_released_and_never_sent(
    store: Store, broker: Mosquitto | EmbeddedBroker, backend: Backend, courier: Callable[..., Courier], put: Put
) -> None:
    released: list[str] = []
    put("over", lasts_s=-1.0)
    put("good")
    courier(broker.url, release=lambda _connection, event_id: released.append(event_id))
    assert wait_for(lambda: "good" in backend.cards and released == ["over"], 20)
    assert "over" not in backend.cards
    assert wait_for(lambda: waiting(store) == 0, 5)


def test_a_withdrawal_overtakes_everything_that_waits(
    broker: Mosquitto | EmbeddedBroker, backend: Backend, courier: Callable[..., Courier], put: Put, store: Store
) -> None:
    arrived: list[str] = []
    backend._client.on_message = lambda _client, _data, message: arrived.append(json.loads(message.payload)["id"])
    for number in range(50):
        put(f"p-{number:03}", f"s-{number}")
    put("w-1", "s-60", topic="offers/withdrawn", urgent=True)
    courier(broker.url)
    assert wait_for(lambda: len(arrived) >= 20, 20)
    assert "w-1" in arrived[:16]


def test_a_cancelled_shopper_gets_nothing_more(
    store: Store, broker: Mosquitto | EmbeddedBroker, backend: Backend, courier: Callable[..., Courier], put: Put
) -> None:
    put("mine", "s-1")
    put("theirs", "s-2")
    gone = store.writer.submit(lambda connection: outbox.cancel_unsent(connection, "s-1")).result()
    courier(broker.url)
    assert wait_for(lambda: "theirs" in backend.cards, 20)
    assert gone == ["mine"]
    assert "mine" not in backend.cards


def test_poison_is_set_aside_and_blocks_nobody(store: Store, courier: Callable[..., Courier], put: Put) -> None:
    """The embedded broker closes the connection on whoever sends too much: the classic poison."""
    with EmbeddedBroker() as broker:
        backend = Backend(broker.url, "demo-chain", "demo").start()
        sender = courier(broker.url)
        put("poison", "s-1", size=300_000)
        deadline_s = time.monotonic() + 90
        while sender.health()["set_aside"] == 0 and time.monotonic() < deadline_s:
            good = f"good-{len(backend.cards)}"
            put(good, "s-2")
            assert wait_for(partial(backend.cards.__contains__, good), 30)
        backend.stop()
    assert sender.health()["set_aside"] == 1
    with store.read() as connection:
        [aside] = quarantine.quarantined(connection)
    assert aside.event_id == "poison"
    assert "3 times" in aside.reason


def test_a_message_larger_than_the_broker_takes_is_not_even_tried(
    tmp_path: Path, store: Store, courier: Callable[..., Courier], put: Put
) -> None:
    """An MQTT 5 broker says what it takes; the connection is not broken for it."""
    with Mosquitto(tmp_path / "small", (*OPEN_TO_ALL, "max_packet_size 5000")) as broker:
        backend = Backend(broker.url, "demo-chain", "demo").start()
        sender = courier(broker.url)
        put("large", "s-1", size=20_000)
        put("good", "s-2")
        assert wait_for(lambda: "good" in backend.cards, 20)
        assert wait_for(lambda: sender.health()["suspects"] == 1, 5)
        assert sender.health()["state"] == "up"
        backend.stop()
    assert "large" not in backend.cards


def test_a_broker_that_refuses_by_name_keeps_the_message_here(
    tmp_path: Path, store: Store, courier: Callable[..., Courier], put: Put
) -> None:
    """PUBACK with a failure looks like success to a careless client; here nothing is lost, and it goes once it is allowed."""
    rights = tmp_path / "acl"
    rights.write_text("topic read #\ntopic write etalage/v1/demo-chain/demo/gateways/#\n", encoding="utf-8")
    broker = Mosquitto(tmp_path / "strict", (*OPEN_TO_ALL, f"acl_file {rights}"))
    with broker, capture_logs() as said:
        sender = courier(broker.url, protocol="5")
        put("p-1")
        assert wait_for(lambda: sender.health()["suspects"] == 1, 20)
        assert waiting(store) == 1
        sender.tell(Notice(f"{BOX.prefix}zones/wine/occupancy", "{}", 1))
        refused = {"offers", "zones/wine/occupancy"}
        assert wait_for(lambda: {str(line.get("topic")).removeprefix(BOX.prefix) for line in said} >= refused, 20)
    rights.write_text("topic readwrite #\n", encoding="utf-8")
    with broker:
        backend = Backend(broker.url, "demo-chain", "demo").start()
        assert wait_for(lambda: "p-1" in backend.cards, 30)
        backend.stop()


def test_the_box_is_online_while_it_lives_and_offline_after_it(
    broker: Mosquitto | EmbeddedBroker, backend: Backend, courier: Callable[..., Courier]
) -> None:
    said: list[str] = []
    client = backend._client
    client.message_callback_add(BOX.status_topic, lambda _c, _d, m: said.append(json.loads(m.payload)["data"]["state"]))
    client.subscribe(BOX.status_topic, qos=1)
    sender = courier(broker.url)
    assert wait_for(lambda: said[-1:] == ["online"], 10)
    sender.stop()
    assert wait_for(lambda: said[-1:] == ["offline"], 10)


def test_what_is_of_use_now_or_never_goes_past_the_outbox(
    store: Store, broker: Mosquitto | EmbeddedBroker, backend: Backend, courier: Callable[..., Courier]
) -> None:
    heard: list[str] = []
    client = backend._client
    client.message_callback_add(f"{BOX.prefix}sightings/+", lambda _c, _d, m: heard.append(m.topic))
    client.subscribe(f"{BOX.prefix}sightings/+", qos=1)
    sender = courier(broker.url)
    assert wait_for(lambda: sender.health()["state"] == "up", 10)
    time.sleep(0.2)  # the subscription's own round trip; nothing tells us of it here
    sender.tell(Notice(f"{BOX.prefix}sightings/pi-2", "{}", 0, 30.0, retain=False))
    assert wait_for(lambda: heard == [f"{BOX.prefix}sightings/pi-2"], 10)
    assert waiting(store) == 0


def test_a_stop_waits_for_what_is_under_way(
    store: Store, broker: Mosquitto | EmbeddedBroker, backend: Backend, courier: Callable[..., Courier], put: Put
) -> None:
    sender = courier(broker.url)
    for number in range(30):
        put(f"p-{number}", f"s-{number}")
    sender.stop(5.0)
    health = sender.health()
    assert health["under_way"] == 0
    assert health["sent"] == health["acknowledged"]
    assert waiting(store) == 30 - int(health["acknowledged"])
