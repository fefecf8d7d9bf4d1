"""Erasure to the byte: database file, write-ahead log, keys, their copy, and every backup there is."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest
from sqlalchemy import insert

import gateway.storage
from gateway.messages import Event, OptInGiven, OptInWithdrawn
from gateway.settings import StorageSettings
from gateway.shoppers.identities import Identities
from gateway.shoppers.people import People
from gateway.storage import (
    Connection,
    Store,
    consents,
    decisions,
    happenings,
    journey,
    open_store,
    outbox,
    profiles,
    promises,
    quarantine,
    retention,
    subject,
)
from gateway.storage.backup import shoppers, write_backup
from gateway.storage.decisions import DecisionRecord
from gateway.storage.happenings import HappeningRecord
from gateway.storage.journey import JourneyRecord, VisitRecord
from gateway.storage.keys import KEYS_COPY, Keys
from gateway.storage.metadata import metadata
from gateway.storage.promises import PromiseRecord
from gateway.storage.restore import read_backup

NOON_S = 1_763_719_200.0
CANARY = "canary-7f3a91c2"
OTHER = "other-shopper-55"
UUID = "e2c56db5dffb48d2b060d0f5a71096e0"
KEY = "c4a41e11c4a41e12c4a41e13c4a41e14"


@dataclass
class Shop:
    """A gateway's rooms on disk, without the line."""

    folder: Path
    store: Store
    keys: Keys
    identities: Identities
    people: People

    @property
    def copy(self) -> Path:
        return self.folder / "backups" / KEYS_COPY

    def do(self, work: Any) -> Any:
        return self.store.writer.submit(work).result()

    def opt_in(self, shopper: str, at_s: float = NOON_S - 60, version: int = 1) -> None:
        event = Event[OptInGiven].model_validate(
            {
                "specversion": "1.0",
                "id": f"{shopper}-{at_s}",
                "source": "backend",
                "type": OptInGiven.TYPE,
                "time": datetime.fromtimestamp(at_s, UTC),
                "data": {
                    "shopper": shopper,
                    "version": version,
                    "purposes": ["recognise", "offers", "purchases", "aftercare", "measure"],
                    "identity": {"rotating": {"uuid": UUID, "key": KEY if shopper == CANARY else "55" * 16}},
                    "consent": {"text": "2026-03"},
                },
            }
        )
        self.store.writer.transact(lambda tx: self.people.take_optin(tx, event)).result()

    def withdraw(self, shopper: str, at_s: float = NOON_S) -> None:
        event = Event[OptInWithdrawn].model_validate(
            {
                "specversion": "1.0",
                "id": f"w-{shopper}",
                "source": "backend",
                "type": OptInWithdrawn.TYPE,
                "time": datetime.fromtimestamp(at_s, UTC),
                "data": {"shopper": shopper, "version": 2},
            }
        )
        self.store.writer.transact(lambda tx: self.people.take_withdrawal(tx, event)).result()

    def live(self, shopper: str) -> None:
        """Leave a row of every kind about a shopper."""
        self.do(lambda connection: _rows(connection, shopper))

    def scrub(self) -> None:
        assert retention.scrub(self.store.engine, self.keys, [self.copy], self.people.marks)

    def bytes_on_disk(self) -> dict[str, bytes]:
        files = {path.name: path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}
        return files | {f"{name} unpacked": gzip.decompress(content) for name, content in files.items() if name.endswith(".gz")}


def _promise(shopper: str, number: int, **changes: Any) -> PromiseRecord:
    row: dict[str, Any] = {
        "id": f"p-{len(shopper)}-{number}",
        "shopper": shopper,
        "visit": f"visit-of-{shopper}",
        "zone": "wine",
        "decision": f"d-{number}",
        "book": "hash",
        "offer": "wine-tasting",
        "kind": "voucher",
        "language": "nl",
        "content": {"title": "Proef"},
        "value": {"percent": 10},
        "code": f"CODE-{number}-{len(shopper)}",
        "terms": None,
        "code_key": None,
        "shared": 0,
        "reward": None,
        "at_s": NOON_S,
        "expires_at_s": NOON_S + 3600,
        "ends_at_s": NOON_S + 3600,
        "takings": [],
        "spent_cents": 0,
        "state": "announced",
        "state_at_s": NOON_S,
    }
    return PromiseRecord(**(row | changes))


def _rows(connection: Connection, shopper: str) -> None:
    profiles.replace(connection, shopper, 1, NOON_S, {"segment": f"segment-of-{shopper}"})
    profiles.answer(connection, shopper, "diet", f"diet-of-{shopper}", NOON_S, NOON_S + 1e6)
    for number in range(30):
        visit = VisitRecord(f"{shopper}-{number}", shopper, NOON_S, NOON_S, [shopper])
        journey.add_visit(connection, visit)
    journey.add_event(connection, shopper, f"backend/{shopper}", "engaged", NOON_S)
    journey.note_change(connection, shopper, "new", NOON_S, {"why": shopper})
    journey.put_bucket(connection, shopper, 3.0, NOON_S)
    standing = JourneyRecord(shopper, "new", NOON_S, {}, None, 30)
    journey.put(connection, standing)
    promises.add(connection, _promise(shopper, 1, state="shown"))
    promises.add(connection, _promise(shopper, 2, state="reserved"))
    shown = HappeningRecord(f"p-{len(shopper)}-1", f"r-{shopper}", shopper, "wine-tasting", shopper, "shown", NOON_S)
    happenings.note(connection, shown)
    for number in (1, 2):
        outbox.put(
            connection,
            event_id=f"p-{len(shopper)}-{number}",
            topic="offers",
            shopper=shopper,
            body=json.dumps({"data": {"shopper": shopper}}),
            at_s=NOON_S,
            expires_at_s=NOON_S + 3600,
        )
    row: dict[str, Any] = {
        "id": f"d-{shopper}"[:36],
        "at_s": NOON_S,
        "shopper": shopper,
        "event": "enter",
        "zone": "wine",
        "visit": shopper,
        "book": "hash",
    }
    row |= {"inputs_hash": "hash", "inputs": {"shopper": shopper}, "test_group": "treated", "outcome": {"shopper": shopper}}
    decisions.log(connection, DecisionRecord(**row))
    connection.execute(insert(metadata.tables["counters"]), {"key": "cap", "shopper": shopper, "used": 1, "opened_at_s": NOON_S})


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = open_shop(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def either(tmp_path: Path, storage: StorageSettings) -> Iterator[Shop]:
    """A shop on a file, then one on PostgreSQL."""
    made = open_shop(tmp_path, storage)
    yield made
    made.store.close()


def open_shop(folder: Path, storage: StorageSettings | None = None) -> Shop:
    (folder / "backups").mkdir(exist_ok=True)
    store = open_store(storage or StorageSettings(path=folder / "etalage.db"))
    keys = Keys(folder / "etalage.keys")
    identities = Identities("demo")
    identities.load([], NOON_S)
    return Shop(folder, store, keys, identities, People(store, identities, keys, lambda: NOON_S))


def _traces(shop: Shop) -> dict[str, list[str]]:
    """Which files hold which of the canary's marks, as text, as bytes and as hex."""
    marks = {CANARY.encode(), CANARY.encode().hex().encode(), bytes.fromhex(KEY), KEY.encode(), bytes.fromhex(KEY)[::-1]}
    found = {name: [mark.hex() for mark in marks if mark in content] for name, content in shop.bytes_on_disk().items()}
    return {name: here for name, here in found.items() if here}


def test_before_the_erasure_the_canary_is_on_disk(shop: Shop) -> None:
    shop.opt_in(CANARY)
    shop.live(CANARY)
    assert _traces(shop), "without this the next tests would prove nothing"


def test_after_a_withdrawal_no_file_holds_a_byte_of_the_shopper(shop: Shop) -> None:
    for shopper in (CANARY, OTHER):
        shop.opt_in(shopper)
        shop.live(shopper)
    write_backup(shop.store, shop.keys, shop.folder / "backups" / "one.backup.gz", NOON_S)
    shop.keys.copy_to(shop.copy)
    shop.withdraw(CANARY)
    shop.scrub()
    assert _traces(shop) == {}
    with shop.store.read() as connection:
        assert shoppers(connection) == {OTHER}
        assert subject.export_all(connection, CANARY)["consent"] is None


def test_nothing_is_left_in_pages_that_the_database_shuffled_about(shop: Shop) -> None:
    """With this many rows SQLite splits and merges pages, and leaves copies of cells in their gaps."""
    names = [f"canary-{number:03}-{number * 7919:09x}" for number in range(120)]
    for shopper in names:
        shop.opt_in(shopper)
        shop.do(lambda connection, shopper=shopper: _busy_life(connection, shopper))
    gone = names[::2]
    for shopper in gone:
        shop.withdraw(shopper)
    shop.scrub()
    everything = b"".join(shop.bytes_on_disk().values())
    assert [shopper for shopper in gone if shopper.encode() in everything] == []
    assert all(shopper.encode() in everything for shopper in names[1::2])


def _busy_life(connection: Connection, shopper: str) -> None:
    profiles.replace(connection, shopper, 1, NOON_S, {"segment": f"segment-of-{shopper}"})
    for number in range(30):
        visit = VisitRecord(f"{shopper}-{number}", shopper, NOON_S, NOON_S, [shopper])
        journey.add_visit(connection, visit)
        journey.add_event(connection, shopper, f"backend/{number}", "engaged", NOON_S)


def test_a_shown_voucher_is_still_honoured_and_names_nobody(shop: Shop) -> None:
    shop.opt_in(CANARY)
    shop.live(CANARY)
    shop.withdraw(CANARY)
    with shop.store.read() as connection:
        voucher = promises.find(connection, f"p-{len(CANARY)}-1")
    assert voucher is not None
    assert (voucher.shopper, voucher.visit, voucher.decision) == (None, None, None)
    assert (voucher.code, voucher.value, voucher.ends_at_s) == (f"CODE-1-{len(CANARY)}", {"percent": 10}, NOON_S + 3600)


def test_what_waited_for_the_shopper_is_not_sent_any_more(shop: Shop) -> None:
    shop.opt_in(CANARY)
    shop.live(CANARY)
    shop.withdraw(CANARY)
    with shop.store.read() as connection:
        assert outbox.export(connection, CANARY) == {"waiting": []}
        assert quarantine.export(connection, CANARY) == {"quarantined": []}
        assert promises.find(connection, f"p-{len(CANARY)}-2") is None, "never sent, so taken back"


def test_an_older_backup_is_unreadable_for_the_erased_and_readable_for_others(shop: Shop, tmp_path: Path) -> None:
    for shopper in (CANARY, OTHER):
        shop.opt_in(shopper)
        shop.live(shopper)
    backup = shop.folder / "backups" / "one.backup.gz"
    made = write_backup(shop.store, shop.keys, backup, NOON_S)
    assert made.shoppers == 2
    shop.withdraw(CANARY)
    shop.scrub()
    (tmp_path / "new").mkdir()
    fresh = open_store(StorageSettings(path=tmp_path / "new" / "etalage.db"))
    try:
        read = read_backup(fresh, shop.keys, backup, {})
        with fresh.read() as connection:
            assert shoppers(connection) == {OTHER}
            assert consents.allows(connection, OTHER, "offers")
    finally:
        fresh.close()
    assert read.unreadable > 0
    assert CANARY.encode() not in (tmp_path / "new" / "etalage.db").read_bytes()


def test_a_key_that_turns_up_again_doesnt_undo_a_proven_erasure(shop: Shop, tmp_path: Path) -> None:
    shop.opt_in(CANARY)
    shop.live(CANARY)
    backup = shop.folder / "backups" / "one.backup.gz"
    write_backup(shop.store, shop.keys, backup, NOON_S)
    shop.keys.copy_to(tmp_path / "stolen.keys")
    shop.withdraw(CANARY)
    shop.scrub()
    with shop.store.read() as connection:
        proven = consents.proven(connection)
    (tmp_path / "new").mkdir()
    fresh = open_store(StorageSettings(path=tmp_path / "new" / "etalage.db"))
    try:
        read = read_backup(fresh, Keys(tmp_path / "stolen.keys"), backup, proven, signed_by=shop.keys.signing_key().public_key())
        with fresh.read() as connection:
            assert shoppers(connection) == set()
            assert consents.proven(connection) == proven, "the proof is carried over"
    finally:
        fresh.close()
    assert read.erased_again == 1


def test_the_proof_stands_and_names_nobody(either: Shop) -> None:
    either.opt_in(CANARY)
    either.live(CANARY)
    either.withdraw(CANARY)
    with either.store.read() as connection:
        (proof,) = connection.execute(metadata.tables["erasures"].select()).all()
    assert (proof.decided_at_s, proof.erased_at_s) == (NOON_S, NOON_S)
    assert proof.rows > 30
    assert CANARY not in repr(proof)
    assert proof.digest == either.keys.digest(CANARY)


def test_a_kill_between_erasure_and_scrubbing_is_made_good_at_the_next_start(tmp_path: Path) -> None:
    first = open_shop(tmp_path)
    first.opt_in(CANARY)
    first.live(CANARY)
    write_backup(first.store, first.keys, tmp_path / "backups" / "one.backup.gz", NOON_S - 10)
    first.withdraw(CANARY)
    assert first.keys.by_id(), "the key is still there: the scrub never came"
    first.store.engine.dispose()
    second = open_shop(tmp_path)
    assert second.people.erasing, "each start begins with a scrub"
    second.scrub()
    assert not second.keys.by_id()
    assert _traces(second) == {}
    first.store.close()
    second.store.close()


def test_a_shopper_who_comes_back_after_erasure_gets_a_key_that_stays(either: Shop) -> None:
    either.opt_in(CANARY)
    either.keys.key_of(CANARY, NOON_S - 10)
    either.withdraw(CANARY)
    either.scrub()
    either.opt_in(CANARY, NOON_S + 60, version=3)
    key = either.keys.key_of(CANARY, NOON_S + 120)
    either.scrub()
    assert either.keys.key_of(CANARY, NOON_S + 180) == key


def test_every_room_that_keeps_a_shoppers_rows_takes_part_in_erasure_and_export() -> None:
    modules = [import_module(f"gateway.storage.{found.name}") for found in iter_modules(gateway.storage.__path__)]
    named = {table.name for table in metadata.tables.values() if "shopper" in table.c}
    rooms = {module.__name__ for module in modules if callable(getattr(module, "erase", None))}
    assert {room.__name__ for room in subject.ABOUT_SHOPPERS} == rooms
    assert named >= {"consents", "identities", "promises", "decisions", "outbox", "visits", "profile_values", "counters"}


def test_erasing_one_shopper_leaves_every_table_of_another_as_it_was(either: Shop) -> None:
    for shopper in (CANARY, OTHER):
        either.opt_in(shopper)
        either.live(shopper)
    with either.store.read() as connection:
        before = json.dumps(subject.export_all(connection, OTHER), default=str)
    either.withdraw(CANARY)
    with either.store.read() as connection:
        assert json.dumps(subject.export_all(connection, OTHER), default=str) == before
        named = [table for table in metadata.sorted_tables if "shopper" in table.c]
        left = {table.name for table in named if connection.execute(table.select().where(table.c.shopper == CANARY)).first()}
    assert left == set()
