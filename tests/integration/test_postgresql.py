"""What PostgreSQL adds: several gateways at the same rows at once, and a server that can go away. What holds on both databases is
tested where it is tested for the file."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.messages import Event, OptInGiven, RedemptionAsked
from gateway.mqtt.handlers import InboundHandlers
from gateway.mqtt.topics import GatewayIdentity
from gateway.offers import redemption
from gateway.offers.expiry import housekeep
from gateway.offers.ledger import Ledger
from gateway.offers.redemption import TillRequest
from gateway.settings import OffersSettings, StorageSettings
from gateway.shoppers.identities import Identities
from gateway.shoppers.people import People
from gateway.storage import Connection, StorageError, Store, Transaction, caps, consents, open_store, outbox, promises, vouchers
from gateway.storage.keys import Keys
from rules import Cap, CapKind, Chosen, CodeKind, Codes, Content, Decision, Gate, Group, PlannedVoucher, Situation, Verdict, Worth
from tests.support.mosquitto import wait_for
from tests.support.postgres import Postgres

AT_S = 1e9
PATIENCE_S = 20.0


@pytest.fixture
def store(on_postgres: StorageSettings) -> Iterator[Store]:
    opened = open_store(on_postgres)
    yield opened
    opened.close()


@pytest.fixture
def other(store: Store, on_postgres: StorageSettings) -> Iterator[Store]:
    """Another gateway's store, on the same database."""
    opened = open_store(on_postgres)
    yield opened
    opened.close()


def decided(offer: str, caps: tuple[Cap, ...], codes: Codes) -> Decision:
    voucher = PlannedVoucher(Worth(percent=10), codes, 250, AT_S + 3600)
    chosen = Chosen(offer, "voucher", None, "wine", "nl", Content("Wijn", ""), AT_S + 600, 1, 1, 1, voucher, caps)
    return Decision((chosen,), (), (Verdict(offer, Gate.CHOSEN),), "b" * 64, Group.TREATED)


def situation(shopper: str) -> Situation:
    return Situation(shopper, AT_S, "enter", "wine", 0, "v", frozenset(), "nl", {}, {}, (), 6, frozenset())


def held_up(store: Store) -> bool:
    """Whether some transaction waits for another one's lock."""
    waiting = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    with store.read() as connection:
        return bool(connection.execute(waiting).scalar())


def while_another_commits(
    store: Store, other: Store, first: Callable[[Connection], Any], second: Callable[[Connection], Any]
) -> Any:
    """What `second` comes to where it has to wait for `first`, in another gateway, to commit."""
    with other.engine.begin() as connection:
        first(connection)
        future = store.writer.submit(second)
        assert wait_for(lambda: held_up(other), PATIENCE_S)
    return future.result(PATIENCE_S)


def followed(work: Callable[[Transaction], Any]) -> Callable[[Connection], Any]:
    """Have a message's work done on a connection, and at once what follows from it."""

    def do(connection: Connection) -> Any:
        transaction = Transaction(connection)
        done = work(transaction)
        for call in transaction.calls:
            call()
        return done

    return do


def test_two_gateways_in_each_others_way_pass_no_cap_and_give_each_code_once(store: Store, other: Store) -> None:
    codes = [f"CODE-{number:03}" for number in range(60)]
    store.writer.submit(lambda connection: vouchers.fill_pool(connection, "pooled", codes, exact=False)).result()
    kinds = [
        decided("a", (Cap("shop/issues", CapKind.ISSUES, 100), Cap("offer/a", CapKind.ISSUES, 40)), Codes(CodeKind.GENERATED)),
        decided("b", (Cap("offer/b", CapKind.ISSUES, 40), Cap("shop/issues", CapKind.ISSUES, 100)), Codes(CodeKind.GENERATED)),
        decided("pooled", (Cap("category/x", CapKind.BUDGET, 10**12, 250),), Codes(CodeKind.POOL)),
    ]
    futures: list[Any] = []

    def promise(gateway: int) -> None:
        ledger = Ledger((store, other)[gateway], f"etalage/c/s/gw-{gateway}")
        turns = range(150) if gateway else reversed(range(150))
        futures.extend(ledger.promise(kinds[turn % 3], situation(f"s-{gateway}-{turn}")) for turn in turns)

    threads = [threading.Thread(target=promise, args=(gateway,)) for gateway in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = Counter(one.offer for future in futures for one in future.result(60).made)
    assert made == {"a": 40, "b": 40, "pooled": 60}
    with store.read() as connection:
        assert dict(caps.all_used(connection)) == {"shop/issues": 80, "offer/a": 40, "offer/b": 40, "category/x": 60 * 250}
        rows = promises.page(connection, limit=1000)
    assert {row.code for row in rows if row.offer == "pooled"} == set(codes)
    assert Counter(row.offer for row in rows) == made


def test_gateways_that_lock_each_other_out_both_get_through(store: Store, other: Store) -> None:
    met = threading.Barrier(2)
    tried: Counter[str] = Counter()

    def take(name: str, first: str, second: str) -> Callable[[Connection], bool]:
        def work(connection: Connection) -> bool:
            tried[name] += 1
            took = caps.take(connection, first, "", 1, 10, AT_S)
            if tried[name] == 1:
                met.wait(PATIENCE_S)
            return took and caps.take(connection, second, "", 1, 10, AT_S)

        return work

    futures = [store.writer.submit(take("one", "x", "y")), other.writer.submit(take("other", "y", "x"))]
    assert [future.result(PATIENCE_S) for future in futures] == [True, True]
    assert sorted(tried.values()) == [1, 2], "one was in the way, and was run again"
    with store.read() as connection:
        assert caps.all_used(connection) == [("x", 2), ("y", 2)]


def test_a_counter_that_two_gateways_open_at_once_counts_for_both(store: Store, other: Store) -> None:
    def take(connection: Connection) -> bool:
        return caps.take(connection, "x", "", 1, 2, AT_S)

    assert while_another_commits(store, other, take, take) is True
    with store.read() as connection:
        assert caps.used(connection, "x") == 2


def test_a_gateway_that_hangs_in_a_promise_holds_nobody_else_up(store: Store, other: Store) -> None:
    def take(gateway: str) -> Callable[[Connection], bool]:
        return lambda connection: caps.take_leased(connection, "shop/issues", gateway, 1, 100, AT_S)

    for opened, gateway in ((store, "gw-1"), (other, "gw-2")):
        assert opened.writer.submit(take(gateway)).result(PATIENCE_S)
    with other.engine.begin() as hanging:
        assert take("gw-2")(hanging)
        assert [store.writer.submit(take("gw-1")).result(PATIENCE_S) for _ in range(5)] == [True] * 5
    with store.read() as connection:
        assert caps.used(connection, "shop/issues") == 8


def test_on_a_shared_database_a_cap_is_one_whatever_the_settings_say_of_parts(store: Store) -> None:
    ledger = Ledger(store, "etalage/c/s/gw-1", OffersSettings(gateways=2, gateway_number=1))
    decision = decided("a", (Cap("offer/a", CapKind.ISSUES, 4),), Codes(CodeKind.GENERATED))
    made = [len(ledger.promise(decision, situation(f"s-{number}")).result().made) for number in range(5)]
    assert made == [1, 1, 1, 1, 0]


def test_a_code_that_everybody_has_is_good_at_two_tills_at_once(store: Store, other: Store) -> None:
    ledger = Ledger(store, "etalage/c/s/gw-1")
    for shopper in ("s-1", "s-2"):
        ledger.promise(decided("a", (), Codes(CodeKind.SINGLE, code="WINE10")), situation(shopper)).result()
    requests = [TillRequest("redeem", "WINE10", f"till-{n}", AT_S + 5, "k") for n in range(2)]
    asked = [lambda connection, request=request: redemption.redeem(connection, request) for request in requests]
    assert while_another_commits(store, other, asked[0], asked[1]).redemption.answer == "valid"
    with store.read() as connection:
        assert [row.state for row in promises.page(connection)] == ["redeemed", "redeemed"], "each use is another promise's"


def test_a_till_that_asks_two_gateways_at_once_is_told_the_same(store: Store, other: Store) -> None:
    Ledger(store, "etalage/c/s/gw-1").promise(decided("a", (), Codes(CodeKind.SINGLE, code="WINE10")), situation("s-1")).result()

    def ask(connection: Connection) -> redemption.Redemption:
        return redemption.redeem(connection, TillRequest("redeem", "WINE10", "till-1", AT_S + 5, "k")).redemption

    answer = while_another_commits(store, other, ask, ask)
    assert (answer.answer, answer.redeemed_at_s) == ("valid", AT_S + 5)


def test_a_tills_message_that_two_gateways_take_at_once_is_answered_alike_by_both(store: Store, other: Store) -> None:
    ledgers = [Ledger(opened, f"etalage/c/s/gw-{number}") for number, opened in enumerate((other, store))]
    ledgers[1].promise(decided("a", (), Codes(CodeKind.SINGLE, code="WINE10")), situation("s-1")).result()
    envelope = {"specversion": "1.0", "id": "k", "source": "till-1", "type": RedemptionAsked.TYPE, "time": "2001-09-09T01:46:45Z"}
    event = Event[RedemptionAsked].model_validate({**envelope, "data": {"till": "till-1", "code": "WINE10"}})
    works = []
    for number, ledger in enumerate(ledgers):
        take = partial(lambda tx, asked, ledger: ledger.take_redemption(tx, asked, AT_S + 60), ledger=ledger)
        handlers = InboundHandlers(GatewayIdentity("demo-chain", "demo", f"gw-{number}"), {RedemptionAsked.TYPE: take})
        works.append(handlers.work(event, "replies/till-1", AT_S))
    done: list[Any] = []
    done.append(
        while_another_commits(store, other, lambda connection: done.append(followed(works[0])(connection)), followed(works[1]))
    )
    assert [each.redemption.answer for each in done] == ["valid", "valid"]
    with store.read() as connection:
        told = connection.execute(
            sa.select(sa.func.count()).select_from(outbox.outbox).where(outbox.outbox.c.topic == "offers/redeemed")
        )
        assert told.scalar_one() == 1, "used once, and told once"


def test_what_ended_gives_its_share_back_once_however_many_gateways_look(store: Store, other: Store) -> None:
    held = (Cap("shop/redemptions", CapKind.REDEMPTIONS, 10),)
    for shopper in ("s-1", "s-2"):
        decision = decided("a", held, Codes(CodeKind.GENERATED))
        Ledger(store, "etalage/c/s/gw-1").promise(decision, situation(shopper)).result()

    def expire(connection: Connection) -> int:
        return housekeep(connection, AT_S + 30 * 86_400, OffersSettings()).expired

    while_another_commits(store, other, expire, expire)
    with store.read() as connection:
        assert caps.used(connection, "shop/redemptions") == 0


def test_an_opt_in_that_two_gateways_take_at_once_is_known_to_both(store: Store, other: Store, tmp_path: Path) -> None:
    data = {"shopper": "s-1", "version": 1, "purposes": ["recognise"], "consent": {"text": "1"}}
    beacon = {"uuid": "e2c56db5dffb48d2b060d0f5a71096e0", "major": 1, "minor": 1}
    envelope = {"specversion": "1.0", "id": "oi-1", "source": "backend", "type": OptInGiven.TYPE, "time": "2001-09-09T01:46:40Z"}
    event = Event[OptInGiven].model_validate({**envelope, "data": {**data, "identity": {"beacon": beacon}}})
    met: list[Identities] = []
    works = []
    for number, opened in enumerate((other, store)):
        identities = Identities("demo")
        identities.load([], AT_S)
        people = People(opened, identities, Keys(tmp_path / "etalage.keys"), lambda: AT_S)
        handlers = InboundHandlers(GatewayIdentity("demo-chain", "demo", f"gw-{number}"), {OptInGiven.TYPE: people.take_optin})
        works.append(handlers.work(event, "replies", AT_S))
        met.append(identities)
    done: list[Any] = []
    done.append(
        while_another_commits(store, other, lambda connection: done.append(followed(works[0])(connection)), followed(works[1]))
    )
    for each in done:
        assert each.what == "accepted"
    beacon_id = bytes.fromhex(str(beacon["uuid"])) + bytes((0, 1, 0, 1))
    assert [identities.resolve(beacon_id) for identities in met] == ["s-1", "s-1"]
    again = store.writer.transact(works[1]).result()
    assert again.what == "repeated"


def test_a_server_that_goes_away_is_waited_for_and_nothing_is_lost(store: Store, postgres: Postgres) -> None:
    take = lambda connection: caps.take(connection, "x", "", 1, 10, AT_S)  # noqa: E731
    assert store.writer.submit(take).result(PATIENCE_S)
    postgres.kill()
    future = store.writer.submit(take)
    assert wait_for(lambda: store.writer.last_failure is not None, PATIENCE_S)
    assert not future.done()
    postgres.start()
    assert future.result(PATIENCE_S)
    assert store.writer.last_failure is None
    with store.read() as connection:
        assert caps.used(connection, "x") == 2


def test_a_block_of_reading_sees_one_moment(store: Store) -> None:
    with store.read() as connection:
        assert caps.used(connection, "x") == 0
        store.writer.submit(lambda connection: caps.take(connection, "x", "", 1, 10, AT_S)).result()
        assert caps.used(connection, "x") == 0


def test_every_commit_is_on_the_servers_disk_before_it_counts(store: Store) -> None:
    with store.read() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"


def test_the_text_of_an_error_repeats_no_row(store: Store) -> None:
    row = {"shopper": "canary-7f3a", "decided_at_s": AT_S, "version": 1, "purposes": "offers", "language": "nl"}
    row |= {"text": "1", "channel": "app", "recorded_at_s": AT_S, "record": "r", "given_at": {}}
    store.writer.submit(lambda connection: connection.execute(sa.insert(consents.consents), row)).result()
    with pytest.raises(sa.exc.IntegrityError) as twice:
        store.writer.submit(lambda connection: connection.execute(sa.insert(consents.consents), row)).result()
    assert "unique constraint" in str(twice.value)
    assert "canary" not in str(twice.value) + str(twice.value.orig) + repr(twice.value.orig)


@pytest.mark.parametrize(
    ("url", "named"),
    [
        (
            "postgresql://etalage:geheim@127.0.0.1:1/etalage",
            r"^PostgreSQL 127\.0\.0\.1:1/etalage: .*refused.*`url` under \[storage\]",
        ),
        ("postgresql://etalage:geheim@localhost:vijf/etalage", r"\[storage\] url: must read postgresql://"),
        ("geheim", r"\[storage\] url: must read postgresql://"),
        ("mysql://etalage:geheim@localhost/etalage", r"\[storage\] url: must read postgresql://"),
    ],
)
def test_a_database_that_cant_be_reached_is_one_line_without_the_password(tmp_path: Path, url: str, named: str) -> None:
    with pytest.raises(StorageError, match=named) as told:
        open_store(StorageSettings(path=tmp_path / "etalage.db", url=url))
    assert "geheim" not in str(told.value)
    assert "\n" not in str(told.value)


def test_a_wrong_password_is_told_without_it(postgres: Postgres) -> None:
    with pytest.raises(StorageError, match="password authentication failed") as told:
        open_store(StorageSettings(url=postgres.url("postgres", password="geheim")))
    assert "geheim" not in str(told.value)
