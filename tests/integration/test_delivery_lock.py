"""Several gateways on one PostgreSQL: one carries the mail at a time, and another goes on when it can't."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from firmware_sim.backend import Backend
from gateway.mqtt.courier import Courier
from gateway.mqtt.credentials import read_credentials
from gateway.mqtt.status import StatusPublisher
from gateway.mqtt.topics import GatewayIdentity
from gateway.settings import MqttSettings, StorageSettings
from gateway.storage import Store, open_store, outbox, promises
from gateway.storage.delivery_lock import DeliveryLock
from tests.support.mosquitto import DURABLE, OPEN_TO_ALL, Mosquitto, wait_for

PROMISING = Path(__file__).parents[1] / "journeys" / "promising.py"
PATIENCE_S = 60.0
Start = Callable[[Store, str, str], Courier]
Begin = Callable[[int], "Gateway"]


@pytest.fixture
def stores(on_postgres: StorageSettings) -> Iterator[tuple[Store, Store]]:
    opened = open_store(on_postgres), open_store(on_postgres)
    yield opened
    for store in opened:
        store.close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "broker", (*OPEN_TO_ALL, *DURABLE)) as made:
        yield made


@pytest.fixture
def backend(broker: Mosquitto) -> Iterator[Backend]:
    made = Backend(broker.url, "demo-chain", "demo").start()
    assert wait_for(lambda: made.connected, 10)
    yield made
    made.stop()


@pytest.fixture
def courier() -> Iterator[Start]:
    """Starts the courier of a gateway; stops them all at the end."""
    started: list[Courier] = []

    def start(store: Store, gateway: str, url: str) -> Courier:
        identity, settings = GatewayIdentity("demo-chain", "demo", gateway), MqttSettings(brokers=(url,), pause_max_s=1.0)
        status = StatusPublisher(identity, settings)
        started.append(
            Courier(store, settings, identity, read_credentials(settings), status, release=lambda *_: None, clock=time.time)
        )
        started[-1].start()
        return started[-1]

    yield start
    for each in started:
        each.stop(2.0)


def put(store: Store, number: int) -> None:
    promise, shopper, now_s = f"p-{number:04}", f"s-{number % 7}", time.time()
    data = {"promise": promise, "shopper": shopper, "content": {"body": "x"}}
    event = {"source": "g", "id": promise, "type": "etalage.offer.promised", "time": "2026-11-21T10:00:00Z", "data": data}
    row: dict[str, Any] = {
        "topic": "offers",
        "shopper": shopper,
        "body": json.dumps(event),
        "at_s": now_s,
        "expires_at_s": now_s + 600,
    }
    store.writer.submit(lambda connection: outbox.put(connection, event_id=promise, **row)).result(PATIENCE_S)


def arrived(backend: Backend, count: int) -> bool:
    return len(backend.cards) >= count


def cut_off(store: Store) -> int:
    """Cut the connection that holds the turn; how many did."""
    holders = sa.text("SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory' AND granted")
    with store.engine.connect() as connection:
        return int(connection.execute(holders).scalar_one())


def carriers(*couriers: Courier) -> int:
    return sum(bool(courier.health()["carries"]) for courier in couriers)


def test_of_two_gateways_one_has_the_turn_until_it_leaves(stores: tuple[Store, Store]) -> None:
    one, other = (DeliveryLock(store.engine) for store in stores)
    assert one.acquire(0.0)
    assert not other.acquire(0.0)
    assert one.acquire(1.0)
    assert not other.acquire(1.0)
    one.release()
    assert not one.held
    assert wait_for(lambda: other.acquire(time.monotonic()), PATIENCE_S)
    assert not one.acquire(2.0)
    other.release()


def test_a_file_has_one_gateway_whose_turn_it_always_is(tmp_path: Path) -> None:
    store = open_store(StorageSettings(path=tmp_path / "etalage.db"))
    lock = DeliveryLock(store.engine)
    assert lock.acquire(0.0)
    lock.release()
    assert not lock.held
    assert lock.acquire(0.0)
    store.close()


def test_two_couriers_send_each_message_once_and_in_order(
    stores: tuple[Store, Store], broker: Mosquitto, backend: Backend, courier: Start
) -> None:
    both = [courier(store, f"gw-{number}", broker.url) for number, store in enumerate(stores, 1)]
    assert wait_for(lambda: carriers(*both) == 1, PATIENCE_S)
    for number in range(300):
        put(stores[number % 2], number)
    assert wait_for(lambda: len(backend.cards) == 300, PATIENCE_S)
    assert backend.counts["repeated"] == 0
    assert all(order == sorted(order) for order in backend.order.values())
    assert sorted(int(each.health()["sent"]) for each in both) == [0, 300]


def test_a_gateway_that_loses_its_broker_leaves_the_mail_to_the_other(
    stores: tuple[Store, Store], broker: Mosquitto, backend: Backend, courier: Start, tmp_path: Path
) -> None:
    with Mosquitto(tmp_path / "other") as elsewhere:
        first = courier(stores[0], "gw-1", elsewhere.url)
        assert wait_for(lambda: carriers(first) == 1, PATIENCE_S)
        second = courier(stores[1], "gw-2", broker.url)
        assert wait_for(lambda: second.health()["state"] == "up", PATIENCE_S)
        assert carriers(second) == 0
    for number in range(20):
        put(stores[0], number)
    assert wait_for(lambda: len(backend.cards) == 20, PATIENCE_S)
    assert (carriers(first), carriers(second)) == (0, 1)


def test_a_turn_whose_connection_is_cut_is_taken_anew_and_nothing_is_lost(
    stores: tuple[Store, Store], broker: Mosquitto, backend: Backend, courier: Start
) -> None:
    both = [courier(store, f"gw-{number}", broker.url) for number, store in enumerate(stores, 1)]
    for number in range(60):
        put(stores[number % 2], number)
        if number % 20 == 10:
            assert wait_for(lambda: cut_off(stores[0]) == 1, PATIENCE_S)
    assert wait_for(lambda: len(backend.cards) == 60, PATIENCE_S)
    assert all(order == sorted(order) for order in backend.order.values())
    assert wait_for(lambda: carriers(*both) == 1, PATIENCE_S)


class Gateway:
    """A whole gateway in a process of its own, to be killed."""

    def __init__(self, words: list[str], log: Path) -> None:
        with log.open("ab") as said:
            self._process = subprocess.Popen([sys.executable, str(PROMISING), *words], stdout=subprocess.PIPE, stderr=said)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def end(self, how: signal.Signals) -> None:
        self._process.send_signal(how)
        self._process.wait(PATIENCE_S)
        if self._process.stdout is not None:
            self._process.stdout.close()


@pytest.fixture
def gateway(stores: tuple[Store, Store], on_postgres: StorageSettings, broker: Mosquitto, tmp_path: Path) -> Iterator[Begin]:
    """Starts a gateway that makes so many promises a second; none outlives the test."""
    started: list[Gateway] = []
    assert on_postgres.url is not None
    database = on_postgres.url.get_secret_value()

    def begin(per_s: int) -> Gateway:
        number = str(len(started) + 1)
        words = [database, broker.url, number, str(per_s), "10000", f"gw-{number}"]
        started.append(Gateway(words, tmp_path / "gateways.log"))
        return started[-1]

    yield begin
    for each in started:
        each.end(signal.SIGKILL)


def test_when_the_gateway_that_carries_is_killed_the_other_sends_what_it_promised(
    stores: tuple[Store, Store], backend: Backend, gateway: Begin
) -> None:
    """Two whole gateways make promises all the while; the one that carries is killed with −9, three times over."""
    running = [gateway(15), gateway(15)]
    for _ in range(3):
        assert wait_for(partial(arrived, backend, len(backend.cards) + 30), PATIENCE_S)
        running.pop(0).end(signal.SIGKILL)
        running.append(gateway(15))
    assert wait_for(partial(arrived, backend, len(backend.cards) + 30), PATIENCE_S)
    for each in running:
        each.end(signal.SIGTERM)
    gateway(0)

    def promised() -> set[str]:
        with stores[0].read() as connection:
            return {row.id for row in promises.page(connection, limit=100_000)}

    assert wait_for(lambda: promised() == set(backend.cards), PATIENCE_S, every_s=0.2)
    codes = [card.data["voucher"]["code"] for card in backend.cards.values()]
    assert len(codes) == len(set(codes))
