from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import pytest

from gateway.offers.expiry import WINDOW_COUNTERS_DAYS, Recalled, housekeep
from gateway.offers.ledger import Ledger
from gateway.settings import OffersSettings
from gateway.storage import Connection, Store, caps, decisions, promises, sending, vouchers
from rules import Cap, CapKind, CodeKind, Codes, PlannedVoucher, Worth

Build = Callable[..., Any]
T = TypeVar("T")

DAY_S = 86_400.0


def test_counters_go_when_their_window_is_over_and_those_of_a_whole_life_stay(store: Store, now_s: float) -> None:
    then_s = now_s - WINDOW_COUNTERS_DAYS * DAY_S
    opened = {
        "offer/a/issues@2025-10": then_s - 1,
        "offer/a/issues@hour-1": then_s - 1,
        "offer/a/issues@2025-11": then_s + 1,
        "offer/a/issues": then_s - 1,
    }
    for key, at_s in opened.items():
        assert store.writer.submit(partial(caps.take, key=key, shopper="", amount=1, at_most=5, at_s=at_s)).result()
    store.writer.submit(lambda connection: housekeep(connection, now_s, OffersSettings())).result()
    with store.read() as connection:
        assert dict(caps.all_used(connection)) == {"offer/a/issues": 1, "offer/a/issues@2025-11": 1}


def test_a_wrong_offer_is_recalled_as_far_as_it_was_certainly_never_sent(
    ledger: Ledger, store: Store, chosen: Build, decided: Build, situation: Build, now_s: float
) -> None:
    pool = PlannedVoucher(Worth(percent=10), Codes(CodeKind.POOL, pool=("A-1", "A-2")), 250, now_s + 3600)
    store.writer.submit(lambda connection: vouchers.fill_pool(connection, "wine-tasting", pool.codes.pool, exact=True)).result()
    capped = chosen(voucher=pool, caps=(Cap("offer/wine-tasting/issues", CapKind.ISSUES, 2),))
    (sent,) = ledger.promise(decided(capped), situation("s-1")).result().made
    store.writer.submit(lambda connection: sending.claim(connection, [sent.promise], now_s)).result()
    (unsent,) = ledger.promise(decided(capped), situation("s-2")).result().made
    (other,) = ledger.promise(decided(chosen("bread")), situation("s-3")).result().made
    assert ledger.recall("wine-tasting", now_s + 60).result() == Recalled(taken_back=1, stand=1)
    with store.read() as connection:
        assert {row.id: row.state for row in promises.page(connection)} == {
            sent.promise: "reserved",
            unsent.promise: "withdrawn",
            other.promise: "reserved",
        }
        waiting, _ = sending.look(connection, room=9, at_s=now_s + 60)
        assert caps.used(connection, "offer/wine-tasting/issues") == 1
    (told,) = [json.loads(row.body)["data"] for row in waiting if row.topic == "offers/withdrawn"]
    assert told == {"promise": unsent.promise, "shopper": "s-2", "reason": "expired_unsent", "recalled": True}
    assert ledger.redeem(str(unsent.code), "till-1", now_s + 90, "k-1").answer == "unknown"
    assert ledger.redeem(str(sent.code), "till-1", now_s + 90, "k-2").answer == "valid"
    (again,) = ledger.promise(decided(capped), situation("s-4", now_s + 120)).result().made
    assert again.code == unsent.code, "its code and its share are free again"


def test_a_backlog_of_years_goes_slice_by_slice_and_all_of_it(
    ledger: Ledger, store: Store, chosen: Build, decided: Build, situation: Build, now_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.offers.expiry.EXPIRED_PER_RUN", 2)
    for number in range(7):
        ledger.promise(decided(chosen()), situation(f"s-{number}")).result()
    turns: list[object] = []
    write = store.writer.write

    async def counted(work: Callable[[Connection], T]) -> T:
        turns.append(work)
        return await write(work)

    monkeypatch.setattr(store.writer, "write", counted)
    assert asyncio.run(ledger.housekeep(now_s + 500 * DAY_S)) == 7
    assert len(turns) == 4
    with store.read() as connection:
        assert promises.page(connection) == []
        assert decisions.page(connection) == []
