"""The whole gateway in one process: what it asks for when the books change, and how it ends when a part of it has died."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from firmware_sim.backend import Backend
from firmware_sim.broker import EmbeddedBroker
from gateway.app import Gateway, GatewayFailed
from gateway.books import lifecycle
from gateway.mqtt.courier import Courier
from gateway.mqtt.inbox import Inbox
from gateway.settings import Settings, load_settings
from gateway.storage import open_store, profiles
from rules import Chosen, CodeKind, Codes, Content, Decision, Gate, Group, PlannedVoucher, Situation, Verdict, Worth
from tests.support.mosquitto import wait_for
from tests.support.recall import history

PLAN = """
store: demo
zones: [{id: wine}]
scanners: [{id: pi-1, zone: wine}]
"""
PLAIN = """
book: plain
salt: s
attributes:
  household: {type: choice, values: [single, family], label: {nl: Huishouden, en: Household}, purpose: offers, supplier: backend}
offers:
- {id: hello, kind: content, at: {event: enter}, content: {nl: {title: Hallo}, en: {title: Hello}}}
"""
READING = PLAIN.replace("book: plain", "book: reading").replace("at: {event: enter}", "at: {event: enter}, if: household == family")
DYING = """
from gateway.__main__ import main
from gateway.mqtt.courier import Courier

def die(self, _now_s):
    raise KeyError("ink")

Courier._turn = die
main()
"""
BEACON = {"beacon": {"uuid": "e2c56db5dffb48d2b060d0f5a71096e0", "major": 1, "minor": 1}}
Shop = tuple[Settings, Backend]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "plan.yaml").write_text(PLAN)
    (tmp_path / "book.yaml").write_text(PLAIN)
    (tmp_path / "etalage.toml").write_text(
        '[store]\nchain = "demo-chain"\nstore = "demo"\nplan = "plan.yaml"\nrule_book = "book.yaml"\n[dashboard]\nenabled = false\n'
    )
    return tmp_path / "etalage.toml"


@pytest.fixture
def shop(config: Path) -> Iterator[Shop]:
    with EmbeddedBroker() as broker:
        settings = load_settings(config)
        backend = Backend(broker.url, "demo-chain", "demo").start()
        yield settings.model_copy(update={"mqtt": broker.settings(settings.mqtt)}), backend
        backend.stop()


def live(gateway: Gateway, meanwhile: Callable[[], None]) -> None:
    """Run the gateway while something is done in another thread."""

    async def both() -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(gateway.run(stop))
        try:
            await asyncio.to_thread(meanwhile)
        finally:
            stop.set()
            await running

    asyncio.run(both())


def put_to_work(settings: Settings, text: str) -> None:
    """What `etalage books add`, `approve` and `live` do, in the same database."""
    with closing(open_store(settings.storage)) as store:
        now_s, submit = time.time(), store.writer.submit
        book = submit(partial(lifecycle.add, text=text, person="anna", at_s=now_s, zones=["wine"])).result(30)
        for step in (partial(lifecycle.check, zones=["wine"]), lifecycle.approve, lifecycle.go_live):
            submit(partial(step, start=book, person="bert", at_s=now_s)).result(30)


def kept(gateway: Gateway) -> dict[str, Any]:
    with gateway.store.read() as connection:
        return {row.field: row.value for row in profiles.values(connection, "s-1")}


def told(gateway: Gateway, backend: Backend) -> None:
    """The shopper is known to the gateway, with all that the book then reads of them."""
    _assert_connected(gateway)
    backend.opt_in("s-1", BEACON)
    backend.profile("s-1", {"household": "family"})
    assert wait_for(lambda: backend.counts["pages"] == 1 and backend.idle, 30)


def test_books_that_read_more_of_a_profile_have_it_asked_for_once(shop: Shop) -> None:
    settings, backend = shop
    gateway = Gateway(settings, scanners=[])

    def meanwhile() -> None:
        told(gateway, backend)
        assert kept(gateway) == {}, "no rule reads it, so it is not collected"
        put_to_work(settings, READING)
        assert wait_for(lambda: kept(gateway) == {"household": "family"}, 30)
        assert backend.counts["pages"] == 2
        put_to_work(settings, PLAIN.replace("salt: s", "salt: t"))
        assert wait_for(lambda: kept(gateway) == {}, 30), "what no rule reads any more is deleted"
        put_to_work(settings, READING.replace("salt: s", "salt: t"))
        assert wait_for(lambda: kept(gateway) == {"household": "family"}, 30)

    live(gateway, meanwhile)
    assert backend.counts["pages"] == 3, "books that read nothing new ask for nothing"


def test_books_that_went_live_while_no_gateway_ran_are_caught_up_with_at_the_start(shop: Shop) -> None:
    settings, backend = shop
    before = Gateway(settings, scanners=[])
    live(before, lambda: told(before, backend))
    put_to_work(settings, READING)
    between = Gateway(settings, scanners=[])
    live(between, lambda: _assert_kept(between, {"household": "family"}))
    assert backend.counts["pages"] == 2
    again = Gateway(settings, scanners=[])
    live(again, lambda: _assert_connected(again))
    assert backend.counts["pages"] == 2, "nothing changed since, so nothing is asked"


def _assert_kept(gateway: Gateway, expected: dict[str, Any]) -> None:
    assert wait_for(lambda: kept(gateway) == expected, 30)


def _assert_connected(gateway: Gateway) -> None:
    assert wait_for(lambda: gateway.inbox.health()["state"] == gateway.courier.health()["state"] == "up", 30)


@pytest.mark.parametrize(("part", "method"), [(Courier, "_turn"), (Inbox, "_take_events")])
def test_a_gateway_whose_courier_or_inbox_has_died_ends_and_says_which(
    part: type[Courier] | type[Inbox], method: str, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, _ = shop
    monkeypatch.setattr(part, method, _die)
    gateway, stop = Gateway(settings, scanners=[]), asyncio.Event()
    with pytest.raises(GatewayFailed, match=f"the {part.__name__.lower()} has died .*KeyError.*must be started again"):
        asyncio.run(gateway.run(stop))
    assert not {"courier", "inbox"} & {thread.name for thread in threading.enumerate()}, "it ended in order"


def _die(_self: object, *_more: object) -> None:
    raise KeyError("ink")


def test_etalage_run_then_exits_with_status_1_and_one_line(config: Path) -> None:
    air = config.with_name("air.jsonl")
    reading = {"scanner": "pi-1", "address": "4A:00:00:00:00:01", "rssi": -60, "mfr": {"004c": "1005000000"}}
    air.write_text("".join(json.dumps({"t": t_s, **reading}) + "\n" for t_s in (0.0, 600.0)))
    command = [sys.executable, "-c", DYING, "run", "--config", str(config), "--recording", str(air)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done.stderr
    assert done.stderr.splitlines()[-1].startswith("etalage: the courier has died (KeyError at ")
    assert "Traceback" not in done.stdout + done.stderr


def test_nothing_is_promised_while_the_database_takes_nothing(shop: Shop) -> None:
    """What can't be written down would pile up in memory, and be stale when it is told."""
    settings, _ = shop
    impatient = settings.storage.model_copy(update={"busy_timeout_s": 0.1})
    gateway = Gateway(settings.model_copy(update={"storage": impatient}), scanners=())
    blocker = sqlite3.connect(settings.storage.path, isolation_level=None, check_same_thread=False)

    def meanwhile() -> None:
        _assert_connected(gateway)
        blocker.execute("BEGIN IMMEDIATE")
        work = gateway.store.writer.submit(lambda connection: profiles.replace(connection, "s-1", 1, time.time(), {}))
        assert wait_for(lambda: gateway.line.quiet, 10)
        blocker.execute("ROLLBACK")
        work.result(10)
        assert wait_for(lambda: not gateway.line.quiet, 10)

    live(gateway, meanwhile)
    blocker.close()


def test_a_till_redeems_by_message_and_shopper_and_backend_know(shop: Shop) -> None:
    settings, backend = shop
    gateway = Gateway(settings, scanners=[])
    answers: list[dict[str, Any]] = []
    till = Client(CallbackAPIVersion.VERSION2, client_id="till-1")
    till.on_message = lambda _client, _data, message: answers.append(json.loads(message.payload)["data"])
    address = urlsplit(settings.mqtt.brokers[0])
    prefix = "etalage/v1/demo-chain/demo/"

    def meanwhile() -> None:
        told(gateway, backend)
        made = gateway.ledger.promise(*voucher("s-1", time.time())).result(10).made
        assert wait_for(lambda: made[0].promise in backend.cards, 30)
        till.connect(str(address.hostname), address.port or 1883)
        till.subscribe(f"{prefix}replies/till-1", qos=1)
        till.loop_start()
        event: dict[str, Any] = {"specversion": "1.0", "id": "k-1", "source": "till-1", "type": "etalage.redemption.asked"}
        event |= {"time": "2099-01-01T00:00:00Z", "data": {"till": "till-1", "code": made[0].code}}
        assert wait_for(till.is_connected, 10)
        till.publish(f"{prefix}redemptions/till-1", json.dumps(event), qos=1)
        assert wait_for(lambda: answers, 30)
        assert wait_for(lambda: "redeemed" in backend.cards[made[0].promise].did, 30)
        assert wait_for(lambda: gateway.ledger.counts["till_valid"] == 1, 10)
        assert "redeemed" in {happening.what for happening in history(gateway.ledger, "s-1")}

    live(gateway, meanwhile)
    till.disconnect()
    till.loop_stop()
    assert answers[0]["redemption"]["answer"] == "valid", "a till's clock that runs ahead does no harm"


def voucher(shopper: str, at_s: float) -> tuple[Decision, Situation]:
    """A decision for a voucher, good for an hour."""
    worth = PlannedVoucher(Worth(percent=10), Codes(CodeKind.GENERATED), 250, at_s + 3600)
    chosen = Chosen("wine", "voucher", None, "wine", "nl", Content("10 % op wijn", ""), at_s + 600, 1, 1, 1, worth)
    decision = Decision((chosen,), (), (Verdict("wine", Gate.CHOSEN),), "b" * 64, Group.TREATED)
    purposes = frozenset({"recognise", "offers"})
    return decision, Situation(shopper, at_s, "enter", "wine", 0, "v", purposes, "nl", {}, {}, (), 6, frozenset())
