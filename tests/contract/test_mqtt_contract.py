"""The contract's documents are current, say what the models say, and are what really goes over the wire."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from cloudevents.core.formats.json import JSONFormat
from jsonschema import Draft202012Validator, FormatChecker
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from firmware_sim.backend import Backend
from firmware_sim.broker import EmbeddedBroker
from firmware_sim.reactions import ReactionHabits
from gateway.messages import CHANNELS, Occupancy, OfferPromised, OptInGiven, OptInWithdrawn, Outcome, Profile, Receipt, StaffCall
from gateway.mqtt.contract import documents
from gateway.mqtt.courier import Courier
from gateway.mqtt.credentials import read_credentials
from gateway.mqtt.handlers import InboundHandlers
from gateway.mqtt.inbox import Inbox
from gateway.mqtt.status import StatusPublisher, event_text
from gateway.mqtt.topics import GatewayIdentity
from gateway.settings import MqttSettings, StorageSettings
from gateway.storage import Store, open_store, outbox
from tests.support.mosquitto import HOST, wait_for

DOCS = Path(__file__).parents[2] / "docs"
BOX = GatewayIdentity("demo-chain", "demo", "gw-1")
# As the contract's description shows them to people.
EXAMPLES = [
    """{"specversion": "1.0", "id": "oi-81", "source": "backend", "type": "etalage.optin.given", "time": "2026-11-21T10:00:00Z",
     "data": {"shopper": "s-1", "version": 3, "purposes": ["recognise", "offers", "purchases", "aftercare", "measure"],
              "language": "nl", "consent": {"text": "2026-03", "channel": "app"},
              "identity": {"beacon": {"uuid": "e2c56db5dffb48d2b060d0f5a71096e0", "major": 1, "minor": 1}}}}""",
    """{"specversion": "1.0", "id": "oi-82", "source": "backend", "type": "etalage.optin.withdrawn",
     "time": "2026-11-21T11:00:00Z", "data": {"shopper": "s-1", "version": 4}}""",
    """{"specversion": "1.0", "id": "0193", "source": "etalage/demo-chain/demo/gw-1", "type": "etalage.offer.promised",
     "time": "2026-11-21T10:12:05Z",
     "data": {"promise": "0193", "shopper": "s-1", "offer": "wine-tasting", "kind": "voucher", "zone": "wine", "decision": "0193",
              "language": "nl", "content": {"title": "Proef de nieuwe Rioja", "body": "Vandaag 10 % op alle rode wijn."},
              "voucher": {"code": "7KQ2-MX4P", "value": {"percent": 10}, "ends_at": "2026-11-21T20:00:00Z"},
              "expires_at": "2026-11-21T12:12:05Z"}}""",
    """{"specversion": "1.0", "id": "r-55", "source": "backend", "type": "etalage.receipt", "time": "2026-11-21T10:12:09Z",
     "data": {"promise": "0193", "what": "tapped"}}""",
    """{"specversion": "1.0", "id": "receipt-0815", "source": "till-1", "type": "etalage.redemption.asked",
     "time": "2026-11-21T10:20:00Z", "data": {"till": "till-1", "code": "7KQ2-MX4P"}}""",
    """{"specversion": "1.0", "id": "0194", "source": "etalage/demo-chain/demo/gw-1", "type": "etalage.offer.redeemed",
     "time": "2026-11-21T10:20:00Z", "data": {"promise": "0193", "shopper": "s-1", "offer": "wine-tasting", "till": "till-1"}}""",
]


def validator(type_: str) -> Draft202012Validator:
    schema = json.loads((DOCS / "schemas" / f"{type_.removeprefix('etalage.')}.json").read_text(encoding="utf-8"))
    return Draft202012Validator(schema, format_checker=FormatChecker())


def by_the_sdk(event: Any) -> tuple[str, str, str]:
    """An event's id, source and type, as CloudEvents' own SDK reads it."""
    found = JSONFormat().read(None, json.dumps(event))
    assert found.get_specversion() == "1.0"
    assert found.get_data() == event["data"]
    return found.get_id(), found.get_source(), found.get_type()


def test_the_documents_are_current() -> None:
    stale = [name for name, text in documents().items() if (DOCS / name).read_text(encoding="utf-8") != text]
    assert stale == [], "run `etalage contract`"
    assert {f"schemas/{path.name}" for path in (DOCS / "schemas").iterdir()} <= documents().keys()


@pytest.mark.parametrize("path", sorted((DOCS / "schemas").glob("*.json")), ids=lambda path: path.stem)
def test_each_schema_is_one_and_names_its_type(path: Path) -> None:
    schema = json.loads(path.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    assert schema["properties"]["type"] == {"const": f"etalage.{path.stem}"}
    assert {"id", "source", "type", "time", "data", "specversion"} <= set(schema["required"])
    assert schema["$id"] == f"urn:etalage:v1:{path.stem}"


@pytest.mark.parametrize("path", sorted((DOCS / "schemas").glob("*.json")), ids=lambda path: path.stem)
def test_no_property_has_a_title_and_no_two_types_one_name(path: Path) -> None:
    """A generator makes a type of each title: `Promise` for the id of one, say."""
    schema = json.loads(path.read_text(encoding="utf-8"))
    objects = [schema, *schema["$defs"].values()]
    assert [name for one in objects for name, part in one.get("properties", {}).items() if "title" in part] == []
    names = [one["title"] for one in objects]
    assert len(names) == len(set(names))


def test_each_message_that_is_answered_says_where() -> None:
    document = yaml.safe_load((DOCS / "asyncapi.yaml").read_text(encoding="utf-8"))
    answered = {
        operation["channel"]["$ref"].rpartition("/")[2]: operation["reply"]["channel"]["$ref"].rpartition("/")[2]
        for operation in document["operations"].values()
        if "reply" in operation
    }
    assert answered == {
        **dict.fromkeys(("optins", "profiles", "receipts", "sync_pages_gateway"), "replies"),
        **dict.fromkeys(("redemptions_till", "purchases_till"), "replies_till"),
        "sync_request": "sync_pages_gateway",
    }


def test_the_asyncapi_document_describes_every_topic_and_message() -> None:
    document = yaml.safe_load((DOCS / "asyncapi.yaml").read_text(encoding="utf-8"))
    assert document["asyncapi"] == "3.1.0"
    assert document["servers"]
    assert all(channel["description"] for channel in document["channels"].values())
    assert all(message["description"] for message in document["components"]["messages"].values())
    addresses = {channel["address"] for channel in document["channels"].values()}
    assert addresses == {f"etalage/v1/{{chain}}/{{store}}/{channel.topic}" for channel in CHANNELS}
    for operation in document["operations"].values():
        assert operation["channel"]["$ref"].removeprefix("#/channels/") in document["channels"]
        assert operation["bindings"]["mqtt"]["qos"] in (0, 1)
    for message in document["components"]["messages"].values():
        assert (DOCS / message["payload"]["schema"]["$ref"]).is_file()


@pytest.mark.parametrize("text", EXAMPLES, ids=lambda text: json.loads(text)["type"])
def test_the_examples_for_people_fit_the_schemas(text: str) -> None:
    event = json.loads(text)
    assert list(validator(event["type"]).iter_errors(event)) == []


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(StorageSettings(path=tmp_path / "etalage.db"))
    yield opened
    opened.close()


def test_what_goes_over_the_wire_is_what_the_documents_say(store: Store) -> None:
    """A gateway and a backend talk for a while; a third party listens to all of it with the schemas in hand."""
    heard: list[tuple[str, Any]] = []
    with EmbeddedBroker() as broker:
        witness = Client(CallbackAPIVersion.VERSION2, client_id="witness")
        ready: list[int] = []
        witness.on_message = lambda _c, _d, m: heard.append((m.topic, json.loads(m.payload)))
        witness.on_subscribe = lambda *_: ready.append(1)
        witness.connect(HOST, broker.port)
        witness.loop_start()
        witness.subscribe("etalage/#", qos=1)
        assert wait_for(lambda: ready, 10)
        mqtt = broker.settings(MqttSettings(home_assistant=True))
        credentials = read_credentials(mqtt)
        status = StatusPublisher(BOX, mqtt, occupancy=lambda: [Occupancy(zone="wine", count=None, fewer_than=15)])
        courier = Courier(store, mqtt, BOX, credentials, status, release=lambda *_: None, clock=time.time)
        types = (OptInGiven, OptInWithdrawn, Profile, Receipt)
        handlers = InboundHandlers(BOX, {message.TYPE: lambda _connection, _event: Outcome() for message in types})
        inbox = Inbox(store, mqtt, BOX, credentials, handlers, lambda call: call(), clock=time.time)
        backend = Backend(broker.url, "demo-chain", "demo", habits=ReactionHabits(pause_s=(0.0, 0.05))).start()
        beacon = {"uuid": "e2c56db5dffb48d2b060d0f5a71096e0", "major": 1, "minor": 1}
        inbox.start()
        courier.start()
        assert wait_for(lambda: inbox.health()["state"] == "up" and backend.connected, 10)
        backend.opt_in("s-1", {"beacon": beacon})
        backend.opt_in("s-2", {"rotating": {"uuid": beacon["uuid"], "key": "9f" * 16}})
        backend.profile("s-1", {"stage": "fan", "visits_90d": 3, "likes": ["wine"]}, {"wine-tasting": 0.4})
        backend.withdraw("s-2")
        now_s = time.time()
        promised = OfferPromised.model_validate(json.loads(EXAMPLES[2])["data"])
        help_wanted = StaffCall(promise="p-9", zone="wine", content={"title": "Help"})
        for event_id, topic, data in (("0193", "offers", promised), ("p-9", "staff", help_wanted)):
            row: dict[str, Any] = {
                "event_id": event_id,
                "topic": topic,
                "shopper": None,
                "body": event_text(BOX, data, now_s, event_id),
            }
            store.writer.submit(partial(outbox.put, **row, at_s=now_s, expires_at_s=now_s + 60)).result()
        witness.publish(f"{BOX.prefix}receipts", "{}", qos=1)
        assert wait_for(lambda: backend.cards and backend.idle and backend.counts["staff"] and backend.counts["pages"], 30)
        for part in (inbox, courier, backend):
            part.stop()
        witness.disconnect()
        witness.loop_stop()
    told = [(topic, event) for topic, event in heard if event != {}]
    assert [by_the_sdk(event) for _, event in told] == [(event["id"], event["source"], event["type"]) for _, event in told]
    faults = [(topic, error.message) for topic, event in told for error in validator(event["type"]).iter_errors(event)]
    assert faults == []
    assert {event["type"] for _, event in told} >= {
        "etalage.optin.given", "etalage.optin.withdrawn", "etalage.profile", "etalage.offer.promised", "etalage.staff.called",
        "etalage.receipt", "etalage.reply", "etalage.sync.request", "etalage.sync.page", "etalage.gateway.status",
        "etalage.zone.occupancy",
    }  # fmt: skip
    assert all("s-1" not in topic and "s-2" not in topic for topic, _ in heard)
