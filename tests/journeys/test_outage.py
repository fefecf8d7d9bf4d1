"""What the box does when the broker, the disk or the clock fails it for a while: nothing is lost, and it recovers by itself."""

from __future__ import annotations

import gc
import json
import os
import secrets
import sqlite3
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from firmware_sim.backend import Backend
from gateway.mqtt.courier import Courier
from gateway.mqtt.credentials import read_credentials
from gateway.mqtt.outbox_queue import OutboxQueue
from gateway.mqtt.status import StatusPublisher
from gateway.mqtt.topics import GatewayIdentity
from gateway.offers.ledger import Ledger
from gateway.settings import MqttSettings, StorageSettings
from gateway.storage import Connection, Store, open_store, outbox, sending
from rules import Chosen, Content, Decision, Gate, Group, Situation, Verdict
from tests.support.mosquitto import OPEN_TO_ALL, Mosquitto, wait_for

BOX = GatewayIdentity("demo-chain", "demo", "gw-1")
HOUR_S, DAY_S = 3600.0, 86_400.0
PROMISE_LASTS_S = 2 * HOUR_S


class Clock:
    """Epoch seconds that only move when told."""

    def __init__(self) -> None:
        self.now_s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def settings(tmp_path: Path) -> StorageSettings:
    return StorageSettings(path=tmp_path / "etalage.db", busy_timeout_s=0.2)


@pytest.fixture
def store(settings: StorageSettings) -> Iterator[Store]:
    opened = open_store(settings)
    yield opened
    opened.close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    made = Mosquitto(tmp_path / "broker", OPEN_TO_ALL)
    yield made
    made.stop()


@pytest.fixture
def released() -> list[str]:
    return []


@pytest.fixture
def courier(store: Store, clock: Clock, released: list[str]) -> Iterator[Callable[[str], Courier]]:
    started: list[Courier] = []

    def start(url: str) -> Courier:
        mqtt = MqttSettings(brokers=(url,), pause_max_s=1.0)
        status = StatusPublisher(BOX, mqtt)
        release = lambda _connection, event_id: released.append(event_id)  # noqa: E731  # one line, used once
        started.append(Courier(store, mqtt, BOX, read_credentials(mqtt), status, release=release, clock=clock))
        started[-1].start()
        return started[-1]

    yield start
    for each in started:
        each.stop(1.0)


@pytest.fixture
def amsterdam() -> Iterator[None]:
    """This process in a time zone that has summer time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "Europe/Amsterdam")
        time.tzset()
        yield
    time.tzset()


def put(store: Store, clock: Clock, promise: str, shopper: str) -> None:
    data = {"promise": promise, "shopper": shopper, "content": {"body": "Vandaag 10 % op alle rode wijn." * 10}}
    event = {
        "source": BOX.source,
        "id": promise,
        "type": "etalage.offer.promised",
        "time": "2026-11-21T10:00:00Z",
        "data": data,
    }
    row: dict[str, Any] = {
        "event_id": promise,
        "topic": "offers",
        "shopper": shopper,
        "body": json.dumps(event),
        "at_s": clock.now_s,
    }
    store.writer.submit(partial(outbox.put, **row, expires_at_s=clock.now_s + PROMISE_LASTS_S)).result()


def promise(ledger: Ledger, shopper: str, at_s: float) -> str:
    """A whole promise, as the line makes one; its id once it is on disk."""
    chosen = Chosen("tip", "content", None, "wine", "nl", Content("Wijn", ""), at_s + PROMISE_LASTS_S, 1, 1, 1, None, ())
    decision = Decision((chosen,), (), (Verdict("tip", Gate.CHOSEN),), "b" * 64, Group.TREATED)
    situation = Situation(shopper, at_s, "enter", "wine", 0, "v", frozenset(), "nl", {}, {}, (), 6, frozenset())
    return ledger.promise(decision, situation).result(30).made[0].promise


def test_after_72_hours_without_a_broker_all_that_is_valid_arrives_in_order_and_nothing_else(
    store: Store, settings: StorageSettings, clock: Clock, broker: Mosquitto, courier: Callable[[str], Courier], released: list[str]
) -> None:
    bag = OutboxQueue(store, lambda _connection, event_id: released.append(event_id), clock)
    most = 0
    for hour in range(72):
        for number in range(20):
            clock.now_s += HOUR_S / 20
            put(store, clock, f"p-{hour:02}-{number:02}", f"s-{number % 6}")
        bag.tidy(hour * HOUR_S)
        with store.read() as connection:
            most = max(most, outbox.count(connection))
    made = [f"p-{hour:02}-{number:02}" for hour in range(72) for number in range(20)]
    valid = made[-40:]  # those of the last two hours
    assert most <= 60
    assert settings.path.stat().st_size < 1_000_000
    broker.start()
    backend = Backend(broker.url, "demo-chain", "demo").start()
    assert wait_for(lambda: backend.connected, 10)
    courier(broker.url)
    assert wait_for(lambda: set(backend.cards) >= set(valid), 30)
    assert wait_for(lambda: set(released) == set(made) - set(valid), 10)
    backend.stop()
    assert set(backend.cards) == set(valid)
    assert all(order == sorted(order) for order in backend.order.values())
    assert len(released) == len(set(released))


def test_a_clock_that_jumps_a_day_ahead_ends_what_had_hours_left_and_one_that_jumps_back_loses_nothing(
    store: Store, clock: Clock, broker: Mosquitto, courier: Callable[[str], Courier], released: list[str]
) -> None:
    broker.start()
    backend = Backend(broker.url, "demo-chain", "demo").start()
    assert wait_for(lambda: backend.connected, 10)
    put(store, clock, "before", "s-1")
    clock.now_s += DAY_S
    put(store, clock, "ahead", "s-1")
    clock.now_s -= 2 * DAY_S
    put(store, clock, "behind", "s-2")
    courier(broker.url)
    assert wait_for(lambda: set(backend.cards) == {"before", "ahead", "behind"}, 20)
    clock.now_s += 5 * DAY_S
    store.outgoing.committed()
    put(store, clock, "later", "s-3")
    assert wait_for(lambda: "later" in backend.cards, 20)
    backend.stop()
    assert released == []  # all had been handed to the network: what may have been shown stands


def test_a_locked_database_delays_promises_and_loses_none(
    store: Store, settings: StorageSettings, clock: Clock, broker: Mosquitto, courier: Callable[[str], Courier]
) -> None:
    broker.start()
    backend = Backend(broker.url, "demo-chain", "demo").start()
    assert wait_for(lambda: backend.connected, 10)
    sender = courier(broker.url)
    blocker = sqlite3.connect(settings.path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    row: dict[str, Any] = {"topic": "offers", "shopper": None, "at_s": clock.now_s, "expires_at_s": None}
    body = json.dumps({"source": "g", "id": "p-1", "type": "t", "time": "2026-11-21T10:00:00Z",
                       "data": {"promise": "p-1", "shopper": "s-1"}})  # fmt: skip
    made = store.writer.submit(partial(outbox.put, event_id="p-1", body=body, **row))
    assert wait_for(lambda: store.writer.last_failure is not None, 10)
    assert not made.done()
    blocker.execute("COMMIT")
    blocker.close()
    made.result(10)
    assert wait_for(lambda: "p-1" in backend.cards, 20)
    backend.stop()
    assert store.writer.last_failure is None
    assert sender.health()["state"] == "up"


def test_a_full_disk_stops_promises_and_they_go_on_when_there_is_room_again(store: Store, clock: Clock) -> None:
    def cap(pages: int) -> None:
        with store.engine.connect() as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    def full(connection: Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {limit[0]}")
        row: dict[str, Any] = {"topic": "offers", "shopper": None, "at_s": clock.now_s, "expires_at_s": None, "body": noise}
        outbox.put(connection, event_id=f"p-{limit[0]}", **row)

    noise = secrets.token_hex(40_000)  # bodies are stored packed, and this can't be
    limit = [1]  # SQLite takes the present size in place of a smaller one: from here on the file can't grow
    waiting = [store.writer.submit(full) for _ in range(1)]
    cap(1)
    assert wait_for(lambda: store.writer.last_failure is not None, 10)
    assert "full" in str(store.writer.last_failure)
    assert not waiting[0].done()
    limit[0] = 1_000_000
    waiting[0].result(10)
    with store.read() as connection:
        assert outbox.count(connection) == 1
    assert store.writer.last_failure is None


def test_a_database_that_turns_read_only_delays_promises_and_loses_none(
    store: Store, clock: Clock, broker: Mosquitto, courier: Callable[[str], Courier]
) -> None:
    """SQLITE_READONLY in the writer's own connection, as after the kernel has given a failing card up for writing."""
    broker.start()
    backend = Backend(broker.url, "demo-chain", "demo").start()
    assert wait_for(lambda: backend.connected, 10)
    read_only = ["ON"]

    def work(connection: Connection, promise: str) -> None:
        connection.exec_driver_sql(f"PRAGMA query_only = {read_only[0]}")
        event = {"source": "g", "id": promise, "type": "t", "time": "2026-11-21T10:00:00Z"}
        body = json.dumps({**event, "data": {"promise": promise, "shopper": "s-1"}})
        row: dict[str, Any] = {"topic": "offers", "shopper": "s-1", "at_s": clock.now_s, "expires_at_s": None, "body": body}
        outbox.put(connection, event_id=promise, **row)

    made = [store.writer.submit(partial(work, promise=f"p-{number}")) for number in range(3)]
    assert wait_for(lambda: store.writer.last_failure is not None, 10)
    assert "read-only" in str(store.writer.last_failure)
    assert not any(each.done() for each in made)
    read_only[0] = "OFF"
    for each in made:
        each.result(10)
    courier(broker.url)
    assert wait_for(lambda: backend.order.get("s-1") == ["p-0", "p-1", "p-2"], 20)
    backend.stop()
    assert store.writer.last_failure is None


ON_A_MOUNT_OF_ITS_OWN = """
import subprocess, sys
from pathlib import Path
from gateway.settings import StorageSettings
from gateway.storage import StorageError, open_store, outbox
folder = Path(sys.argv[1])
settings = StorageSettings(path=folder / "etalage.db")
row = {"topic": "offers", "shopper": None, "body": "{}", "at_s": 0.0, "expires_at_s": None}
store = open_store(settings)
store.writer.submit(lambda connection: outbox.put(connection, event_id="p-1", **row)).result()
store.close()
subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
try:
    open_store(settings)
except StorageError as error:
    print(error)
subprocess.run(["mount", "-o", "remount,rw", folder], check=True)
store = open_store(settings)
with store.read() as connection:
    print(outbox.count(connection), "waits")
store.close()
"""


def test_a_start_on_a_read_only_file_system_says_so_and_works_once_it_can_be_written(tmp_path: Path) -> None:
    alone = ["unshare", "--mount"] if os.getuid() == 0 else ["unshare", "--mount", "--map-root-user"]
    shell = 'mount -t tmpfs none "$1" && exec "$2" -c "$3" "$1"'
    words = [*alone, "sh", "-ec", shell, "sh", str(tmp_path), sys.executable, ON_A_MOUNT_OF_ITS_OWN]
    run = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    refused, found = run.stdout.splitlines()
    assert "Read-only file system" in refused
    assert found == "1 waits"


@pytest.mark.parametrize("before", ["2026-03-29T00:30:00+00:00", "2026-10-25T00:30:00+00:00"])
def test_a_change_to_or_from_summer_time_moves_no_end(store: Store, clock: Clock, amsterdam: None, before: str) -> None:
    """Half an hour before Amsterdam's clocks are changed: two hours stay two hours, in the words and in the outbox."""
    clock.now_s = datetime.fromisoformat(before).timestamp()
    ledger = Ledger(store, BOX.source)
    bag = OutboxQueue(store, ledger.release_unsent, clock)
    made = promise(ledger, "s-1", clock.now_s)
    with store.read() as connection:
        [announced], _ = sending.look(connection, room=1, at_s=clock.now_s)
    said = json.loads(announced.body)
    ends_s = datetime.fromisoformat(said["data"]["expires_at"]).timestamp()
    assert ends_s - datetime.fromisoformat(said["time"]).timestamp() == PROMISE_LASTS_S
    for later_s, waits in ((PROMISE_LASTS_S - 60, {made}), (120.0, set())):
        clock.now_s += later_s
        bag.tidy(clock.now_s)
        with store.read() as connection:
            ready, over = sending.look(connection, room=9, at_s=clock.now_s)
        assert over == []
        assert {one.event_id for one in ready if one.topic == "offers"} == waits


def test_memory_stays_flat_through_72_hours_without_a_broker_while_promises_go_on(
    store: Store, clock: Clock, courier: Callable[[str], Courier]
) -> None:
    """Ledger, outbox and a courier that finds nobody: what hour 12 holds in memory is what hour 72 holds."""
    sender, ledger = courier("mqtt://127.0.0.1:1"), Ledger(store, BOX.source)
    bag = OutboxQueue(store, ledger.release_unsent, clock)
    held_bytes: dict[int, int] = {}
    tracemalloc.start()
    for hour in range(73):
        for number in range(20):
            clock.now_s += HOUR_S / 20
            promise(ledger, f"s-{hour}-{number}", clock.now_s)
            ledger.forget(f"s-{hour}-{number}")  # the visit is over
        ledger.tick(clock.now_s)
        bag.tidy(hour * HOUR_S)
        if hour in (12, 72):
            gc.collect()
            held_bytes[hour], _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sender.health()["state"] == "down"
    assert held_bytes[72] - held_bytes[12] < 100_000
    with store.read() as connection:
        assert outbox.count(connection, {"offers"}) <= 60


def test_an_outbox_that_is_full_promises_nothing_new_and_still_takes_withdrawals(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "OUTBOX_ROWS_MAX", 3)
    for number in range(3):
        put(store, clock, f"p-{number}", "s-1")
    with pytest.raises(outbox.OutboxFull):
        put(store, clock, "one-too-many", "s-1")
    row: dict[str, Any] = {"topic": "offers/withdrawn", "shopper": "s-1", "body": "{}", "at_s": clock.now_s, "expires_at_s": None}
    store.writer.submit(partial(outbox.put, event_id="w-1", urgent=True, **row)).result()
    with store.read() as connection:
        assert outbox.count(connection) == 4


def test_a_closed_database_ends_the_courier_without_a_fault(
    store: Store, clock: Clock, broker: Mosquitto, courier: Callable[[str], Courier]
) -> None:
    broker.start()
    sender = courier(broker.url)
    assert wait_for(lambda: sender.health()["state"] == "up", 10)
    store.writer.close()
    store.outgoing.committed()
    time.sleep(0)  # the courier's own turn; its end is waited for below
    sender.stop(2.0)
    assert sender.health()["state"] == "down"
