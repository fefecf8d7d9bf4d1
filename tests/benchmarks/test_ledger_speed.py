"""Promises per second on a real file, beside the floor that the disk sets; and how long a till waits."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from sqlalchemy import text

from gateway.offers.ledger import Ledger
from gateway.settings import StorageSettings
from gateway.storage import Connection, Store, open_store
from rules import (
    Cap,
    CapKind,
    Chosen,
    CodeKind,
    Codes,
    Content,
    Decision,
    Gate,
    Group,
    PlannedVoucher,
    Situation,
    Value,
    Verdict,
    Worth,
)

AT_S = 1_763_722_800.0
BATCH = 500
NEVER = 10**9


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(StorageSettings(path=tmp_path / "etalage.db"))
    yield opened
    opened.close()


def _decision(at_s: float = AT_S) -> Decision:
    voucher = PlannedVoucher(Worth(percent=10), Codes(CodeKind.GENERATED), 250, at_s + 8 * 3600)
    caps = (Cap("offer/wine/issues", CapKind.ISSUES, NEVER), Cap("shop/budget_cents@2026-11", CapKind.BUDGET, NEVER, 250))
    content = Content("Proef de nieuwe Rioja", "Vandaag 10 % op alle rode wijn.")
    chosen = Chosen("wine", "voucher", "wine", "wine", "nl", content, at_s + 7200, 1, 50, 0.9, voucher, caps)
    verdicts = (Verdict("wine", Gate.CHOSEN), Verdict("cheese", Gate.CONDITION), Verdict("bread", Gate.MOMENT))
    return Decision((chosen,), (), verdicts, "b" * 64, Group.TREATED)


def _situation(shopper: str) -> Situation:
    facts: dict[str, Value] = {
        "stage": "fan",
        "visits_90d": 4,
        "path": frozenset({"bread", "wine"}),
        "intent": "browsing",
        "open": True,
    }
    return Situation(
        shopper, AT_S, "enter", "wine", 0, f"visit-{shopper}", frozenset({"offers"}), "nl", facts, {}, (), 6, frozenset()
    )


def test_promises_through_ledger_and_outbox(benchmark: BenchmarkFixture, store: Store) -> None:
    ledger, numbers, decision = Ledger(store, "etalage/c/s/gw-1"), count(), _decision()

    def promise() -> int:
        futures = [ledger.promise(decision, _situation(f"s-{next(numbers)}")) for _ in range(BATCH)]
        return sum(len(future.result().made) for future in futures)

    assert benchmark.pedantic(promise, rounds=6, warmup_rounds=1) == BATCH
    if benchmark.stats is not None:
        benchmark.extra_info["promises_per_s"] = round(BATCH / benchmark.stats.stats.min)


def test_bare_rows_through_the_writer_as_the_floor(benchmark: BenchmarkFixture, store: Store) -> None:
    store.writer.submit(lambda connection: connection.execute(text("CREATE TABLE bare (body TEXT)"))).result()
    row = text("INSERT INTO bare (body) VALUES (:body)")

    def put(connection: Connection) -> int:
        for _ in range(4):  # a promise writes at least four: cap, promise, announcement, log
            connection.execute(row, {"body": "x" * 400})
        return 1

    def write() -> int:
        return sum(future.result() for future in [store.writer.submit(put) for _ in range(BATCH)])

    assert benchmark.pedantic(write, rounds=6, warmup_rounds=1) == BATCH
    if benchmark.stats is not None:
        benchmark.extra_info["promises_per_s"] = round(BATCH / benchmark.stats.stats.min)


def test_a_till_waits_for_one_redemption(benchmark: BenchmarkFixture, store: Store) -> None:
    ledger, keys = Ledger(store, "etalage/c/s/gw-1"), count()
    futures = [ledger.promise(_decision(), _situation(f"s-{number}")) for number in range(2_000)]
    codes = iter([future.result().made[0].code for future in futures])

    def redeem() -> str:
        return ledger.redeem(str(next(codes)), "till-1", AT_S + 60, f"k-{next(keys)}").answer

    assert benchmark.pedantic(redeem, rounds=200, warmup_rounds=5) == "valid"
    if benchmark.stats is not None:
        benchmark.extra_info["median_ms"] = round(benchmark.stats.stats.median * 1e3, 1)
        benchmark.extra_info["worst_ms"] = round(benchmark.stats.stats.max * 1e3, 1)
