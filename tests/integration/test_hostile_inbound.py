"""Whatever comes in over a real Mosquitto, in whatever order and however often: the state is that of a plain model.

Hypothesis makes up the sender: messages repeated, held back for hours, spoilt, cut short, oversized, connections torn, the gateway
stopped and started in between. In CI it is derandomised (tests/conftest.py).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import select

from gateway.messages import OptInGiven, OptInWithdrawn, Receipt
from gateway.mqtt.credentials import read_credentials
from gateway.mqtt.handlers import InboundHandlers
from gateway.mqtt.inbox import Inbox
from gateway.mqtt.topics import GatewayIdentity
from gateway.offers.ledger import Ledger
from gateway.settings import MqttSettings, StorageSettings
from gateway.shoppers.identities import Identities
from gateway.shoppers.people import People
from gateway.storage import Store, open_store
from gateway.storage.consents import consents
from gateway.storage.happenings import happenings
from gateway.storage.keys import Keys
from rules import Chosen, Content, Decision, Gate, Group, Situation, Verdict
from tests.support.mosquitto import DURABLE, HOST, OPEN_TO_ALL, Mosquitto, wait_for

BOX = GatewayIdentity("demo-chain", "demo", "gw-1")
BEGAN_S = 1_763_719_200.0
HOUR_S = 3600.0
PURPOSES = ("aftercare", "measure", "offers", "purchases", "recognise")
SETTLED_WITHIN_S = 30.0
Consents = dict[str, str]
"""Shopper to the purposes that stand."""
Receipts = set[tuple[str, str, str]]
"""(promise, what, the receipt's own id)."""
Letter = tuple[str, str, dict[str, object]]
"""Topic, id and event of one message."""


class World:
    """One broker, one gateway's reading side, one sender; shared by all examples, each with shoppers of its own."""

    def __init__(self, folder: Path, broker: Mosquitto) -> None:
        self.store: Store = open_store(StorageSettings(path=folder / "etalage.db"))
        self._mqtt = MqttSettings(brokers=(broker.url,), pause_max_s=1.0)
        identities = Identities("demo")
        identities.load([], BEGAN_S)
        people = People(self.store, identities, Keys(folder / "etalage.keys"), lambda: BEGAN_S + 1000 * HOUR_S)
        self.ledger = Ledger(self.store, BOX.source)
        self._handlers = InboundHandlers(
            BOX,
            {
                OptInGiven.TYPE: people.take_optin,
                OptInWithdrawn.TYPE: people.take_withdrawal,
                Receipt.TYPE: self.ledger.take_receipt,
            },
        )
        self.inbox = self.start()
        self.sender = Client(CallbackAPIVersion.VERSION2, client_id="sender", clean_session=False)
        self.sender.connect(HOST, broker.port)
        self.sender.loop_start()
        self.examples = 0

    def start(self) -> Inbox:
        made = Inbox(
            self.store, self._mqtt, BOX, read_credentials(self._mqtt), self._handlers, lambda call: call(), clock=time.time
        )
        made.start()
        assert wait_for(lambda: made.health()["state"] == "up", 10)
        return made

    def restart(self) -> None:
        self.inbox.stop()
        self.inbox = self.start()

    def tear(self) -> None:
        """The network breaks under the gateway."""
        link = self.inbox._link.current
        wire = None if link is None else link._client.socket()
        if wire is not None:
            wire.close()

    def send(self, topic: str, body: bytes) -> None:
        self.sender.publish(BOX.prefix + topic, body, qos=1).wait_for_publish(10)

    def promise(self, shopper: str) -> str:
        chosen = Chosen("tip", "content", None, "wine", "nl", Content("Wijn", ""), BEGAN_S + 600, 1, 1, 1, None, ())
        decision = Decision((chosen,), (), (Verdict("tip", Gate.CHOSEN),), "b" * 64, Group.TREATED)
        situation = Situation(shopper, BEGAN_S, "enter", "wine", 0, "v", frozenset(), "nl", {}, {}, (), 6, frozenset())
        return self.ledger.promise(decision, situation).result(10).made[0].promise

    def state(self, prefix: str) -> tuple[Consents, Receipts]:
        with self.store.read() as connection:
            standing = connection.execute(
                select(consents.c.shopper, consents.c.purposes).where(consents.c.shopper.like(f"{prefix}%"))
            )
            noted = select(happenings.c.promise, happenings.c.what, happenings.c.event_id, happenings.c.shopper)
            came = connection.execute(noted.where(happenings.c.shopper.like(f"{prefix}%"))).all()
            assert len(came) == len(set(came))
            return {row.shopper: row.purposes for row in standing}, {(row.promise, row.what, row.event_id) for row in came}

    def close(self) -> None:
        self.inbox.stop()
        self.sender.disconnect()
        self.sender.loop_stop()
        self.store.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Mosquitto(tmp_path / "broker", (*OPEN_TO_ALL, *DURABLE)) as broker:
        made = World(tmp_path, broker)
        yield made
        made.close()


class Hostile(RuleBasedStateMachine):
    """The sender. Each decision is later than the one before it; a held message goes out hours after younger ones."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        world.examples += 1
        self.prefix = f"x{world.examples}-"
        self.promise = world.promise(f"{self.prefix}r")
        self.number = 0
        self.held: list[Letter] = []
        self.sent: list[Letter] = []
        self.decided: dict[str, tuple[int, str | None]] = {}
        """Shopper to (number of the latest decision sent, its purposes; None for a withdrawal)."""
        self.received: Receipts = set()

    @rule(shopper=st.sampled_from("ab"), purposes=st.sets(st.sampled_from(PURPOSES), min_size=1), hold=st.booleans())
    def opts_in(self, shopper: str, purposes: set[str], hold: bool) -> None:
        identity = {"beacon": {"uuid": "e2c56db5dffb48d2b060d0f5a71096e0", "major": self.world.examples, "minor": ord(shopper)}}
        data = {"purposes": sorted(purposes), "identity": identity, "consent": {"text": "1"}}
        self._write("optins", OptInGiven.TYPE, {"shopper": self.prefix + shopper, **data}, hold)

    @rule(shopper=st.sampled_from("ab"), hold=st.booleans())
    def withdraws(self, shopper: str, hold: bool) -> None:
        self._write("optins", OptInWithdrawn.TYPE, {"shopper": self.prefix + shopper}, hold)

    @rule(what=st.sampled_from(["delivered", "shown", "tapped", "dismissed"]), hold=st.booleans())
    def reacts(self, what: str, hold: bool) -> None:
        self._write("receipts", Receipt.TYPE, {"promise": self.promise, "what": what}, hold)

    @precondition(lambda self: self.held)
    @rule(pick=st.integers(0, 99))
    def a_held_message_goes_out(self, pick: int) -> None:
        self._send(self.held.pop(pick % len(self.held)))

    @precondition(lambda self: self.sent)
    @rule(pick=st.integers(0, 99), times=st.integers(1, 3))
    def a_message_comes_again(self, pick: int, times: int) -> None:
        for _ in range(times):
            self._send(self.sent[pick % len(self.sent)])

    @precondition(lambda self: self.sent or self.held)
    @rule(pick=st.integers(0, 99), place=st.integers(0, 9999), byte=st.integers(128, 255))
    def a_spoilt_copy_comes(self, pick: int, place: int, byte: int) -> None:
        """One byte that no UTF-8 has there: what is left is no message."""
        topic, body = self._copy(pick)
        spoilt = bytearray(body)
        spoilt[place % len(spoilt)] = byte
        self.world.send(topic, bytes(spoilt))

    @precondition(lambda self: self.sent or self.held)
    @rule(pick=st.integers(0, 99), kept=st.integers(0, 9999))
    def a_copy_cut_short_comes(self, pick: int, kept: int) -> None:
        topic, body = self._copy(pick)
        self.world.send(topic, body[: kept % len(body)])

    @precondition(lambda self: self.sent or self.held)
    @rule(pick=st.integers(0, 99))
    def an_oversized_copy_comes(self, pick: int) -> None:
        topic, body = self._copy(pick)
        self.world.send(topic, body + b" " * 70_000)

    @rule()
    def the_connection_is_torn(self) -> None:
        self.world.tear()

    @rule()
    def the_gateway_starts_again(self) -> None:
        self.world.restart()

    def teardown(self) -> None:
        standing = {shopper: purposes for shopper, (_, purposes) in self.decided.items() if purposes is not None}
        expected = (standing, self.received)
        assert wait_for(lambda: self.world.state(self.prefix) == expected, SETTLED_WITHIN_S), (
            self.world.state(self.prefix),
            expected,
        )
        assert self.world.inbox.health()["failed"] == 0

    def _write(self, topic: str, type_: str, data: dict[str, object], hold: bool) -> None:
        self.number += 1
        if topic == "optins":
            data["version"] = self.number
        event_id = f"{self.prefix}{self.number}"
        time = datetime.fromtimestamp(BEGAN_S + self.number * HOUR_S, UTC).isoformat()
        event: dict[str, object] = {
            "specversion": "1.0",
            "id": event_id,
            "source": "backend",
            "type": type_,
            "time": time,
            "data": data,
        }
        letter = (topic, event_id, event)
        if hold:
            self.held.append(letter)
        else:
            self._send(letter)

    def _send(self, letter: Letter) -> None:
        topic, event_id, event = letter
        self.world.send(topic, json.dumps(event).encode())
        self.sent.append(letter)
        data: dict[str, object] = event["data"]  # type: ignore[assignment]  # as written above
        if event["type"] == Receipt.TYPE:
            self.received.add((self.promise, str(data["what"]), event_id))
            return
        number, shopper = int(event_id.removeprefix(self.prefix)), str(data["shopper"])
        purposes = " ".join(data["purposes"]) if event["type"] == OptInGiven.TYPE else None  # type: ignore[arg-type]  # as above
        self.decided[shopper] = max(self.decided.get(shopper, (0, None)), (number, purposes), key=lambda one: one[0])

    def _copy(self, pick: int) -> tuple[str, bytes]:
        letters = self.sent + self.held
        topic, _, event = letters[pick % len(letters)]
        return topic, json.dumps(event).encode()


def test_the_state_is_the_models_whatever_comes_in(world: World) -> None:
    bounds = settings(max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(lambda: Hostile(world), settings=bounds)  # type: ignore[arg-type]  # a factory will do
