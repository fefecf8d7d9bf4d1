from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.settings import StorageSettings
from gateway.storage import Connection, Store, Transaction, WriterClosed, open_store
from gateway.storage.work_queue import BUSY, PATIENT_MAX
from gateway.storage.writer import Writer

note = sa.Table("note", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("text", sa.Text))


@pytest.fixture
def store(storage: StorageSettings) -> Iterator[Store]:
    store = open_store(storage)
    store.writer.submit(lambda connection: note.create(connection, checkfirst=True)).result(10)
    yield store
    store.close()


class Along:
    """A companion that counts commits, and does in each what it is told to."""

    def __init__(self, work: Callable[[Connection], None] = lambda connection: None) -> None:
        self._work = work
        self.commits = 0

    def before_commit(self, connection: Connection) -> None:
        self._work(connection)

    def committed(self) -> None:
        self.commits += 1


@contextlib.contextmanager
def writing_with(store: Store, companion: Along) -> Iterator[Writer]:
    writer = Writer(store.engine, companion=companion)
    writer.start()
    yield writer
    writer.close()


def write(number: int, text: str = "") -> Callable[[Connection], object]:
    return lambda connection: connection.execute(note.insert().values(id=number, text=text))


def count(store: Store) -> int:
    with store.read() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(note)).scalar_one())


def test_work_is_on_disk_once_its_future_is_resolved(store: Store, storage: StorageSettings) -> None:
    store.writer.submit(write(1)).result(10)
    other = open_store(storage)
    assert count(other) == 1
    other.close()


def test_work_that_raises_takes_back_only_itself(store: Store) -> None:
    held = threading.Event()
    store.writer.submit(lambda connection: held.wait(10))  # so that the next three share one commit
    first, twice, last = (store.writer.submit(write(number)) for number in (1, 1, 2))
    held.set()
    first.result(10)
    last.result(10)
    with pytest.raises(sa.exc.IntegrityError):
        twice.result(10)
    assert count(store) == 2


def test_work_runs_in_the_order_it_was_handed_over(store: Store) -> None:
    ran: list[int] = []

    def run(number: int, _connection: Connection) -> None:
        ran.append(number)

    for future in [store.writer.submit(partial(run, n)) for n in range(500)]:
        future.result(10)
    assert ran == list(range(500))


def test_many_pieces_of_work_share_a_commit(store: Store) -> None:
    held, along = threading.Event(), Along()
    with writing_with(store, along) as writer:
        futures: list[Future[object]] = [
            writer.submit(lambda connection: held.wait(10)),
            *(writer.submit(write(n)) for n in range(200)),
        ]
        held.set()
        for future in futures:
            future.result(10)
    assert along.commits <= 3


def test_a_locked_database_is_waited_for_and_nothing_is_lost(tmp_path: Path) -> None:
    store = open_store(StorageSettings(path=tmp_path / "etalage.db", busy_timeout_s=0.05))
    store.writer.submit(lambda connection: note.create(connection)).result(10)
    intruder = sa.create_engine(f"sqlite:///{tmp_path}/etalage.db", isolation_level="AUTOCOMMIT")
    with intruder.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        future = store.writer.submit(write(1))
        deadline = threading.Event()
        while store.writer.last_failure is None:
            assert not deadline.wait(0.01)
        assert "locked" in store.writer.last_failure
        assert not future.done()
        connection.exec_driver_sql("ROLLBACK")
    future.result(10)
    assert store.writer.last_failure is None
    assert count(store) == 1
    intruder.dispose()
    store.close()


def test_closing_commits_what_was_handed_over_and_takes_no_more(store: Store) -> None:
    futures = [store.writer.submit(write(n)) for n in range(100)]
    store.writer.close()
    assert all(future.done() and future.exception() is None for future in futures)
    with pytest.raises(WriterClosed):
        store.writer.submit(write(1000))


def test_readers_do_not_wait_for_the_writer(store: Store) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def slow(connection: Connection) -> None:
        connection.execute(note.insert().values(id=7))
        inside.set()
        go_on.wait(10)

    future = store.writer.submit(slow)
    assert inside.wait(10)
    assert count(store) == 0
    go_on.set()
    future.result(10)
    assert count(store) == 1


def test_work_under_load_is_gathered_into_fewer_commits(store: Store) -> None:
    held, along = threading.Event(), Along()
    with writing_with(store, along) as writer:
        first = [writer.submit(lambda connection: held.wait(10)) for _ in range(2 * BUSY)]
        held.set()
        for future in first:
            future.result(10)  # a busy group: the writer expects more
        for written in [writer.submit(write(number)) for number in range(20)]:
            written.result(10)
    assert count(store) == 20
    assert along.commits <= 14


def test_closing_does_not_wait_for_more_work_to_gather(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.storage.work_queue.GATHER_S", 3600.0)
    held = threading.Event()
    futures = [store.writer.submit(lambda connection: held.wait(10)) for _ in range(2 * BUSY)]
    held.set()
    futures[0].result(10)
    last = store.writer.submit(write(1))
    store.writer.close()
    assert last.done()
    assert last.exception() is None


def test_patient_work_holds_up_what_comes_after_it_by_one_group_at_most(store: Store) -> None:
    done: list[str] = []
    entered, go_on = threading.Event(), threading.Event()

    def hold(_connection: Connection) -> None:
        entered.set()
        go_on.wait(10)

    first = store.writer.submit(hold)
    assert entered.wait(10)

    def patiently(number: int) -> Callable[[Transaction], None]:
        return lambda tx: done.append(f"patient {number}")

    futures = [store.writer.transact(patiently(number), patient=True) for number in range(100)]
    urgent = store.writer.transact(lambda tx: done.append("now"))
    assert store.writer.backlog == 101
    go_on.set()
    urgent.result(10)
    assert done.index("now") <= PATIENT_MAX
    for future in (first, *futures):
        future.result(10)
    assert [name for name in done if name != "now"] == [f"patient {number}" for number in range(100)]


def test_closing_does_all_patient_work_that_was_handed_over(store: Store) -> None:
    held = threading.Event()
    store.writer.submit(lambda connection: held.wait(10))

    def patiently(number: int) -> Callable[[Transaction], object]:
        return lambda tx: write(number)(tx.connection)

    futures = [store.writer.transact(patiently(number), patient=True) for number in range(50)]
    held.set()
    store.writer.close()
    assert all(future.done() and future.exception() is None for future in futures)
    assert store.writer.backlog == 0


def test_what_stands_before_a_commit_is_in_it(store: Store) -> None:
    def along(connection: Connection) -> None:
        connection.execute(note.insert().values(id=100, text="along"))

    with writing_with(store, Along(along)) as writer:
        writer.submit(write(1)).result(10)
    assert count(store) == 2


def test_what_stands_before_a_commit_is_left_out_where_work_raises(store: Store) -> None:
    ran: list[None] = []
    store.writer.submit(write(1)).result(10)
    with writing_with(store, Along(lambda connection: ran.append(None))) as writer, pytest.raises(sa.exc.IntegrityError):
        writer.submit(write(1)).result(10)
    assert ran == []


def test_what_fails_before_a_commit_is_told_and_the_work_is_committed_without_it(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    def spoil(connection: Connection) -> None:
        connection.execute(note.insert().values(id=100, text="along"))
        raise LookupError("s-1 was not there")

    with writing_with(store, Along(spoil)) as writer:
        writer.submit(write(1)).result(10)
    assert count(store) == 1
    said = capsys.readouterr().out
    assert "it is made without" in said
    assert "Along" in said
    assert "LookupError" in said
    assert "s-1" not in said


def test_work_that_nobody_waits_for_any_more_is_left_out_and_stops_nothing(store: Store) -> None:
    held = threading.Event()
    store.writer.submit(lambda connection: held.wait(10))
    gone, last = store.writer.submit(write(1)), store.writer.submit(write(2))
    assert gone.cancel()
    held.set()
    last.result(10)
    assert count(store) == 1
    store.writer.submit(write(3)).result(10)


def test_a_statement_that_can_never_run_fails_by_itself_and_holds_nobody_up(store: Store) -> None:
    held = threading.Event()
    store.writer.submit(lambda connection: held.wait(10))  # so that the next three share one commit
    first, wrong, last = write(1), lambda connection: connection.exec_driver_sql("SELECT x FROM nowhere"), write(2)
    futures = [store.writer.submit(work) for work in (first, wrong, last)]
    held.set()
    futures[0].result(10)
    futures[2].result(10)
    with pytest.raises(sa.exc.DBAPIError, match="nowhere"):
        futures[1].result(10)
    assert count(store) == 2


def test_what_follows_is_done_in_order_before_anybody_is_told_that_the_work_is_on_disk(store: Store) -> None:
    seen: list[object] = []

    def work(tx: Transaction) -> None:
        tx.connection.execute(note.insert().values(id=1))
        tx.after_commit(lambda: seen.append(count(store)))
        tx.after_commit(lambda: seen.append("second"))

    store.writer.transact(work).result(10)
    assert seen == [1, "second"]


def test_nothing_follows_from_work_that_was_taken_back_or_was_tried_before(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store.writer, "RETRY_S", 0.01)
    followed: list[str] = []
    failing = [True]

    def fails(tx: Transaction) -> None:
        tx.after_commit(lambda: followed.append("taken back"))
        raise LookupError

    def at_the_second_try(tx: Transaction) -> None:
        tx.after_commit(lambda: followed.append("once"))
        if failing.pop() if failing else False:
            raise sa.exc.OperationalError("", None, Exception("locked"))

    with pytest.raises(LookupError):
        store.writer.transact(fails).result(10)
    store.writer.transact(at_the_second_try).result(10)
    assert followed == ["once"]


def test_nothing_follows_from_a_part_of_the_work_that_was_taken_back(store: Store) -> None:
    followed: list[str] = []

    def work(tx: Transaction) -> None:
        tx.after_commit(lambda: followed.append("whole"))
        with contextlib.suppress(LookupError), tx.savepoint():
            tx.connection.execute(note.insert().values(id=1))
            tx.after_commit(lambda: followed.append("part"))
            raise LookupError

    store.writer.transact(work).result(10)
    assert followed == ["whole"]
    assert count(store) == 0


def test_a_call_after_a_commit_that_raises_is_counted_and_stops_nobody(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise LookupError("s-1 was not there")

    def work(tx: Transaction) -> str:
        tx.after_commit(fail)
        return "done"

    assert store.writer.transact(work).result(10) == "done"
    store.writer.submit(write(2)).result(10)
    assert store.writer.calls_failed == 1
    assert store.writer.failure is None
    assert "s-1" not in capsys.readouterr().out


def test_what_follows_goes_to_where_it_belongs(storage: StorageSettings) -> None:
    posted: list[Callable[[], None]] = []
    done: list[int] = []
    store = open_store(storage, posted.append)
    store.writer.transact(lambda tx: tx.after_commit(lambda: done.append(1))).result(10)
    assert done == []
    for call in posted:
        call()
    assert done == [1]
    store.close()
