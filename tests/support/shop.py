"""A whole gateway on a real Mosquitto, in this process, with a clock to set and two scanners to hear by hand."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from firmware_sim.frames import STORE_UUID, BeaconId, ibeacon
from gateway.app import Gateway, GatewayFailed
from gateway.model import Advertisement
from gateway.radio.health import ScannerHealth
from gateway.radio.sources import Hear
from gateway.radio.watchdog import ScannerState
from gateway.settings import StorageSettings, load_settings
from tests.support.clock import SetClock
from tests.support.mosquitto import DURABLE, HOST, OPEN_TO_ALL, Mosquitto, wait_for

PATIENCE_S = 120.0
"""Generous: on a loaded machine everything takes longer, and nothing here measures speed."""
PREFIX = "etalage/v1/c/demo/"
TOPICS = ("offers", "offers/withdrawn", "offers/redeemed", "replies", "staff", "replies/till-1")
PLAN = """
store: demo
zones:
- {id: wine, polygon: [[0, 0], [8, 0], [8, 8], [0, 8]]}
- {id: till, polygon: [[8, 0], [16, 0], [16, 8], [8, 8]]}
scanners:
- {id: pi-1, zone: wine, at: [4, 4]}
- {id: pi-2, zone: till, at: [12, 4]}
"""
SETTINGS = """
[store]
chain = "c"
store = "demo"
plan = "plan.yaml"
rule_book = "book.yaml"
[mqtt]
brokers = ["{broker}"]
pause_max_s = 1.0
[dashboard]
enabled = false
"""


class HandScanner:
    """A scanner that hears what a test says."""

    def __init__(self, id: str) -> None:
        self.id = id
        self.hear: Hear | None = None

    async def listen(self, hear: Hear) -> None:
        """Be ready to hear, until cancelled."""
        self.hear = hear
        await asyncio.Event().wait()

    def health(self) -> ScannerHealth:
        """Return that it hears well."""
        return ScannerHealth(self.id, "by hand", ScannerState.HEARING, 1.0, 1, 0, 0, 0, 0, 0, 0, 0, "", None, None)


class RunningShop:
    """A gateway on a broker, and its backend's client: `heard` is what was published, topics without the prefix.

    `by_hand`: this gateway's own scanners are heard by `walk`; else it has none, and others report by MQTT.
    """

    def __init__(
        self,
        folder: Path,
        book: dict[str, Any],
        *,
        at_s: float | None = None,
        by_hand: bool = True,
        storage: StorageSettings | None = None,
    ) -> None:
        self.clock = SetClock(at_s)
        self.broker = Mosquitto(folder / "broker", (*OPEN_TO_ALL, *DURABLE)).start()
        (folder / "plan.yaml").write_text(PLAN)
        (folder / "book.yaml").write_text(json.dumps(book))
        (folder / "etalage.toml").write_text(SETTINGS.format(broker=self.broker.url))
        self.scanners = {name: HandScanner(name) for name in ("pi-1", "pi-2")} if by_hand else {}
        settings = load_settings(folder / "etalage.toml")
        if storage is not None:
            settings = settings.model_copy(update={"storage": storage})
        self.gateway = Gateway(settings, clock=self.clock, scanners=[*self.scanners.values()])
        self.failure: Exception | None = None
        """Why the gateway ended by itself."""
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self._sent = 0
        self._version = 0
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="shop", daemon=True)
        self.client = Client(
            CallbackAPIVersion.VERSION2, client_id="backend", protocol=MQTTProtocolVersion.MQTTv311, clean_session=False
        )
        self.client.on_message = lambda _client, _data, message: self.heard.append(
            (message.topic.removeprefix(PREFIX), json.loads(message.payload))
        )
        self.client.on_connect = lambda client, *_: client.subscribe([(PREFIX + topic, 1) for topic in TOPICS])

    def start(self) -> RunningShop:
        """Start, and wait until it is connected and hears."""
        self.client.reconnect_delay_set(1, 1)
        self.client.connect(HOST, self.broker.port)
        self.client.loop_start()
        self._thread.start()
        assert wait_for(lambda: all(scanner.hear for scanner in self.scanners.values()), PATIENCE_S)
        self.wait_until_connected()
        return self

    def wait_until_connected(self) -> None:
        """Wait until the gateway and the backend reach the broker."""
        gateway = self.gateway
        ways = (gateway.inbox, gateway.consents, gateway.courier)
        assert wait_for(lambda: all(way.health()["state"] == "up" for way in ways), PATIENCE_S)
        assert wait_for(lambda: gateway.sightings.is_up and self.client.is_connected(), PATIENCE_S)

    def stop(self) -> None:
        """End all of it."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE_S)
        self.client.disconnect()
        self.client.loop_stop()
        self.broker.stop()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            try:
                runner.run(self.gateway.run(self._stop))
            except GatewayFailed as failure:
                self.failure = failure

    def publish(self, topic: str, kind: str, data: dict[str, Any], *, at_s: float | None = None, id: str | None = None) -> str:
        """Send an event, with the time it is or another; return its id."""
        self._sent += 1
        id = id or f"m{self._sent}"
        time_ = datetime.fromtimestamp(self.clock.now_s() if at_s is None else at_s, UTC).isoformat()
        event = {"specversion": "1.0", "id": id, "source": "backend", "type": kind, "time": time_, "data": data}
        self.client.publish(PREFIX + topic, json.dumps(event), qos=1)
        return id

    def send(self, topic: str, kind: str, data: dict[str, Any], *, at_s: float | None = None) -> dict[str, Any]:
        """Send an event and wait for the reply to it."""
        id = self.publish(topic, kind, data, at_s=at_s)
        assert wait_for(lambda: self._reply(id), PATIENCE_S), f"no reply to {id}"
        reply = self._reply(id)
        assert reply is not None
        return reply

    def _reply(self, id: str) -> dict[str, Any] | None:
        said = [message["data"] for topic, message in self.heard if topic == "replies"]
        return next((data for data in said if id in (data.get("accepted"), data.get("refused"))), None)

    def opt_in(self, minor: int, *, at_s: float | None = None) -> dict[str, Any]:
        """Opt `s-<minor>` in for everything, with a beacon of that minor; return the reply."""
        self._version += 1
        data = {
            "shopper": f"s-{minor}",
            "version": self._version,
            "purposes": ["recognise", "offers", "purchases", "aftercare", "measure"],
            "language": "nl",
            "identity": {"beacon": {"uuid": STORE_UUID.hex(), "major": 1, "minor": minor}},
            "consent": {"text": "2026-03", "channel": "app"},
        }
        return self.send("optins", "etalage.optin.given", data, at_s=at_s)

    def withdraw(self, minor: int, *, at_s: float | None = None) -> dict[str, Any]:
        """Withdraw `s-<minor>`; return the reply."""
        self._version += 1
        return self.send("optins", "etalage.optin.withdrawn", {"shopper": f"s-{minor}", "version": self._version}, at_s=at_s)

    def receipt(self, promise: str, what: str) -> dict[str, Any]:
        """Say what became of a promise; return the reply."""
        return self.send("receipts", "etalage.receipt", {"promise": promise, "what": what})

    def redeem(self, code: str, key: str) -> str:
        """Ask as a till whether a code is good; return the answer's word."""
        before = len(self.heard)
        self.publish("redemptions/till-1", "etalage.redemption.asked", {"till": "till-1", "code": code}, id=key)
        assert wait_for(lambda: any(topic == "replies/till-1" for topic, _ in self.heard[before:]), PATIENCE_S)
        told = next(message["data"] for topic, message in self.heard[before:] if topic == "replies/till-1")
        return str(told["redemption"]["answer"])

    def walk(self, minor: int, scanner: str = "pi-1", seconds: float = 6.0) -> None:
        """Let `s-<minor>`'s tag be heard loudly by a scanner, for so long in real time."""
        hand, payload, end_s = self.scanners[scanner], ibeacon(BeaconId(STORE_UUID, 1, minor)), time.monotonic() + seconds
        while time.monotonic() < end_s:
            assert hand.hear is not None
            self._loop.call_soon_threadsafe(
                hand.hear, Advertisement(self.clock.now_s(), scanner, "AA:BB:CC:00:00:01", -50, payload)
            )
            time.sleep(0.25)

    def offers(self, shopper: str) -> list[dict[str, Any]]:
        """Return the announcements that a shopper's app got, oldest first."""
        said = [message["data"] for topic, message in self.heard if topic == "offers"]
        return [data for data in said if data["shopper"] == shopper]


@contextmanager
def running_shop(
    folder: Path,
    book: dict[str, Any],
    *,
    at_s: float | None = None,
    by_hand: bool = True,
    storage: StorageSettings | None = None,
) -> Iterator[RunningShop]:
    """A shop that is up and ends with the block."""
    shop = RunningShop(folder, book, at_s=at_s, by_hand=by_hand, storage=storage)
    try:
        yield shop.start()
    finally:
        shop.stop()
