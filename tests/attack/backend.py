"""A store app's backend and a remote scanner in plain paho, written from the contract alone: what honest callers do meanwhile."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

HOST = "127.0.0.1"
PREFIX = "etalage/v1/attacked/shop/"
BEACON = "e2c56db5dffb48d2b060d0f5a71096e0"
ZONES = ("wine", "till")
LOUD_DBM, FAINT_DBM = -50, -85
BATCH_S = 0.25


def event(type_: str, data: dict[str, object], *, at_s: float | None = None, id: str | None = None) -> str:
    """Return an event of the contract as text; `at_s`: epoch seconds, now unless given."""
    moment = datetime.fromtimestamp(time.time() if at_s is None else at_s, UTC).isoformat()
    told = {"specversion": "1.0", "id": id or str(uuid.uuid4()), "source": "attacked", "type": type_, "time": moment, "data": data}
    return json.dumps(told)


@dataclass
class Guest:
    """A shopper who opts in, walks, is offered something in each zone, and withdraws. Times are monotonic."""

    number: int
    moves: int
    heard_since_s: float = 0.0
    zone: str = ZONES[0]
    cards: list[str] = field(default_factory=list)
    waits_s: list[float] = field(default_factory=list)
    """From being heard in a zone to the card for it."""
    withdrawn_in_s: float | None = None

    @property
    def name(self) -> str:
        """The pseudonym."""
        return f"guest-{self.number}"


class PlainBackend:
    """Opts guests in at a pace, lets two scanners hear them, notes cards and replies. Looks at `database` for what is in force."""

    def __init__(self, port: int, database: Path) -> None:
        self.guests: dict[str, Guest] = {}
        self.replies: list[tuple[str, dict[str, Any]]] = []
        """Topic after the prefix, and what was said."""
        self.on_card: Callable[[str], None] = lambda promise: None
        self._database = database
        self._port = port
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._sequence = int(time.time() * 1000)
        self._boot = uuid.uuid4().hex
        self.client = self.connect("backend", self._take)
        self.client.subscribe([(PREFIX + "offers", 1), (PREFIX + "replies/#", 1)])
        self._scanner = threading.Thread(target=self._hear_on, name="scanner", daemon=True)
        self._scanner.start()

    def connect(self, name: str, take: Callable[[MQTTMessage], None] = lambda message: None, **options: Any) -> Client:
        """Return a connected client of the shop's broker."""
        client = Client(CallbackAPIVersion.VERSION2, client_id=name, **options)
        client.max_queued_messages_set(0)
        client.on_message = lambda _client, _data, message: take(message)
        client.connect(HOST, self._port)
        client.loop_start()
        return client

    def close(self) -> None:
        """End the honest side."""
        self._over.set()
        self._scanner.join()
        self.client.disconnect()
        self.client.loop_stop()

    def welcome(self, moves: int) -> Guest:
        """Opt a new guest in; from now on both scanners hear them."""
        with self._lock:
            guest = Guest(len(self.guests) + 1, moves, heard_since_s=time.monotonic())
            self.guests[guest.name] = guest
        self.opt_in(guest)
        return guest

    def opt_in(self, guest: Guest) -> None:
        """Say a guest's yes, or say it again."""
        identity = {"beacon": {"uuid": BEACON, "major": 7, "minor": guest.number}}
        consent = {"purposes": ["recognise", "offers"], "language": "en", "consent": {"text": "1", "channel": "app"}}
        self.send("optins", event("etalage.optin.given", {"shopper": guest.name, "version": 1, "identity": identity, **consent}))

    def withdraw(self, guest: Guest, within_s: float) -> None:
        """Withdraw a guest, and wait until the gateway's database knows them no more. Whom it doesn't know yet was held up."""
        known = self.rows("SELECT 1 FROM consents WHERE shopper = ?", guest.name)
        began_s = time.monotonic()
        self.send("optins", event("etalage.optin.withdrawn", {"shopper": guest.name, "version": 2}))
        while known and time.monotonic() < began_s + within_s:
            if not self.rows("SELECT 1 FROM consents WHERE shopper = ?", guest.name):
                guest.withdrawn_in_s = time.monotonic() - began_s
                return
            time.sleep(0.01)

    def send(self, topic: str, text: str) -> None:
        """Publish at QoS 1."""
        self.client.publish(PREFIX + topic, text, qos=1)

    def rows(self, question: str, *values: object) -> list[Any]:
        """Ask the gateway's database, without writing to it."""
        reading = sqlite3.connect(f"file:{self._database}?mode=ro", uri=True, timeout=5)
        try:
            return reading.execute(question, values).fetchall()
        finally:
            reading.close()

    def _take(self, message: MQTTMessage) -> None:
        topic, told = message.topic.removeprefix(PREFIX), json.loads(message.payload)
        if topic != "offers":
            self.replies.append((topic, told["data"]))
            return
        guest, promise = self.guests.get(told["data"]["shopper"]), told["data"]["promise"]
        if guest is None or promise in guest.cards:
            return
        guest.cards.append(promise)
        guest.waits_s.append(time.monotonic() - guest.heard_since_s)
        self.send("receipts", event("etalage.receipt", {"promise": promise, "what": "delivered"}))
        if len(guest.cards) < guest.moves:
            guest.zone, guest.heard_since_s = ZONES[len(guest.cards) % len(ZONES)], time.monotonic()
        self.on_card(promise)

    def _hear_on(self) -> None:
        while not self._over.wait(BATCH_S):
            present = [guest for guest in [*self.guests.values()] if guest.withdrawn_in_s is None]
            for scanner in ZONES:
                self._sequence += 1
                now_s = round(time.time(), 3)
                levels = [(guest.number, LOUD_DBM if guest.zone == scanner else FAINT_DBM) for guest in present]
                readings = [[now_s, f"{BEACON}0007{number:04x}", level_dbm] for number, level_dbm in levels]
                batch = {"scanner": scanner, "boot": self._boot, "sequence": self._sequence, "readings": readings[-1000:]}
                self.client.publish(PREFIX + "sightings/" + scanner, event("etalage.sightings", batch), qos=0)
