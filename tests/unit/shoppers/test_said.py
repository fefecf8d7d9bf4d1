"""What is said at the box wins over what the backend brings after the database was lost, and the backend is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.messages import ConsentGiven, ConsentWithdrawn, Event
from gateway.settings import StorageSettings
from gateway.shoppers.consent import ConsentDecision
from gateway.shoppers.identities import Identities, Static
from gateway.shoppers.people import People
from gateway.storage import Store, consents, open_store, outbox
from gateway.storage.keys import Keys

NOON_S = 1_763_719_200.0
SOURCE = "etalage/chain/demo/gw-1"
TAG = Static(bytes.fromhex("e2c56db5dffb48d2b060d0f5a71096e000010001"))
ALL = frozenset({"recognise", "offers", "purchases", "aftercare", "measure"})
FEW = frozenset({"recognise"})

Make = Callable[..., Event[Any]]


@pytest.fixture
def people(store: Store, identities: Identities, keys: Keys) -> People:
    return People(store, identities, keys, lambda: NOON_S, source=SOURCE)


def after_a_loss(folder: Path, keys: Keys, event: Event[Any]) -> frozenset[str] | None:
    """Return the purposes that stand when a new database with the same keys file hears from the backend."""
    store = open_store(StorageSettings(path=folder / "new.db"))
    people = People(store, Identities("demo"), Keys(keys.path), lambda: NOON_S + 60, source=SOURCE)
    store.writer.transact(lambda tx: people.take_optin(tx, event)).result()
    with store.read() as connection:
        standing = consents.find(connection, "s-1")
    store.close()
    return None if standing is None else standing.purposes


def at_the_desk(store: Store, people: People, purposes: frozenset[str]) -> None:
    decision = ConsentDecision(NOON_S, 1, purposes, text="2026-03", channel="desk")
    store.writer.transact(lambda tx: people.record_by_hand(tx, "s-1", decision, TAG)).result()


def told(store: Store) -> list[tuple[str, dict[str, Any]]]:
    with store.read() as connection:
        rows = connection.execute(outbox.outbox.select().order_by(outbox.outbox.c.seq)).all()
    found = [json.loads(row.body) for row in rows if row.topic == "optins/told"]
    return [(event["type"], event["data"]) for event in found]


def test_a_no_at_the_desk_wins_over_the_yes_that_the_backend_brings_after_a_loss(
    store: Store, people: People, keys: Keys, given: Make, tmp_path: Path
) -> None:
    yes = given(at_s=NOON_S - 3600, version=4)
    store.writer.transact(lambda tx: people.take_optin(tx, yes)).result()
    store.writer.transact(lambda tx: people.withdraw(tx, "s-1")).result()
    assert after_a_loss(tmp_path, keys, yes) is None
    assert told(store) == [(ConsentWithdrawn.TYPE, {"shopper": "s-1", "follows": 4})]


def test_fewer_purposes_at_the_desk_win_too(store: Store, people: People, keys: Keys, given: Make, tmp_path: Path) -> None:
    yes = given(at_s=NOON_S - 3600, version=4)
    store.writer.transact(lambda tx: people.take_optin(tx, yes)).result()
    at_the_desk(store, people, FEW)
    assert after_a_loss(tmp_path, keys, yes) == FEW
    ((kind, data),) = told(store)
    assert (kind, data["purposes"], data["follows"]) == (ConsentGiven.TYPE, ["recognise"], 4)


def test_a_yes_that_was_said_after_the_no_counts(store: Store, people: People, keys: Keys, given: Make, tmp_path: Path) -> None:
    at_the_desk(store, people, ALL)
    store.writer.transact(lambda tx: people.withdraw(tx, "s-1")).result()
    assert after_a_loss(tmp_path, keys, given(at_s=NOON_S + 30, version=9)) == ALL


def test_what_was_said_is_remembered_without_a_name_and_forgotten_in_time(store: Store, people: People, keys: Keys) -> None:
    at_the_desk(store, people, ALL)
    store.writer.transact(lambda tx: people.withdraw(tx, "s-1")).result()
    assert list(keys.said()) == [keys.digest("s-1")]
    assert b"s-1" not in keys.path.read_bytes()
    keys.forget_said(NOON_S + 1)
    assert keys.said() == {}
