"""The attacks. Each goes on until `over` is set, and returns what it achieved that it should not have, as sentences."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from random import Random

from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.attack.backend import BEACON, HOST, PREFIX, event
from tests.attack.shop import AttackedShop

ANSWER_WITHIN_S = 1.0
FAR_AHEAD_S = 10 * 365 * 86_400.0
TOO_LARGE = (2**63, 2**64, 10**30)
HOSTILE_REQUESTS = 80
HALF_SENT = 600
PACE_S = 0.02


@dataclass(frozen=True)
class Scale:
    """How hard it is attacked: receipts in a flood, and of how many ids; silent connections."""

    receipts: int
    ids: int
    silent: int


Attack = Callable[[AttackedShop, Random, Scale, threading.Event], list[str]]


def nobody(_shop: AttackedShop, _dice: Random, _scale: Scale, over: threading.Event) -> list[str]:
    """Nothing happens: what the honest side gets by itself."""
    over.wait()
    return []


def hostile_response_topics(shop: AttackedShop, rng: Random, _scale: Scale, over: threading.Event) -> list[str]:
    """A till names response topics that close the courier's connection, or are another till's."""
    till = shop.backend.connect("till-1", protocol=MQTTProtocolVersion.MQTTv5)
    before = len(shop.backend.replies)
    for number in range(HOSTILE_REQUESTS):
        wanted = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho's own
        wanted.ResponseTopic = PREFIX + rng.choice(["replies/" + "/" * 200, "replies/" + "x" * 200, "replies/till-2", "optins"])
        asked = event("etalage.redemption.asked", {"till": "till-1", "code": f"{rng.randrange(10**8):08}"}, id=f"ask-{number}")
        till.publish(PREFIX + "redemptions/till-1", asked, qos=1, properties=wanted)
    over.wait()
    till.disconnect()
    till.loop_stop()
    answered = [topic for topic, _ in shop.backend.replies[before:]]
    elsewhere = {topic for topic in answered if topic not in ("replies", "replies/till-1")}
    faults = [f"a till was answered on {', '.join(sorted(elsewhere))}"] if elsewhere else []
    return faults if "replies/till-1" in answered else [*faults, "no till was answered at all"]


def versions_without_bounds(shop: AttackedShop, rng: Random, _scale: Scale, over: threading.Event) -> list[str]:
    """Opt-ins whose version no database can hold."""
    before, number = len(shop.backend.replies), 0
    identity = {"beacon": {"uuid": BEACON, "major": 9, "minor": 9}}
    while not over.wait(PACE_S):
        number += 1
        data = {"shopper": "v", "version": rng.choice(TOO_LARGE), "purposes": ["recognise"], "identity": identity}
        shop.backend.send("optins", event("etalage.optin.given", {**data, "consent": {"text": "1"}}, id=f"version-{number}"))
    told = [data for _, data in shop.backend.replies[before:] if str(data.get("refused")).startswith("version-")]
    later = [data for data in told if any(reason["code"] == "failed" for reason in data["reasons"])]
    faults = [f"{len(later)} were told to send it again later"] if later else []
    return faults if told else [*faults, "none was refused"]


def receipts_from_the_future(shop: AttackedShop, _dice: Random, _scale: Scale, over: threading.Event) -> list[str]:
    """Each card is said to have been seen ten years from now; its shopper's next card must come all the same."""

    def react(promise: str) -> None:
        for what in ("shown", "tapped"):
            ahead = event("etalage.receipt", {"promise": promise, "what": what}, at_s=time.time() + FAR_AHEAD_S)
            shop.backend.send("receipts", ahead)

    shop.backend.on_card = react
    over.wait()
    shop.backend.on_card = lambda promise: None
    return []


def send_again_floods(shop: AttackedShop, rng: Random, scale: Scale, over: threading.Event) -> list[str]:
    """Receipts that nobody waits for, each sent again and again."""
    flooder = shop.backend.connect("flooder")
    ids = [f"{rng.getrandbits(128):032x}" for _ in range(scale.ids)]
    most = 0
    for number in range(scale.receipts):
        said = event("etalage.receipt", {"promise": ids[number % len(ids)], "what": "shown"}, id=ids[number % len(ids)])
        flooder.publish(PREFIX + "receipts", said, qos=1)
        if number % 1_000 == 0:
            most = max(most, _replies_waiting(shop))
    while not over.wait(0.2):
        most = max(most, _replies_waiting(shop))
    flooder.disconnect()
    flooder.loop_stop()
    return [f"{most} replies waited for {len(ids)} ids"] if most > 2 * len(ids) else []


def _replies_waiting(shop: AttackedShop) -> int:
    return int(shop.backend.rows("SELECT count(*) FROM outbox WHERE topic LIKE 'replies%'")[0][0])


def silent_and_half_open(shop: AttackedShop, _dice: Random, scale: Scale, over: threading.Event) -> list[str]:
    """Connections that say nothing, or half of something; somebody else asks meanwhile."""
    form = b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    form += b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\nn"
    halves = [b""] * scale.silent + [form] * HALF_SENT + [b"GET / HTTP/1.1\r\nHost: 127"] * HALF_SENT
    slowest_s, asked = 0.0, 0
    with _connected(shop.port, halves):
        while not asked or not over.wait(0.25):  # opening that many may have taken all the time there was
            began_s = time.monotonic()
            asked += _answers(shop)
            slowest_s = max(slowest_s, time.monotonic() - began_s)
            if over.is_set():
                break
    faults = [f"an honest caller waited {slowest_s:.1f} s"] if slowest_s > ANSWER_WITHIN_S else []
    return faults if asked else [*faults, "no honest caller was answered"]


@contextmanager
def _connected(port: int, openings: list[bytes]) -> Iterator[None]:
    wires = []
    for opening in openings:
        with suppress(OSError):
            wire = socket.socket()
            wires.append(wire)
            wire.settimeout(5)
            wire.connect((HOST, port))
            wire.sendall(opening)
    try:
        yield
    finally:
        for wire in wires:
            wire.close()


def _answers(shop: AttackedShop) -> bool:
    asking = http.client.HTTPConnection(HOST, shop.port, timeout=5)
    with suppress(OSError, http.client.HTTPException):
        asking.request("GET", "/healthz")
        return asking.getresponse().status in (200, 503)
    return False


def large_bodies(shop: AttackedShop, _dice: Random, _scale: Scale, over: threading.Event) -> list[str]:
    """A till's token sends a body of 300 MB that says so, and one that says nothing and doesn't end."""
    head = f"POST /api/v1/redemptions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {shop.token}\r\n".encode()
    faults: set[str] = set()
    while not over.wait(PACE_S):
        if b" 413 " not in _pour(shop.port, head + b"Content-Length: 300000000\r\n\r\n", 0):
            faults.add("an announced body of 300 MB was not refused")
        if b" 413 " not in _pour(shop.port, head + b"Transfer-Encoding: chunked\r\n\r\n", 64):
            faults.add("a body without an end was not refused")
    return sorted(faults)


def _pour(port: int, head: bytes, chunks: int) -> bytes:
    """Send a request's head and so many chunks of 64 KB; return what is answered, at least its first line."""
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with socket.create_connection((HOST, port), timeout=5) as wire:
        wire.sendall(head)
        with suppress(OSError):
            for _ in range(chunks):
                wire.sendall(chunk)
                if _has_answer(wire):
                    break
        with suppress(OSError):
            return wire.recv(4096)
    return b""


def _has_answer(wire: socket.socket) -> bool:
    wire.setblocking(False)
    try:
        return bool(wire.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return False
    finally:
        wire.settimeout(5)


def host_rebinding(shop: AttackedShop, rng: Random, _scale: Scale, over: threading.Event) -> list[str]:
    """A foreign page's name is pointed at the box."""
    names = [
        "evil.com",
        "[::1].evil.com",
        "127.0.0.1.evil.com",
        "localhost.evil.com",
        "[::1",
        "127.0.0.1:80:80",
        "",
        "etalage.local.evil.com",
    ]
    let_in: set[str] = set()
    while not over.wait(PACE_S):
        name = rng.choice(names)
        asking = http.client.HTTPConnection(HOST, shop.port, timeout=5)
        asking.putrequest("GET", "/api/v1/zones", skip_host=True)
        asking.putheader("Host", name)
        asking.endheaders()
        answered = asking.getresponse()
        if answered.status not in (400, 421):
            let_in.add(name)
        asking.close()
    return [f"the name {name!r} was let in" for name in sorted(let_in)]


ATTACKS: dict[str, Attack] = {
    "nobody": nobody,
    "hostile response topics": hostile_response_topics,
    "versions without bounds": versions_without_bounds,
    "receipts from the future": receipts_from_the_future,
    "send-again floods": send_again_floods,
    "silent and half-open": silent_and_half_open,
    "large bodies": large_bodies,
    "host rebinding": host_rebinding,
}
