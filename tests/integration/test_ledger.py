"""100 of 100, never 101: threads, processes, and kill -9 at random points, on a real file."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from gateway.offers.ledger import Ledger
from gateway.settings import StorageSettings
from gateway.storage import Store, caps, open_store, outbox, promises
from rules import Cap, CapKind, Chosen, CodeKind, Codes, Content, Decision, Gate, Group, PlannedVoucher, Situation, Verdict, Worth

CAP = 100


@pytest.fixture
def store(storage: StorageSettings) -> Iterator[Store]:
    """The database, opened by this process."""
    opened = open_store(storage)
    yield opened
    opened.close()


def _at_once(work: Callable[[int], None], threads: int) -> None:
    running = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


def _try(ledger: Ledger, shopper: str, at_s: float) -> bool:
    voucher = PlannedVoucher(Worth(percent=10), Codes(CodeKind.GENERATED), 250, at_s + 3600)
    caps = (Cap("offer/wine/issues", CapKind.ISSUES, CAP), Cap("shop/budget_cents", CapKind.BUDGET, CAP * 250, 250))
    chosen = Chosen("wine", "voucher", None, "wine", "nl", Content("Wijn", ""), at_s + 600, 1, 1, 1, voucher, caps)
    decision = Decision((chosen,), (), (Verdict("wine", Gate.CHOSEN),), "b" * 64, Group.TREATED)
    situation = Situation(shopper, at_s, "enter", "wine", 0, "v", frozenset(), "nl", {}, {}, (), 6, frozenset())
    return bool(ledger.promise(decision, situation).result(timeout=60).made)


def _tell(store: Store) -> tuple[int, int, int, int, int]:
    """Promises, announcements, what the two caps say was given out, and different codes."""
    with store.read() as connection:
        rows = promises.page(connection, limit=10_000)
        waiting = outbox.count(connection)
        issues, cents = caps.used(connection, "offer/wine/issues"), caps.used(connection, "shop/budget_cents")
    return len(rows), waiting, issues, cents, len({row.code for row in rows})


def test_four_threads_in_each_of_two_gateways_promise_exactly_to_the_cap(store: Store, storage: StorageSettings) -> None:
    other = open_store(storage)
    made: list[bool] = []
    start = threading.Barrier(8)

    def promise(thread: int) -> None:
        ledger = Ledger((store, other)[thread % 2], f"etalage/c/s/gw-{thread}")
        start.wait()
        made.extend(_try(ledger, f"s-{thread}-{number}", 1e9) for number in range(20))

    _at_once(promise, 8)
    other.close()
    assert Counter(made) == {True: CAP, False: 60}
    assert _tell(store) == (CAP, CAP, CAP, CAP * 250, CAP)


def test_three_processes_promise_exactly_to_the_cap(store: Store, storage: StorageSettings) -> None:
    running = [_start(storage, f"gw-{number}", tries=50) for number in range(3)]
    told = [process.communicate(timeout=120)[0].split() for process in running]
    assert [process.returncode for process in running] == [0, 0, 0]
    assert sum(word != "refused" for words in told for word in words) == CAP
    assert _tell(store) == (CAP, CAP, CAP, CAP * 250, CAP)


def test_a_process_killed_at_random_points_loses_nothing_told_and_passes_no_cap(storage: StorageSettings) -> None:
    rng = random.Random(20261121)
    told: set[str] = set()
    for life in range(6):
        process = _start(storage, f"gw-{life}", tries=40)
        assert process.stdout is not None
        stop_after = rng.randrange(1, 20)
        for _ in range(stop_after):
            told.update(word for word in [process.stdout.readline().strip()] if word not in {"", "refused"})
        process.kill()
        told.update(word for word in process.stdout.read().split() if word != "refused" and len(word) == 36)
        process.wait(timeout=30)
        process.stdout.close()
    last = _start(storage, "gw-last", tries=CAP + 5)
    told.update(word for word in last.communicate(timeout=120)[0].split() if word != "refused")
    store = open_store(storage)
    with store.read() as connection:
        kept = {row.id for row in promises.page(connection, limit=10_000)}
    assert told <= kept
    assert _tell(store) == (CAP, CAP, CAP, CAP * 250, CAP)
    store.close()


def test_processes_killed_beside_each_other_leave_nothing_that_the_last_one_cant_promise(storage: StorageSettings) -> None:
    rng = random.Random(42)
    told: set[str] = set()
    for turn in range(3):
        running = [_start(storage, f"gw-{turn}-{number}", tries=40) for number in range(2)]
        for process in running:
            assert process.stdout is not None
            told.update(process.stdout.readline().strip() for _ in range(rng.randrange(1, 12)))
        for process in running:
            process.kill()
            told.update(word for word in process.communicate(timeout=30)[0].split() if len(word) == 36)
    last = _start(storage, "gw-last", tries=CAP + 5)
    told.update(last.communicate(timeout=120)[0].split())
    store = open_store(storage)
    with store.read() as connection:
        kept = {row.id for row in promises.page(connection, limit=10_000)}
    assert told - {"", "refused"} <= kept
    assert _tell(store) == (CAP, CAP, CAP, CAP * 250, CAP)
    store.close()


def test_many_tills_at_once_redeem_a_code_once(store: Store) -> None:
    ledger = Ledger(store, "etalage/c/s/gw-1")
    assert _try(ledger, "s-1", time.time())
    with store.read() as connection:
        (row,) = promises.page(connection)
    code = row.code
    assert code is not None
    answers: list[str] = []
    start = threading.Barrier(8)

    def ask(till: int) -> None:
        start.wait()
        answers.append(ledger.redeem(code, f"till-{till}", row.at_s + 5, "k-1").answer)

    _at_once(ask, 8)
    assert Counter(answers) == {"valid": 1, "already_used": 7}


def _start(storage: StorageSettings, gateway: str, tries: int) -> subprocess.Popen[str]:
    url = storage.url.get_secret_value() if storage.url is not None else ""
    command = [sys.executable, "-c", PROMISER_CODE, str(storage.path), url, gateway, str(tries)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


PROMISER_CODE = """
import sys
from pathlib import Path
from gateway.offers.ledger import Ledger
from gateway.settings import StorageSettings
from gateway.storage import open_store
from rules import Cap, CapKind, Chosen, CodeKind, Codes, Content, Decision, Gate, Group, Situation, Verdict, PlannedVoucher, Worth

path, url, gateway, tries = sys.argv[1:]
store = open_store(StorageSettings(path=Path(path), url=url or None, busy_timeout_s=30))
ledger = Ledger(store, f"etalage/c/s/{gateway}")
voucher = PlannedVoucher(Worth(percent=10), Codes(CodeKind.GENERATED), 250, 1e9 + 3600)
caps = (Cap("offer/wine/issues", CapKind.ISSUES, 100), Cap("shop/budget_cents", CapKind.BUDGET, 100 * 250, 250))
chosen = Chosen("wine", "voucher", None, "wine", "nl", Content("Wijn", ""), 1e9 + 600, 1, 1, 1, voucher, caps)
decision = Decision((chosen,), (), (Verdict("wine", Gate.CHOSEN),), "b" * 64, Group.TREATED)
for number in range(int(tries)):
    shopper = f"s-{gateway}-{number}"
    situation = Situation(shopper, 1e9, "enter", "wine", 0, "v", frozenset(), "nl", {}, {}, (), 6, frozenset())
    made = ledger.promise(decision, situation).result().made
    print(made[0].promise if made else "refused", flush=True)
store.close()
"""
"""What a gateway does all day, in a process that can be killed: it says a promise's id only once that is on disk."""
