"""The outbox against a plain model: whatever happens in whatever order, nothing is lost, nothing leaves that may not."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Engine, create_engine, delete, select

from gateway.settings import StorageSettings
from gateway.storage import open_store, outbox, quarantine, sending
from gateway.storage.metadata import metadata

SHOPPERS = st.sampled_from(["s-1", "s-2", "s-3", None])
TOPICS = st.sampled_from(["offers", "offers/withdrawn", "replies"])


@dataclass
class Row:
    topic: str
    shopper: str | None
    expires_at_s: float | None
    urgent: bool
    handed: bool = False
    acked: bool = False
    resent: int = 0

    @property
    def rank(self) -> int:
        """What is urgent goes first, replies last."""
        return 0 if self.urgent else 2 if self.topic.startswith("replies") else 1


class OutboxMachine(RuleBasedStateMachine):
    """Rows by event id, in the order they were put; time only moves when it is told to."""

    def __init__(self, engine: Engine | None = None) -> None:
        super().__init__()
        self.engine = engine or create_engine("sqlite://")

    @initialize()
    def begin(self) -> None:
        tables = [outbox.waiting, outbox.outbox, quarantine.quarantine]
        metadata.create_all(self.engine, tables=tables)
        with self.engine.begin() as connection:
            for table in tables:
                connection.execute(delete(table))
        self.rows: dict[str, Row] = {}
        self.aside: dict[str, Row] = {}
        self.released: list[str] = []
        self.expected_released: list[str] = []
        self.now_s = 1000.0
        self.number = 0

    def teardown(self) -> None:
        self.engine.dispose()

    def _over(self, row: Row) -> bool:
        return row.expires_at_s is not None and row.expires_at_s <= self.now_s

    @rule(topic=TOPICS, shopper=SHOPPERS, lasts_s=st.sampled_from([None, 5.0, 50.0]), urgent=st.booleans())
    def put(self, topic: str, shopper: str | None, lasts_s: float | None, urgent: bool) -> None:
        self.number += 1
        event_id = f"e-{self.number:04}"
        expires_at_s = None if lasts_s is None else self.now_s + lasts_s
        with self.engine.begin() as connection:
            outbox.put(
                connection,
                event_id=event_id,
                topic=topic,
                shopper=shopper,
                body=event_id,
                at_s=self.now_s,
                expires_at_s=expires_at_s,
                urgent=urgent,
            )
        self.rows[event_id] = Row(topic, shopper, expires_at_s, urgent)

    @rule(seconds=st.floats(0.0, 30.0))
    def time_passes(self, seconds: float) -> None:
        self.now_s += seconds

    @rule(room=st.integers(1, 5), broker_has_it=st.booleans())
    def send(self, room: int, broker_has_it: bool) -> None:
        with self.engine.begin() as connection:
            ready, expired = sending.look(connection, room=room, at_s=self.now_s)
            sending.expire(connection, expired, lambda _connection, event_id: self.released.append(event_id))
            alive = sending.claim(connection, [one.event_id for one in ready], self.now_s)
            if broker_has_it:
                sending.acknowledge(connection, alive)
        for event_id in expired:
            row = self.rows.pop(event_id)
            assert self._over(row)
            if not row.handed:
                self.expected_released.append(event_id)
        waiting = [key for key, row in self.rows.items() if not row.acked and not self._over(row)]
        in_turn = sorted(waiting, key=lambda key: (self.rows[key].rank, key))
        chosen: list[str] = []
        taken: set[str] = set()
        for key in in_turn:
            shopper = self.rows[key].shopper
            if shopper is None or shopper not in taken:
                chosen.append(key)
                taken.update({shopper} - {None})  # type: ignore[arg-type]  # None has just been taken out
        assert [one.event_id for one in ready] == chosen[:room]
        assert alive == set(chosen[:room])
        for event_id in alive:
            self.rows[event_id].handed = True
            if broker_has_it and self.rows[event_id].topic == "offers":
                self.rows[event_id].acked = True
            elif broker_has_it:
                del self.rows[event_id]

    @rule(room=st.integers(1, 5), picks=st.sets(st.integers(0, 20)))
    def look_past_what_is_done(self, room: int, picks: set[int]) -> None:
        """Messages that the broker has, and that the table doesn't know of yet, are passed over and change nothing else."""
        with self.engine.connect() as connection:
            numbers = {row.event_id: row.seq for row in connection.execute(outbox.outbox.select())}
            done = [seq for event_id, seq in numbers.items() if int(event_id[2:]) in picks]
            ready, _ = sending.look(connection, room=room, at_s=self.now_s, done=done)
            everything, _ = sending.look(connection, room=100, at_s=self.now_s)
        assert not {one.seq for one in ready} & set(done)
        assert all(numbers[one.event_id] == one.seq for one in everything)
        assert not done or len(ready) >= min(room, sum(one.seq not in done for one in everything))

    @rule(ahead=st.integers(1, 5))
    def claim_with_a_commit(self, ahead: int) -> None:
        with self.engine.begin() as connection:
            sending.claim_first(connection, ahead, self.now_s)
        in_turn = sorted((key for key, row in self.rows.items() if not row.acked), key=lambda key: (self.rows[key].rank, key))
        for key in in_turn[:ahead]:
            self.rows[key].handed |= not self._over(self.rows[key])

    @rule()
    def reconnect(self) -> None:
        with self.engine.begin() as connection:
            again = sending.resend(connection, self.now_s)
        mine = [row for row in self.rows.values() if row.acked and row.resent < sending.RESENDS_MAX]
        assert again == len(mine)
        for row in mine:
            row.acked = False
            row.resent += 1

    @rule()
    def sweep(self) -> None:
        with self.engine.begin() as connection:
            sending.sweep(connection, self.now_s, lambda _connection, event_id: self.released.append(event_id))
        for event_id in [key for key, row in self.rows.items() if self._over(row)]:
            if not self.rows.pop(event_id).handed:
                self.expected_released.append(event_id)

    @rule(shopper=st.sampled_from(["s-1", "s-2"]))
    def withdraw(self, shopper: str) -> None:
        with self.engine.begin() as connection:
            unsent = outbox.cancel_unsent(connection, shopper)
        mine = [key for key, row in self.rows.items() if row.shopper == shopper and not row.urgent]
        assert unsent == [key for key in mine if not self.rows[key].handed]
        for key in mine:
            del self.rows[key]

    @rule(pick=st.integers(0, 100))
    def set_aside(self, pick: int) -> None:
        if not self.rows:
            return
        event_id = sorted(self.rows)[pick % len(self.rows)]
        with self.engine.begin() as connection:
            quarantine.set_aside(connection, event_id, "poison", self.now_s)
        self.aside[event_id] = self.rows.pop(event_id)

    @rule()
    def retry(self) -> None:
        """What comes back goes to the end, and is never again called unsent."""
        with self.engine.begin() as connection:
            moved = quarantine.retry(connection)
            first = connection.execute(outbox.outbox.select().order_by(outbox.outbox.c.seq)).all()
        assert moved == len(self.aside)
        order = [row.event_id for row in first]
        back = {key: Row(row.topic, row.shopper, row.expires_at_s, row.urgent, handed=True) for key, row in self.aside.items()}
        renamed = {**self.rows, **back}
        assert set(order) == set(renamed)
        assert not self.aside or set(order[-len(self.aside) :]) == set(back)
        self.aside = {}
        # A returned message keeps its id but not its place: the model follows by dropping it again.
        with self.engine.begin() as connection:
            outbox.remove(connection, list(back))

    @invariant()
    def the_tables_say_what_the_model_says(self) -> None:
        if not hasattr(self, "rows"):
            return
        with self.engine.connect() as connection:
            stored = connection.execute(outbox.outbox.select()).all()
            aside = {one.event_id for one in quarantine.quarantined(connection)}
            assert outbox.count(connection) == sum(not row.acked for row in self.rows.values())
            queue = {row.seq: row.handed_at_s for row in connection.execute(select(outbox.waiting))}
        assert {row.event_id for row in stored} == set(self.rows)
        for row in stored:
            model = self.rows[row.event_id]
            assert (queue.get(row.seq, 0.0) is not None) == model.handed
            assert (row.seq not in queue) == model.acked
        assert aside == set(self.aside)
        assert sorted(self.released) == sorted(self.expected_released)


OutboxMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
test_the_outbox_does_what_its_model_does = OutboxMachine.TestCase


def test_the_outbox_does_so_on_postgresql(on_postgres: StorageSettings) -> None:
    store = open_store(on_postgres)
    few = settings(max_examples=6, stateful_step_count=30, deadline=None)
    run_state_machine_as_test(lambda: OutboxMachine(store.engine), settings=few)  # type: ignore[arg-type]  # a factory will do
    store.close()
