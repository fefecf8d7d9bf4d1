"""From decision to PUBACK, beside what a bare paho publish takes to the same Mosquitto; and how much goes through.

pytest tests/benchmarks/test_courier.py --benchmark-enable -s
"""

from __future__ import annotations

import json
import resource
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from pytest_benchmark.fixture import BenchmarkFixture

from gateway.model import Promised
from gateway.mqtt.courier import Courier
from gateway.mqtt.credentials import read_credentials
from gateway.mqtt.status import StatusPublisher
from gateway.mqtt.topics import GatewayIdentity
from gateway.offers.ledger import Ledger
from gateway.settings import MqttSettings, StorageSettings
from gateway.storage import Store, open_store, outbox
from rules import Cap, CapKind, Chosen, CodeKind, Codes, Content, Decision, Gate, Group, PlannedVoucher, Situation, Verdict, Worth
from tests.support.mosquitto import HOST, Mosquitto, wait_for

BOX = GatewayIdentity("demo-chain", "demo", "gw-1")
PER_S = 50.0
"""Announcements a second in the latency goal."""
DECIDED_AHEAD = 256
"""Promises that the line may have waiting for the writer: a full group. The product's line never waits."""
BODY = json.dumps({"data": "x" * 700})


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "broker") as made:
        yield made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(StorageSettings(path=tmp_path / "etalage.db"))
    yield opened
    opened.close()


@pytest.fixture
def courier(store: Store, broker: Mosquitto) -> Iterator[Courier]:
    mqtt = MqttSettings(brokers=(broker.url,))
    made = Courier(store, mqtt, BOX, read_credentials(mqtt), StatusPublisher(BOX, mqtt), release=lambda *_: None, clock=time.time)
    made.start()
    assert wait_for(lambda: made.health()["state"] == "up", 10)
    yield made
    made.stop()


def percentiles(samples: list[float]) -> dict[str, float]:
    ordered = sorted(samples)
    return {"p50_ms": round(ordered[len(ordered) // 2] * 1e3, 2), "p99_ms": round(ordered[int(len(ordered) * 0.99)] * 1e3, 2)}


def bare_publish(port: int, count: int) -> list[float]:
    """What a plain paho client takes from publish to PUBACK, at the same pace."""
    took: list[float] = []
    client = Client(CallbackAPIVersion.VERSION2)
    client.connect(HOST, port)
    client.loop_start()
    assert wait_for(client.is_connected, 10)
    for _ in range(count):
        started_s = time.perf_counter()
        client.publish("bare", BODY, qos=1).wait_for_publish(10)
        took.append(time.perf_counter() - started_s)
        time.sleep(1 / PER_S)
    client.disconnect()
    client.loop_stop()
    return took


def acknowledged_more(courier: Courier, than: object) -> bool:
    return courier.health()["acknowledged"] != than


def announced(store: Store, courier: Courier, count: int) -> list[float]:
    """The same from the decision on: promise, commit, publish, PUBACK."""
    took: list[float] = []
    ledger = Ledger(store, BOX.source)
    for number in range(count):
        before = courier.health()["acknowledged"]
        decision = decided(number, time.time())
        started_s = time.perf_counter()
        ledger.promise(*decision)
        assert wait_for(partial(acknowledged_more, courier, before), 10, every_s=0.0005)
        took.append(time.perf_counter() - started_s)
        time.sleep(1 / PER_S)
    return took


def test_an_announcement_reaches_the_broker_within_milliseconds(
    benchmark: BenchmarkFixture, store: Store, courier: Courier, broker: Mosquitto
) -> None:
    """Goal at 50/s: p50 at most 5 ms, p99 at most 30 ms. `times_bare` is the ratio of the medians."""
    count = 200 if benchmark.enabled else 3
    bare = bare_publish(broker.port, count)
    took = benchmark.pedantic(announced, args=(store, courier, count), rounds=1)
    figures = {"announcement": percentiles(took), "bare": percentiles(bare)}
    benchmark.extra_info.update(figures, times_bare=round(sorted(took)[count // 2] / sorted(bare)[count // 2], 1))
    print(figures)
    assert len(took) == count


def decided(number: int, at_s: float) -> tuple[Decision, Situation]:
    voucher = PlannedVoucher(Worth(percent=10), Codes(CodeKind.GENERATED), 250, at_s + 7200)
    chosen = Chosen(
        offer="wine-tasting", kind="voucher", category="wine", zone="wine", language="nl",
        content=Content("Proef de nieuwe Rioja", "Vandaag 10 % op alle rode wijn."), expires_at=at_s + 7200, attention=1.0,
        score=50.0, propensity=0.9, voucher=voucher, caps=(Cap("offer/wine-tasting/issues", CapKind.ISSUES, 1_000_000),),
    )  # fmt: skip
    situation = Situation(
        shopper=f"s-{number % 500}", at_s=at_s, event="enter", zone="wine", dwell_s=0.0, visit=f"v-{number % 500}",
        purposes=frozenset({"offers"}), language="nl", facts={}, fact_times={}, history=(), attention=4.0, exhausted=frozenset(),
    )  # fmt: skip
    return Decision((chosen,), (), (Verdict("wine-tasting", Gate.CHOSEN),), "b" * 64, Group.TREATED), situation


def promise_and_deliver(store: Store, courier: Courier, count: int) -> None:
    """Through ledger, outbox and broker, until the last is acknowledged."""
    ledger = Ledger(store, BOX.source)
    before = int(courier.health()["acknowledged"])
    under_way: deque[Future[Promised]] = deque()
    for number in range(count):
        if len(under_way) >= DECIDED_AHEAD:
            under_way.popleft().result(30)
        under_way.append(ledger.promise(*decided(number, time.time())))
    assert wait_for(lambda: int(courier.health()["acknowledged"]) - before >= count, 120, every_s=0.005)


def test_a_thousand_promises_a_second_go_through(benchmark: BenchmarkFixture, store: Store, courier: Courier) -> None:
    """Goal: at least 1,000/s sustained through ledger, outbox and Mosquitto, at most 3 KB written to disk for each.

    Written is what the write-ahead log takes and what is put in its place in the file afterwards.
    """
    count = 5000 if benchmark.enabled else 20
    written = resource.getrusage(resource.RUSAGE_SELF).ru_oublock
    started_s, worked_s = time.perf_counter(), time.process_time()
    benchmark.pedantic(promise_and_deliver, args=(store, courier, count), rounds=1)
    per_s = count / (time.perf_counter() - started_s)
    cpu_ms = (time.process_time() - worked_s) * 1e3 / count
    assert wait_for(lambda: _waiting(store) == 0, 5)
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    kilobytes = (resource.getrusage(resource.RUSAGE_SELF).ru_oublock - written) * 512 / 1000 / count
    figures = {
        "promises_per_s": round(per_s),
        "cpu_ms_per_promise": round(cpu_ms, 2),
        "kb_written_per_promise": round(kilobytes, 1),
    }
    benchmark.extra_info.update(figures)
    print(figures)


def _waiting(store: Store) -> int:
    with store.read() as connection:
        return outbox.count(connection, {"offers"})
