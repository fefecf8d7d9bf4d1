"""Leaps of the system's clock, back and forth, over any history: what is kept is the same afterwards as without them."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.clock import HOLD_MIN_S, SystemClock
from gateway.offers.ledger import Ledger
from gateway.settings import OffersSettings, Settings, StorageSettings
from gateway.shoppers.consent import ConsentDecision
from gateway.shoppers.housekeeping import Housekeeping
from gateway.shoppers.identities import Identities, Static
from gateway.shoppers.people import People
from gateway.storage import Reader, open_store
from gateway.storage.keys import Keys
from gateway.storage.metadata import metadata
from rules import Cap, CapKind, Chosen, CodeKind, Codes, Content, Decision, Gate, Group, PlannedVoucher, Situation, Verdict, Worth
from tests.support.clock import FakeSystem

DAY_S = 86_400.0
SHOPPERS = ("s-1", "s-2")
KEPT = ("consents", "identities", "promises", "counters", "attention", "decisions", "visits", "redemptions")
"""The tables that say who consented, what was promised, what is left of it, and what became of it."""

deeds = st.sampled_from(["promise", "redeem", "spend", "visit", "night"])
leaps = st.lists(st.tuples(st.floats(-5 * 365 * DAY_S, 5 * 365 * DAY_S), st.floats(1, HOLD_MIN_S / 2)), max_size=3)
histories = st.lists(st.tuples(deeds, st.sampled_from(SHOPPERS), leaps), min_size=1, max_size=8)


class AtOnce(Executor):
    def submit(self, work: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(work(*args, **kwargs))
        return future


class Box:
    """A gateway's rooms on one clock, and what its periodic duties do."""

    def __init__(self, folder: Path) -> None:
        self.system = FakeSystem()
        self.clock = SystemClock(None, self.system)
        self.store = open_store(StorageSettings(path=folder / "etalage.db"))
        self.reader = Reader(self.store.read)
        self.reader.start()
        keys, identities, now_s = Keys(folder / "etalage.keys"), Identities("demo"), self.clock.now_s
        self.people = People(self.store, identities, keys, now_s, trusted=lambda: self.clock.trust.trusted)
        number = iter(range(1_000_000))
        self.ledger = Ledger(
            self.store,
            "etalage/c/s/gw-1",
            OffersSettings(cap_retry_s=0),
            entropy=lambda size: next(number).to_bytes(size, "big"),
            new_code=lambda size: f"CODE{next(number):08}",
        )
        self.housekeeping = Housekeeping(self.store, self.reader, keys, self.people, Settings(), AtOnce(), self.clock)
        self.given: list[str] = []

    def join(self, shopper: str) -> None:
        consent = ConsentDecision(self.clock.now_s(), 1, frozenset({"recognise", "offers"}))
        tag = Static(bytes(19) + bytes([SHOPPERS.index(shopper)]))
        self.store.writer.transact(lambda tx: self.people.record(tx, shopper, consent, tag)).result(10)

    def act(self, deed: str, shopper: str) -> None:
        now_s = self.clock.now_s()
        if deed == "promise":
            made = self.ledger.promise(*decision(shopper, now_s)).result(10).made
            self.given.extend(one.code for one in made if one.code)
        elif deed == "redeem" and self.given:
            self.ledger.redeem(self.given[-1], "till-1", now_s, f"k-{now_s}")
        elif deed == "spend":
            self.people.spend(shopper, 2.0, now_s)
        elif deed == "visit":
            self.people.visited(shopper, f"v-{now_s}", now_s - 60, now_s, ["wine"])
        elif deed == "night":
            self.system.passes(12 * 3600)

    def upkeep(self) -> None:
        """Everything periodic, as often as it likes."""

        async def all_of_it() -> None:
            self.housekeeping._due_s = float("-inf")
            await self.housekeeping.enforce_periods()
            if self.clock.trust.trusted:
                await self.ledger.housekeep(self.clock.now_s())

        asyncio.run(all_of_it())

    def kept(self) -> dict[str, list[Any]]:
        self.store.writer.submit(lambda connection: None).result(10)
        with self.store.read() as connection:
            rows = {name: connection.execute(metadata.tables[name].select()).mappings().all() for name in KEPT}
        return {
            name: sorted(str({key: row[key] for key in row if key != "record"}) for row in found) for name, found in rows.items()
        }


@contextmanager
def box() -> Iterator[Box]:
    with tempfile.TemporaryDirectory(prefix="etalage-leaps-") as folder:
        made = Box(Path(folder))
        for shopper in SHOPPERS:
            made.join(shopper)
        yield made
        made.reader.close()
        made.store.close()


def decision(shopper: str, at_s: float) -> tuple[Decision, Situation]:
    """A voucher of which there are three, good for two days."""
    terms = PlannedVoucher(Worth(percent=10), Codes(CodeKind.GENERATED), 250, at_s + 2 * DAY_S)
    caps = (Cap("offer/v/issues", CapKind.ISSUES, 3), Cap("shop/budget_cents", CapKind.BUDGET, 1000, 250))
    chosen = Chosen("v", "voucher", None, "wine", "nl", Content("10 %", ""), at_s + 2 * DAY_S, 1, 1, 1, terms, caps)
    made = Decision((chosen,), (), (Verdict("v", Gate.CHOSEN),), "b" * 64, Group.TREATED)
    purposes = frozenset({"recognise", "offers"})
    return made, Situation(shopper, at_s, "enter", "wine", 0, f"v-{at_s}", purposes, "nl", {}, {}, (), 6, frozenset())


@pytest.mark.timeout(600)
@settings(max_examples=25)
@given(histories)
def test_any_leaps_over_any_history_leave_everything_as_it_would_be_without_them(
    history: list[tuple[str, str, list[tuple[float, float]]]],
) -> None:
    with box() as leapt, box() as calm:
        for deed, shopper, leaps_of_it in history:
            for leap_s, stay_s in leaps_of_it:
                leapt.system.leaps(leap_s)
                leapt.upkeep()
                leapt.system.passes(stay_s)
                calm.system.passes(stay_s)
                leapt.upkeep()
                leapt.system.leaps(calm.system.wall - leapt.system.wall)
            for each in (leapt, calm):
                each.act(deed, shopper)
                each.system.passes(60)
                each.upkeep()
        assert leapt.clock.trust.trusted
        assert leapt.kept() == calm.kept()
