from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.settings import StorageSettings
from gateway.storage import Store, open_store, outbox, sending
from gateway.storage.outgoing import COMMITTED, Claim


@pytest.fixture
def store(storage: StorageSettings) -> Iterator[Store]:
    store = open_store(storage)
    yield store
    store.close()


def put(store: Store, event_id: str) -> None:
    store.writer.submit(
        lambda connection: outbox.put(
            connection, event_id=event_id, topic="offers", shopper=event_id, body="{}", at_s=1.0, expires_at_s=100.0
        )
    ).result(10)


def handed_at_s(store: Store) -> dict[str, float | None]:
    with store.read() as connection:
        ready, _ = sending.look(connection, room=10, at_s=1.0)
    return {message.event_id: message.handed_at_s for message in ready}


def test_what_is_committed_while_the_courier_sends_is_marked_in_the_same_commit(store: Store) -> None:
    put(store, "before")
    store.outgoing.claim = Claim(ahead=10, at_s=7.0)
    put(store, "while")
    store.outgoing.claim = None
    put(store, "after")
    assert handed_at_s(store) == {"before": 7.0, "while": 7.0, "after": None}


def test_only_as_many_are_marked_as_the_courier_takes_at_once(store: Store) -> None:
    put(store, "first")
    put(store, "second")
    store.outgoing.claim = Claim(ahead=1, at_s=7.0)
    put(store, "third")
    assert handed_at_s(store) == {"first": 7.0, "second": None, "third": None}


def test_a_commit_wakes_the_courier_once_until_it_has_heard(store: Store) -> None:
    put(store, "first")
    put(store, "second")
    assert store.outgoing.events.get(timeout=10) is COMMITTED
    assert store.outgoing.events.empty()
    store.outgoing.heard()
    put(store, "third")
    assert store.outgoing.events.get(timeout=10) is COMMITTED
