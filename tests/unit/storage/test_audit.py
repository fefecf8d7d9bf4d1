"""The record of who did what."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.settings import Settings, StorageSettings
from gateway.storage import Connection, Store, audit, open_store, retention

AT_S = 1_795_255_200.0


@pytest.fixture
def store(storage: StorageSettings) -> Iterator[Store]:
    store = open_store(storage)
    yield store
    store.close()


def fill(connection: Connection) -> None:
    for number in range(10):
        audit.note(connection, AT_S + number, "Sanne" if number % 2 else "Joost", "signed_in", f"row {number}")


def test_the_newest_come_first_and_pages_follow_each_other(store: Store) -> None:
    store.writer.submit(fill).result(30)
    with store.read() as connection:
        first = audit.page(connection, limit=4)
        second = audit.page(connection, limit=4, before=first[-1].seq)
    assert [row.object for row in (*first, *second)] == [f"row {number}" for number in range(9, 1, -1)]


def test_it_is_filtered_by_person_and_by_deed(store: Store) -> None:
    store.writer.submit(fill).result(30)
    with store.read() as connection:
        assert {row.who for row in audit.page(connection, who="Sanne")} == {"Sanne"}
        assert audit.page(connection, deed="signed_out") == []


def test_what_is_too_long_is_cut_and_never_refused(store: Store) -> None:
    store.writer.submit(lambda connection: audit.note(connection, AT_S, "x" * 500, "signed_in", "y" * 500)).result(30)
    with store.read() as connection:
        [row] = audit.page(connection)
    assert (len(row.who), len(row.object)) == (64, 128)


def test_it_ends_with_its_period(store: Store) -> None:
    store.writer.submit(fill).result(30)
    later_s = AT_S + Settings().dashboard.audit_days * 86_400 + 5
    assert store.writer.submit(lambda connection: retention.enforce(connection, Settings(), later_s)).result(30)["audit"] == 5
