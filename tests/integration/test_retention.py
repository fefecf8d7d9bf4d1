"""Retention: every table has a period or an end in words, and the job enforces it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from contextlib import closing
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest
from sqlalchemy import insert

import gateway.storage
from gateway.settings import Settings, StorageSettings
from gateway.shoppers.consent import ConsentDecision
from gateway.shoppers.housekeeping import SCRUB_AGAIN_S, Housekeeping
from gateway.shoppers.identities import Identities, Static
from gateway.shoppers.people import People
from gateway.storage import Reader, Store, consents, open_store
from gateway.storage.keys import Keys
from gateway.storage.metadata import metadata
from gateway.storage.retention import DAY_S, RULES, RetentionRule, enforce, period_s
from rules.texts import Language, text
from tests.support.clock import FakeClock

NOW_S = 1_763_719_200.0
SETTINGS = Settings()


@pytest.fixture
def store(storage: StorageSettings) -> Iterator[Store]:
    opened = open_store(storage.model_copy(update={"busy_timeout_s": 0.1}))
    yield opened
    opened.close()


@pytest.fixture
def reader(store: Store) -> Iterator[Reader]:
    reader = Reader(store.read)
    reader.start()
    yield reader
    reader.close()


class AtOnce(Executor):
    """Does the work where it is handed over."""

    def submit(self, work: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(work(*args, **kwargs))
        return future


def test_every_table_is_listed_once() -> None:
    for found in iter_modules(gateway.storage.__path__):
        import_module(f"gateway.storage.{found.name}")
    listed = [rule.table for rule in RULES]
    assert sorted(listed) == sorted(metadata.tables), "a table without a rule is kept for ever, and nobody knows"


def test_every_rule_has_a_period_or_an_end_in_every_language() -> None:
    for rule in RULES:
        assert (rule.period is None) != (rule.until is None), rule.table
        for message in (rule.holds, *((rule.until,) if rule.until else ())):
            assert text(Language.NL, message) != message, message


def test_every_period_is_a_setting_of_days_or_seconds() -> None:
    for rule in RULES:
        if rule.period is not None:
            period = period_s(rule, SETTINGS)
            assert period is not None
            assert period >= DAY_S, rule.table


def _row(table: Any, at_s: float, column: str) -> dict[str, Any]:
    """A row with something in every column, `column` at a moment."""
    filled: dict[str, Any] = {}
    for each in table.c:
        if each.name == column:
            filled[each.name] = at_s
        elif not each.nullable and not (each.primary_key and each.name == "seq"):
            python = each.type.python_type
            word = f"{at_s}"[-(getattr(each.type, "length", None) or 36) :]
            filled[each.name] = {str: word, int: 1, bool: True, float: at_s, bytes: word.encode(), dict: {}}.get(python, "x")
    return filled


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.column is not None], ids=lambda rule: rule.table)
def test_the_job_deletes_what_has_outstayed_its_period_and_nothing_else(store: Store, rule: RetentionRule) -> None:
    table, period = metadata.tables[rule.table], period_s(rule, SETTINGS)
    assert period is not None
    assert rule.column is not None
    young, old = _row(table, NOW_S - period + 60, rule.column), _row(table, NOW_S - period - 60, rule.column)
    store.writer.submit(lambda connection: connection.execute(insert(table), [young, old])).result()
    gone = store.writer.submit(lambda connection: enforce(connection, SETTINGS, NOW_S)).result()
    assert gone[rule.table] == 1
    with store.read() as connection:
        (left,) = connection.execute(table.select()).all()
    assert left._mapping[rule.column] == young[rule.column]


def test_a_proof_loses_its_digest_before_it_goes(store: Store) -> None:
    days = SETTINGS.shoppers.erasure_digests_days
    old_s = NOW_S - (days + 1) * DAY_S
    store.writer.submit(
        lambda connection: consents.prove_erasure(connection, b"d" * 32, consents.ErasureProof(old_s), old_s, 7)
    ).result()
    store.writer.submit(lambda connection: enforce(connection, SETTINGS, NOW_S)).result()
    with store.read() as connection:
        (proof,) = connection.execute(metadata.tables["erasures"].select()).all()
    assert (proof.digest, proof.rows) == (None, 7)


def test_a_consent_that_nobody_used_for_years_lapses_and_everything_goes(store: Store, reader: Reader, tmp_path: Path) -> None:
    keys, identities, clock = Keys(tmp_path / "etalage.keys"), Identities("demo"), FakeClock(NOW_S)
    people = People(store, identities, keys, clock.now_s)
    everything = frozenset({"recognise", "offers"})
    tag = Static(bytes(20))

    def join(shopper: str, identity: Static) -> None:
        decision = ConsentDecision(clock.now_s(), 1, everything)
        store.writer.transact(lambda tx: people.record(tx, shopper, decision, identity)).result()

    join("sleeper", tag)
    clock.advance((SETTINGS.shoppers.idle_days + 1) * DAY_S)
    join("newcomer", Static(bytes(19) + b"\x01"))
    housekeeping = Housekeeping(store, reader, keys, people, SETTINGS, AtOnce(), clock)
    clock.doubt()
    asyncio.run(housekeeping.enforce_periods())
    assert identities.resolve(tag.beacon_id) == "sleeper", "not by a time that isn't trusted"
    clock.believe()
    asyncio.run(housekeeping.enforce_periods())
    assert identities.resolve(tag.beacon_id) is None
    with store.read() as connection:
        assert consents.find(connection, "sleeper") is None
        assert consents.find(connection, "newcomer") is not None
    asyncio.run(housekeeping.scrub())
    assert not people.erasing, "the bytes were scrubbed too"


@pytest.mark.parametrize("storage", ["sqlite"], indirect=True)
def test_housekeeping_begins_with_a_scrub_and_repeats_it_until_no_reader_is_in_the_way(
    store: Store, reader: Reader, tmp_path: Path
) -> None:
    keys, clock = Keys(tmp_path / "etalage.keys"), FakeClock(NOW_S)
    people = People(store, Identities("demo"), keys, clock.now_s)
    housekeeping = Housekeeping(store, reader, keys, people, SETTINGS, AtOnce(), clock)
    store.writer.submit(
        lambda connection: consents.prove_erasure(connection, b"a" * 32, consents.ErasureProof(1.0), 1.0, 1)
    ).result()
    with store.engine.connect() as in_the_way:
        in_the_way.execute(metadata.tables["erasures"].select()).all()
        store.writer.submit(
            lambda connection: consents.prove_erasure(connection, b"b" * 32, consents.ErasureProof(1.0), 1.0, 1)
        ).result()
        asyncio.run(housekeeping.scrub())
        assert (tmp_path / "etalage.db-wal").stat().st_size > 0, "a reader still needs the log"
    clock.advance(SCRUB_AGAIN_S)
    asyncio.run(housekeeping.scrub())
    assert (tmp_path / "etalage.db-wal").stat().st_size == 0


def test_a_scrub_that_fails_says_so_and_is_tried_again(
    store: Store, reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeClock(NOW_S)
    people = People(store, Identities("demo"), Keys(tmp_path / "etalage.keys"), clock.now_s)
    failing = AtOnce()
    failure: Future[Any] = Future()
    failure.set_exception(OSError("disk full"))
    monkeypatch.setattr(failing, "submit", lambda *_: failure)
    housekeeping = Housekeeping(store, reader, Keys(tmp_path / "etalage.keys"), people, SETTINGS, failing, clock)
    with pytest.raises(OSError, match="disk full"):  # which the supervisor tells of, without its text
        asyncio.run(housekeeping.scrub())
    assert people.erasing
    monkeypatch.undo()
    clock.advance(SCRUB_AGAIN_S)
    asyncio.run(housekeeping.scrub())
    assert not people.erasing


def test_a_database_that_was_put_back_is_known_to_be_behind(storage: StorageSettings, tmp_path: Path) -> None:
    keys = Keys(tmp_path / "etalage.keys")

    async def live(store: Store, minutes: int) -> bool:
        reader = Reader(store.read)
        reader.start()
        people = People(store, Identities("demo"), keys, lambda: NOW_S)
        housekeeping = Housekeeping(store, reader, keys, people, SETTINGS, AtOnce(), FakeClock(NOW_S))
        behind = await housekeeping.is_behind()
        for _ in range(minutes):
            await housekeeping.count_on()
        reader.close()
        return behind

    with closing(open_store(storage)) as store:
        assert [asyncio.run(live(store, minutes)) for minutes in (3, 0)] == [False, False]
    with closing(open_store(StorageSettings(path=tmp_path / "older.db"))) as older:
        assert [asyncio.run(live(older, minutes)) for minutes in (1, 0)] == [True, False]
