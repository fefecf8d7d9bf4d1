"""The ledger against a plain model: caps, codes, receipts, redemptions, releases, erasure, and the process dying in between."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule
from sqlalchemy import select

from gateway.messages import Event, Outcome, Receipt
from gateway.offers.expiry import housekeep
from gateway.offers.ledger import Ledger
from gateway.settings import OffersSettings, StorageSettings
from gateway.storage import (
    Connection,
    Store,
    Transaction,
    caps,
    decisions,
    happenings,
    open_store,
    outbox,
    promises,
    sending,
    vouchers,
)
from gateway.storage.transaction import Job
from gateway.storage.writer import Writer
from rules import Cap, CapKind, Chosen, CodeKind, Codes, Content, Decision, Gate, Group, PlannedVoucher, Situation, Verdict, Worth

T = TypeVar("T")
START_S = 1_763_722_800.0
SETTINGS = OffersSettings(late_receipt_hours=1, cap_retry_s=0)
POOL = ("P-1", "P-2", "P-3")
ISSUES, REDEMPTIONS, BUDGET, COST, PER_SHOPPER = 4, 3, 1000, 250, 2
SHOPPERS = st.sampled_from(["s-1", "s-2", "s-3"])
GATEWAYS = st.sampled_from([0, 1])
KINDS = st.sampled_from(["generated", "pool", "single"])
RECEIPTS = st.sampled_from(["delivered", "shown", "tapped", "dismissed", "redeemed", "purchased", "shared"])
GONE = {"withdrawn", "gone", "gone-redeemed"}
STANDING = select(*(promises.promises.c[name] for name in ("id", "state", "shopper", "content", "ends_at_s", "value", "code")))
OPEN = {"reserved", "announced", "shown", "reversed"}


HISTORIES = int(os.environ.get("LEDGER_HISTORIES", "40"))
"""Random histories per run; the figure in docs/promises.md is of a run with 10,000."""
pytestmark = pytest.mark.timeout(60 + HISTORIES)


MEMORY = Path("/dev/shm")  # a folder of our own in it, and nothing secret
"""Histories are about what is committed, not about disks: in memory, a third of the time is saved."""


class _AtOnce(Writer):
    """The writer without its thread: the same transactions, one piece of work each, in the thread that asks."""

    def transact(self, work: Callable[[Transaction], T], *, patient: bool = False) -> Future[T]:
        future: Future[T] = Future()
        self._commit([Job(work, future)])
        return future


@functools.cache
def _store() -> Store:
    """One database for all histories, emptied before each: opening one costs more than a whole history."""
    folder = Path(tempfile.mkdtemp(prefix="etalage-ledger-", dir=MEMORY if MEMORY.is_dir() else None))
    store = open_store(StorageSettings(path=folder / "etalage.db"))
    store.writer.close()
    store.writer = _AtOnce(store.engine)
    atexit.register(shutil.rmtree, folder)
    atexit.register(store.close)
    return store


def _empty(connection: Connection) -> None:
    tables = (promises.promises, happenings.happenings, happenings.unmatched_receipts, caps.counters, caps.leases)
    for table in (*tables, vouchers.pool_codes, vouchers.redemptions, decisions.decisions, outbox.outbox, outbox.waiting):
        connection.execute(table.delete())


def _chosen(kind: str, at_s: float) -> Chosen:
    codes = {
        "generated": Codes(CodeKind.GENERATED),
        "pool": Codes(CodeKind.POOL, pool=POOL),
        "single": Codes(CodeKind.SINGLE, code="SAME"),
    }[kind]
    caps = (
        Cap(f"offer/{kind}/issues", CapKind.ISSUES, ISSUES),
        Cap(f"offer/{kind}/issues/shopper", CapKind.ISSUES, PER_SHOPPER, per_shopper=True),
        Cap(f"offer/{kind}/redemptions", CapKind.REDEMPTIONS, REDEMPTIONS),
        Cap("shop/budget_cents", CapKind.BUDGET, BUDGET, COST),
    )
    voucher = PlannedVoucher(Worth(percent=10), codes, COST, at_s + 7200)
    return Chosen(kind, "voucher", None, "wine", "nl", Content(f"as shown at {at_s}", ""), at_s + 3600, 1, 1, 1, voucher, caps)


def _event(promise: str, what: str, at_s: float, event_id: str) -> Event[Receipt]:
    time = datetime.fromtimestamp(at_s, UTC)
    return Event[Receipt](
        specversion="1.0", id=event_id, source="backend", type=Receipt.TYPE, time=time, data=Receipt(promise=promise, what=what)
    )


@dataclass
class Promise:
    """What the model knows of one promise."""

    shopper: str | None
    kind: str
    code: str
    title: str
    ends_at_s: float
    handed: bool = False
    state: str = "reserved"
    happened: set[tuple[str, str]] = field(default_factory=set)


class LedgerMachine(RuleBasedStateMachine):
    """Every rule does the same to the ledger and to the model; the invariants compare them."""

    made: Bundle[str] = Bundle("made")

    def __init__(self) -> None:
        super().__init__()
        self.now_s = START_S
        self.model: dict[str, Promise] = {}
        self.issued = {"generated": 0, "pool": 0, "single": 0}
        self.of_shopper: dict[tuple[str, str], int] = {}
        self.keys = 0
        self.store = _store()
        self.start_anew()

    def start_anew(self) -> None:
        """Two gateways on one database, with nothing in memory."""
        self.ledgers = [Ledger(self.store, f"etalage/c/s/gw-{number}", SETTINGS) for number in (1, 2)]
        self.ledger = self.ledgers[0]

    def _do(self, work: Any) -> Any:
        return self.store.writer.submit(work).result(timeout=60)

    @initialize(leased=st.booleans())
    def fill_the_pool(self, leased: bool) -> None:
        """`leased`: the gateways share the caps as on PostgreSQL."""
        self.store.shared = leased
        self._do(_empty)
        self._do(lambda connection: vouchers.fill_pool(connection, "pool", POOL, exact=True))

    @rule(target=made, shopper=SHOPPERS, kind=KINDS, gateway=GATEWAYS)
    def promise(self, shopper: str, kind: str, gateway: int) -> Any:
        ledger = self.ledgers[gateway]
        chosen = _chosen(kind, self.now_s)
        decision = Decision((chosen,), (), (Verdict(kind, Gate.CHOSEN),), "b" * 64, Group.TREATED)
        situation = Situation(shopper, self.now_s, "enter", "wine", 0, "v", frozenset(), "nl", {}, {}, (), 6, frozenset())
        outcome = ledger.promise(decision, situation).result(timeout=60)
        assert bool(outcome.made) == self._fits(shopper, kind)
        assert outcome.made or kind in ledger.exhausted(self.now_s - 1, shopper)
        if not outcome.made:
            return multiple()
        (one,) = outcome.made
        assert one.code is not None
        assert kind == "single" or one.code not in {other.code for other in self.model.values() if other.state != "withdrawn"}
        self.model[one.promise] = Promise(shopper, kind, one.code, chosen.content.title, self.now_s + 7200)
        self.issued[kind] += 1
        self.of_shopper[shopper, kind] = self.of_shopper.get((shopper, kind), 0) + 1
        return one.promise

    def _fits(self, shopper: str, kind: str) -> bool:
        return (
            self.issued[kind] < ISSUES
            and self.of_shopper.get((shopper, kind), 0) < PER_SHOPPER
            and self._held(kind) < REDEMPTIONS
            and (sum(self._held(other) for other in self.issued) + 1) * COST <= BUDGET
            and (kind != "pool" or self._codes_out() < len(POOL))
        )

    def _held(self, kind: str) -> int:
        """Promises that were redeemed or still may be."""
        return sum(1 for one in self.model.values() if one.kind == kind and one.state in {*OPEN, "redeemed", "gone-redeemed"})

    def _codes_out(self) -> int:
        return sum(1 for one in self.model.values() if one.kind == "pool" and one.state != "withdrawn")

    def _take_receipt(self, event: Event[Receipt]) -> Outcome:
        return self.store.writer.transact(lambda tx: self.ledger.take_receipt(tx, event)).result(timeout=60)

    @rule(promise=made, what=RECEIPTS, event_id=st.sampled_from(["r-1", "r-2", "r-3"]), times=st.integers(1, 3))
    def receipt(self, promise: str, what: str, event_id: str, times: int) -> None:
        for _ in range(times):
            outcome = self.store.writer.transact(
                lambda tx: self.ledger.take_receipt(tx, _event(promise, what, self.now_s, event_id))
            ).result(timeout=60)
            assert outcome.taken == self._take(promise, what, event_id)

    def _take(self, promise: str, what: str, event_id: str) -> bool:
        one = self.model.get(promise)
        if one is None or one.state in GONE:
            return False
        if what == "redeemed" and (one.state == "expired" or (one.state in OPEN and self.now_s > one.ends_at_s)):
            return False
        if (what, event_id) in one.happened or (what == "redeemed" and one.state == "redeemed"):
            return True
        one.happened.add((what, event_id))
        if what == "redeemed":
            one.state = "redeemed" if one.state in OPEN else one.state
        elif what == "delivered":
            one.state = "announced" if one.state == "reserved" else one.state
        else:
            one.state = "shown" if one.state in {"reserved", "announced"} else one.state
        return True

    @rule(promise=st.just("never-made"), what=RECEIPTS)
    def unmatched_receipt(self, promise: str, what: str) -> None:
        outcome = self.store.writer.transact(
            lambda tx: self.ledger.take_receipt(tx, _event(promise, what, self.now_s, "r-9"))
        ).result(timeout=60)
        assert not outcome.taken

    @rule(promise=made, again=st.booleans())
    def redeem(self, promise: str, again: bool) -> None:
        one = self.model[promise]
        self.keys += 1
        told = self.ledger.redeem(one.code, "till-1", self.now_s, f"k-{self.keys}")
        if again:
            assert self.ledger.redeem(one.code, "till-1", self.now_s + 5, f"k-{self.keys}") == told
        carriers = [other for other in self.model.values() if other.code == one.code and other.state not in GONE]
        good = [other for other in carriers if other.state in OPEN and self.now_s <= other.ends_at_s]
        if good:
            assert told.answer == "valid"
            used = self.model[str(told.promise)]
            assert used in good
            assert told.title == used.title
            used.state = "redeemed"
        elif one.kind == "single" and any(other.state == "redeemed" and self.now_s <= other.ends_at_s for other in carriers):
            assert told.answer == "valid", "nobody who holds it is turned away because somebody was quicker"
        elif one.kind != "single" and any(other.state == "redeemed" for other in carriers):
            assert told.answer == "already_used"
        else:
            assert told.answer == ("expired" if carriers else "unknown")

    @rule(promise=made)
    def reverse(self, promise: str) -> None:
        one = self.model[promise]
        self.keys += 1
        told = self.ledger.reverse(one.code, "till-1", self.now_s, f"k-{self.keys}")
        carriers = [other for other in self.model.values() if other.code == one.code and other.state not in GONE]
        if any(other.state == "redeemed" for other in carriers):
            assert told.answer == "reversed"
            undone = self.model[str(told.promise)]
            assert undone.state == "redeemed"
            undone.state = "reversed"
        else:
            assert told.answer == ("not_redeemed" if carriers else "unknown")

    @rule(promise=made)
    def hand_to_the_network(self, promise: str) -> None:
        self._do(lambda connection: sending.claim(connection, [promise], self.now_s))
        self.model[promise].handed = True

    @rule()
    def clear_what_ended_unsent(self) -> None:
        self._do(lambda connection: sending.sweep(connection, self.now_s, self.ledger.release_unsent))
        for one in self.model.values():
            if not one.handed and one.state == "reserved" and one.ends_at_s - 3600 <= self.now_s:
                self._withdraw(one)
            if one.ends_at_s - 3600 <= self.now_s:
                one.handed = True  # its row is gone

    def _withdraw(self, one: Promise) -> None:
        one.state = "withdrawn"
        self.issued[one.kind] -= 1
        if one.shopper is not None:
            self.of_shopper[one.shopper, one.kind] -= 1

    @rule(shopper=SHOPPERS)
    def erase(self, shopper: str) -> None:
        self._do(lambda connection: promises.erase(connection, shopper))
        for ledger in self.ledgers:
            ledger.forget(shopper)
        for one in [other for other in self.model.values() if other.shopper == shopper]:
            if not one.handed and one.state == "reserved":
                self._withdraw(one)
            if one.state in {"withdrawn", "redeemed", "expired"}:
                one.state = {"withdrawn": "withdrawn", "redeemed": "gone-redeemed", "expired": "gone"}[one.state]
            one.shopper = None
            one.happened.clear()
        for kind in self.issued:
            self.of_shopper.pop((shopper, kind), None)

    @rule(seconds=st.sampled_from([1.0, 1800.0, 3600.0, 7200.0]))
    def time_passes(self, seconds: float) -> None:
        self.now_s += seconds

    @rule()
    def keep_house(self) -> None:
        self._do(lambda connection: housekeep(connection, self.now_s, SETTINGS))
        for one in self.model.values():
            if one.state in OPEN and one.ends_at_s < self.now_s - 3600:
                one.state = "expired" if one.shopper is not None else "gone"
            elif one.shopper is None and one.state == "redeemed" and one.ends_at_s < self.now_s - 3600:
                one.state = "gone-redeemed"

    @rule(shopper=SHOPPERS, kind=KINDS)
    def die_in_the_middle_of_a_promise(self, shopper: str, kind: str) -> None:
        """The process ends before the commit: nothing of that promise may be left. Another one starts with an empty memory."""
        with self.store.engine.connect() as connection:
            transaction = connection.begin()
            with contextlib.suppress(_Died):
                self._half_a_promise(connection, shopper, kind)
            transaction.rollback()
        self.start_anew()

    def _half_a_promise(self, connection: Connection, shopper: str, kind: str) -> None:
        for cap in _chosen(kind, self.now_s).caps:
            if self.store.shared and not cap.per_shopper:
                caps.take_leased(connection, cap.key, "gw-1", cap.amount, cap.at_most, self.now_s)
            else:
                caps.take(connection, cap.key, shopper if cap.per_shopper else "", cap.amount, cap.at_most, self.now_s)
        vouchers.take_code(connection, "pool", "half-made")
        raise _Died

    @invariant()
    def the_ledger_says_what_the_model_says_and_no_cap_is_ever_passed(self) -> None:
        with self.store.read() as connection:
            rows = {row.id: row for row in connection.execute(STANDING)}
            used = dict(caps.all_used(connection))
        self._compare(rows)
        for kind, issued in self.issued.items():
            assert used.get(f"offer/{kind}/issues", 0) == issued <= ISSUES
            assert used.get(f"offer/{kind}/redemptions", 0) <= REDEMPTIONS
        assert used.get("shop/budget_cents", 0) <= BUDGET

    def _compare(self, rows: Mapping[str, Any]) -> None:
        for promise, one in self.model.items():
            if one.state.startswith("gone") or (one.state == "withdrawn" and promise not in rows):
                assert promise not in rows
                continue
            row = rows[promise]
            assert (row.state, row.shopper) == (one.state, one.shopper)
            assert (row.content["title"], row.ends_at_s, row.value) == (one.title, one.ends_at_s, {"percent": 10})
            assert row.code == one.code or one.state == "withdrawn"


class _Died(Exception):
    """The process is gone."""


LedgerMachine.TestCase.settings = settings(max_examples=HISTORIES, stateful_step_count=30, deadline=None)
test_ledger_and_model_agree_over_any_history = LedgerMachine.TestCase
