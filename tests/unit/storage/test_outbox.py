"""What the outbox says of an announcement on its way: waiting, with the broker, arrived."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine

from gateway.storage import Connection, outbox, quarantine, sending
from gateway.storage.metadata import metadata


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    metadata.create_all(engine, tables=[outbox.outbox, outbox.waiting, quarantine.quarantine])
    with engine.begin() as opened:
        yield opened


def put(connection: Connection, event_id: str, topic: str) -> None:
    outbox.put(connection, event_id=event_id, topic=topic, shopper=None, body="{}", at_s=0.0, expires_at_s=60.0)


def test_an_announcement_awaits_its_receipt_from_the_broker_s_yes_on(connection: Connection) -> None:
    for event_id, topic in (("p-1", "offers"), ("p-2", "offers"), ("c-1", "staff")):
        put(connection, event_id, topic)
    assert outbox.awaiting_receipt(connection) == 0
    sending.acknowledge(connection, ["p-1", "c-1"])
    assert outbox.awaiting_receipt(connection) == 1, "a call to staff has no receipt"
    assert outbox.count(connection) == 1
    outbox.remove(connection, ["p-1"])
    assert outbox.awaiting_receipt(connection) == 0


def test_what_is_sent_again_after_a_new_connection_awaits_the_broker_anew(connection: Connection) -> None:
    put(connection, "p-1", "offers")
    sending.acknowledge(connection, ["p-1"])
    assert sending.resend(connection, 2.0) == 1
    assert (outbox.awaiting_receipt(connection), outbox.count(connection)) == (0, 1)
