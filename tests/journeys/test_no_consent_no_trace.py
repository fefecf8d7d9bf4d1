"""No consent, no trace: the whole gateway hears a crowd of strangers, and nothing it writes, logs, sends or serves knows of them.

Every stranger carries canaries: a uuid, a radio address, the words of a phone that nobody opted in. Afterwards every file, every
line of the log, every message and every answer over HTTP is searched for them: as text, raw and as hex, in both byte orders.
"""

from __future__ import annotations

import json
import random
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from firmware_sim.backend import Backend
from firmware_sim.broker import EmbeddedBroker
from firmware_sim.frames import STORE_UUID, BeaconId, find_my, ibeacon, random_address
from tests.support.mosquitto import wait_for

ETALAGE = [sys.executable, "-m", "gateway"]
STRANGERS = 150
SECONDS = 120
SPEED = 8
MEMBERS = ("s-1", "s-2", "s-3")
REGRETS = "regrets-7f3a91c2"
"""Opts in by message, is promised offers, and withdraws while the gateway runs."""
NEVER = "never-opted-in-44d1"
"""A shopper of whom the backend sends a profile, but never a consent."""
PLAN = """
store: trace
zones:
  - {id: wine, name: {nl: Wijn, en: Wine}, polygon: [[0, 0], [5, 0], [5, 5], [0, 5]]}
  - {id: bread, name: {nl: Brood, en: Bread}, polygon: [[5, 0], [10, 0], [10, 5], [5, 5]]}
scanners:
  - {id: pi-1, zone: wine, at: [2, 2]}
  - {id: pi-2, zone: bread, at: [8, 2]}
  - {id: pi-3, zone: bread, at: [9, 4]}
"""
BOOK = """
book: trace
timezone: Europe/Amsterdam
salt: trace
offers:
  - id: you-are-here
    kind: content
    at: {event: enter}
    content: {nl: {title: U bent hier, body: Fijn.}, en: {title: You are here, body: Good.}}
"""
CONFIGURATION = """
[store]
chain = "chain"
store = "trace"
plan = "plan.yaml"
optins = "optins.yaml"
rule_book = "book.yaml"
[mqtt]
brokers = ["{broker}"]
[dashboard]
port = 0
[log]
level = "debug"
"""


@dataclass
class Stranger:
    """Somebody who walks by."""

    address: str
    payload: bytes

    def marks(self) -> Iterator[bytes]:
        """What would give them away, in every form it could have been written down in."""
        raw = bytes.fromhex(self.address.replace(":", ""))
        for secret in (self.payload[2:18], raw):
            for ordered in (secret, secret[::-1]):
                digits = ordered.hex()
                yield ordered
                yield digits.encode()
                yield digits.upper().encode()
        uuid = self.payload[2:18].hex()
        dashed = f"{uuid[:8]}-{uuid[8:12]}-{uuid[12:16]}-{uuid[16:20]}-{uuid[20:]}"
        for text in (self.address, self.address.replace(":", "-"), dashed):
            yield text.encode()
            yield text.lower().encode()
            yield text.upper().encode()


def strangers() -> list[Stranger]:
    rng = random.Random(2)
    return [
        Stranger(
            random_address(rng.getrandbits(48)),
            ibeacon(BeaconId(rng.randbytes(16), rng.randrange(65536), rng.randrange(65536))),
        )
        for _ in range(STRANGERS)
    ]


def recording(path: Path, crowd: list[Stranger]) -> int:
    """Everybody through the shop, each packet heard by both scanners; how many lines."""
    rng = random.Random(3)
    members = [ibeacon(BeaconId(STORE_UUID, 1, 1 + number)) for number in range(len(MEMBERS) + 1)]
    lines = []
    for tick in range(SECONDS * 2):
        at_s = tick / 2
        here = [(random_address(number + 1), payload) for number, payload in enumerate(members)]
        here += [(one.address, one.payload) for one in rng.sample(crowd, 20)]
        here += [(random_address(rng.getrandbits(48)), find_my(rng.randbytes(1))) for _ in range(10)]
        for address, payload in here:
            near, far = ("pi-1", "pi-2") if at_s < SECONDS / 2 else ("pi-2", "pi-1")
            for scanner, rssi in ((near, -52), (far, -85)):
                lines.append({"t": at_s, "scanner": scanner, "address": address, "rssi": rssi, "mfr": {"004c": payload.hex()}})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return len(lines)


@dataclass
class Wire:
    """Everything that passes over the broker."""

    broker: EmbeddedBroker
    messages: list[tuple[str, bytes]] = field(default_factory=list)

    def __enter__(self) -> Wire:
        subscribed = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.on_connect = self._connected
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.on_message = self._take
        self._client.connect("127.0.0.1", self.broker.port)
        self._client.loop_start()
        assert subscribed.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(self, *_: object) -> None:
        self._client.subscribe("#", 1)

    def _take(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self.messages.append((message.topic, bytes(message.payload)))

    def say(self, topic: str, body: dict[str, object]) -> None:
        self._client.publish(f"etalage/v1/chain/trace/{topic}", json.dumps(body), 1).wait_for_publish(10)

    def from_gateway(self) -> list[bytes]:
        """What the gateway sent; what came from backend and scanners is not its doing."""
        theirs = re.compile(r"^etalage/v1/chain/trace/(optins|profiles|receipts|sightings/.*|sync/pages/.*)$")
        return [topic.encode() + b" " + payload for topic, payload in self.messages if not theirs.match(topic)]


def everything_served(address: str) -> list[bytes]:
    """Every answer to every GET that the API describes, the page, the metrics and the first part of the live stream."""
    served = []
    with httpx.Client(base_url=address, timeout=10, headers={"Accept-Language": "en"}) as browser:
        described = browser.get("/api/v1/openapi.json").json()["paths"]
        paths = [path for path, calls in described.items() if "get" in calls and "{" not in path]
        assert len(paths) >= 5
        for path in ["/", "/metrics", *paths]:
            with browser.stream("GET", path) as answer:
                content = b""
                try:
                    for part in answer.iter_raw():
                        content += part
                        if "event-stream" in answer.headers.get("content-type", "") and len(content) > 2_000:
                            break
                except httpx.ReadTimeout:
                    assert content, path
                served.append(str(answer.headers).encode() + content)
    return served


@dataclass
class Ran:
    """One run of the gateway, and all that came out of it."""

    folder: Path
    log: bytes
    wire: list[bytes]
    served: list[bytes]
    offers_to: set[str]

    def found(self, marks: set[bytes]) -> dict[str, list[str]]:
        """Where any of the marks stands."""
        inputs = {"air.jsonl"}
        places = {path.name: path.read_bytes() for path in self.folder.rglob("*") if path.is_file() and path.name not in inputs}
        places |= {"log": self.log, "wire": b"\n".join(self.wire), "served": b"\n".join(self.served)}
        hits = {name: [mark.hex() for mark in marks if mark in content] for name, content in places.items()}
        return {name: found for name, found in hits.items() if found}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("trace")
    crowd = strangers()
    recording(folder / "air.jsonl", crowd)
    uuid = STORE_UUID.hex()
    optins = [
        f"- {{shopper: {name}, beacon: {{uuid: {uuid}, major: 1, minor: {1 + number}}}}}" for number, name in enumerate(MEMBERS)
    ]
    (folder / "optins.yaml").write_text("\n".join(optins), encoding="utf-8")
    (folder / "plan.yaml").write_text(PLAN, encoding="utf-8")
    (folder / "book.yaml").write_text(BOOK, encoding="utf-8")
    with EmbeddedBroker() as broker, Wire(broker) as wire, (folder / "gateway.log").open("wb") as log:
        (folder / "etalage.toml").write_text(CONFIGURATION.format(broker=broker.url), encoding="utf-8")
        backend = Backend(broker.url, "chain", "trace").start()
        command = [*ETALAGE, "run", "--config", str(folder / "etalage.toml")]
        command += ["--recording", str(folder / "air.jsonl"), "--speed", str(SPEED)]
        gateway = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            served = _meanwhile(folder / "gateway.log", backend, wire, crowd)
            assert gateway.wait(120) == 0
        finally:
            if gateway.poll() is None:
                gateway.send_signal(signal.SIGKILL)
            backend.stop()
        offered = set(backend.order)
    return Ran(folder, (folder / "gateway.log").read_bytes(), wire.from_gateway(), served, offered)


def _meanwhile(log: Path, backend: Backend, wire: Wire, crowd: list[Stranger]) -> list[bytes]:
    """While it runs: somebody joins and withdraws, a scanner elsewhere hears strangers too, a browser looks at everything."""

    def address() -> str | None:
        found = re.search(r"http://127\.0\.0\.1:\d+", log.read_text())
        return found.group() if found else None

    assert wait_for(address, 60), log.read_text()
    backend.opt_in(REGRETS, {"beacon": {"uuid": STORE_UUID.hex(), "major": 1, "minor": 1 + len(MEMBERS)}})
    backend.profile(NEVER, {"segment": NEVER})
    readings = [[0.0, one.payload[2:22].hex(), -50] for one in crowd[:50]]
    batch = {"scanner": "pi-3", "sequence": 1, "readings": readings}
    wire.say(
        "sightings/pi-3",
        {
            "specversion": "1.0",
            "id": "b-1",
            "source": "pi-3",
            "type": "etalage.sightings",
            "time": "2026-11-21T10:00:00Z",
            "data": batch,
        },
    )
    assert wait_for(lambda: backend.cards_of(REGRETS), 60), "the offers flow"
    backend.withdraw(REGRETS)
    assert wait_for(lambda: len(backend.replies) >= 3, 30), "opt-in, profile and withdrawal were answered"
    running = address()
    assert running is not None
    return everything_served(running)


def test_the_gateway_heard_them_all_and_made_its_offers(ran: Ran) -> None:
    assert ran.offers_to >= set(MEMBERS), "without life in it the search would prove nothing"
    assert ran.found({b"s-1"}), "who did opt in is there to be found"
    assert any(b"etalage_" in answer for answer in ran.served), "metrics were served"


def test_nothing_of_any_stranger_is_written_logged_sent_or_served(ran: Ran) -> None:
    marks = {mark for one in strangers() for mark in one.marks()}
    assert len(marks) > 15 * STRANGERS
    assert ran.found(marks) == {}


def test_nothing_is_kept_of_a_shopper_who_never_opted_in(ran: Ran) -> None:
    mark = NEVER.encode()
    assert set(ran.found({mark, mark.hex().encode()})) <= {"wire"}
    sent = [message for message in ran.wire if mark in message]
    assert all(message.startswith(b"etalage/v1/chain/trace/replies ") for message in sent), (
        "only its sender's own message id, answered"
    )


def test_nothing_is_left_on_disk_of_a_shopper_who_withdrew(ran: Ran) -> None:
    found = ran.found({REGRETS.encode(), REGRETS.encode().hex().encode()})
    assert set(found) <= {"wire", "served"}, "on the wire only what was sent before, and the answer"
