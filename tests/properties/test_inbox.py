"""What comes in may be anything: it is read or refused, and repeated, reordered messages do their work once."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine

from gateway.messages import Event, Outcome, Receipt, Refusal, Reply
from gateway.mqtt.handlers import InboundHandlers
from gateway.mqtt.intake import EVENTS, Refused, read
from gateway.mqtt.topics import GatewayIdentity
from gateway.storage import Transaction, inbox, outbox, quarantine
from gateway.storage.metadata import metadata
from rules.texts import Language

BOX = GatewayIdentity("demo-chain", "demo", "gw-1")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
TYPES = st.sampled_from(sorted(EVENTS))


@given(st.binary(max_size=300))
def test_no_bytes_raise(body: bytes) -> None:
    found = read(body, EVENTS, 65_536)
    assert isinstance(found, Refused | Event)


@given(type_=TYPES, data=JSON, id_=JSON, time=st.one_of(JSON, st.just("2026-11-21T10:00:00Z")), more=JSON)
def test_no_document_raises_and_every_refusal_fits_the_contract(type_: str, data: Any, id_: Any, time: Any, more: Any) -> None:
    document = {"specversion": "1.0", "id": id_, "source": "backend", "type": type_, "time": time, "data": data, "more": more}
    found = read(json.dumps(document).encode(), EVENTS, 65_536)
    if isinstance(found, Refused):
        assert found.reasons
        for language in Language:
            reasons = [Refusal(path=one.path, code=one.code, text=one.said(language)) for one in found.reasons]
            assert Reply(refused=found.event_id, reasons=reasons).model_dump_json()


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_duplicated_and_reordered_messages_do_their_work_once(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 8))
    sendings = data.draw(st.lists(st.integers(0, count - 1), min_size=count, max_size=40))
    failing = data.draw(st.sets(st.integers(0, len(sendings) - 1), max_size=5))
    engine = create_engine("sqlite://")
    metadata.create_all(engine, tables=[outbox.outbox, outbox.waiting, quarantine.quarantine, inbox.seen, inbox.sync_state])
    done: list[str] = []
    broken = {"now": False}

    def handle(_tx: Transaction, event: Event[Receipt]) -> Outcome:
        if broken["now"]:
            raise RuntimeError("the first time it goes wrong")
        done.append(event.id)
        return Outcome()

    handlers = InboundHandlers(BOX, {Receipt.TYPE: handle})
    for turn, number in enumerate(sendings):
        broken["now"] = turn in failing
        body = {
            "specversion": "1.0",
            "id": f"r-{number}",
            "source": "backend",
            "type": Receipt.TYPE,
            "time": "2026-11-21T10:00:00Z",
        }
        event = read(json.dumps({**body, "data": {"promise": "p", "what": "shown"}}).encode(), EVENTS, 65_536)
        with engine.begin() as connection:
            handlers.work(event, "replies", 1000.0 + turn)(Transaction(connection))
    with engine.connect() as connection:
        assert outbox.count(connection) == len(set(sendings))  # nothing is sent here: each id's newest reply waits, and no other
    engine.dispose()
    assert len(done) == len(set(done))
    assert set(done) == {f"r-{number}" for turn, number in enumerate(sendings) if turn not in failing}
