"""What happens when a part of the gateway dies, and when its database goes away and comes back."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from firmware_sim.broker import EmbeddedBroker
from gateway import supervisor
from gateway.app import Gateway, GatewayFailed
from gateway.commands import scanner as scanner_command
from gateway.mqtt.credentials import read_credentials
from gateway.mqtt.topics import GatewayIdentity
from gateway.settings import MqttSettings, Settings, StorageSettings, load_settings
from gateway.storage import WriterClosed, promises
from gateway.supervisor import Duty, Part, PartDied, Supervisor, Task, Thread
from tests.support.books import document, offer
from tests.support.clock import FakeClock
from tests.support.mosquitto import wait_for
from tests.support.postgres import Postgres
from tests.support.shop import PATIENCE_S, HandScanner, RunningShop, running_shop

GREETING = document(offer("hello", show_for="20h"), silence=0)
"""One offer for every zone that is entered."""


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    (tmp_path / "plan.yaml").write_text("{store: demo, zones: [{id: wine}], scanners: [{id: pi-1, zone: wine}]}")
    (tmp_path / "etalage.toml").write_text('[store]\nchain = "c"\nstore = "demo"\nplan = "plan.yaml"\n[dashboard]\nport = 0\n')
    with EmbeddedBroker() as broker:
        settings = load_settings(tmp_path / "etalage.toml")
        yield settings.model_copy(update={"mqtt": broker.settings(settings.mqtt)})


def run(gateway: Gateway) -> None:
    """Run until it fails by itself."""
    asyncio.run(asyncio.wait_for(gateway.run(asyncio.Event()), PATIENCE_S))


# ---- a death in every part ---------------------------------------------------------------------------------------------------


async def _rest() -> None:
    """Do nothing, for as long as one is let."""
    await asyncio.Event().wait()


async def _nothing() -> None: ...


async def _die() -> None:
    raise KeyError("ink")


def quiet(part: Part) -> Part:
    """A part of the same name and kind that just lives."""
    if isinstance(part, Thread):
        return replace(part, failure=lambda: None)
    return replace(part, run=_rest) if isinstance(part, Task) else replace(part, do=_nothing)


def dead(part: Part) -> Part:
    """A part of the same name and kind that dies."""
    if isinstance(part, Thread):
        return replace(part, failure=lambda: "KeyError")
    return replace(part, run=_die) if isinstance(part, Task) else replace(part, do=_die)


def test_a_death_in_every_part_in_turn_ends_the_gateway_by_its_name_or_is_told_of(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "LOOK_S", 0.01)
    gateway = Gateway(settings, scanners=[HandScanner("pi-1")])
    parts = gateway.parts()
    assert len(parts) > 15
    for doomed in parts:
        told: list[str] = []
        minded = Supervisor([dead(part) if part is doomed else quiet(part) for part in parts], notify=told.append)

        async def live(minded: Supervisor = minded) -> None:
            stop = asyncio.Event()
            asyncio.get_running_loop().call_later(0.3, stop.set)
            await minded.run(stop)

        if isinstance(doomed, Duty) and not doomed.vital:
            asyncio.run(live())
            assert list(minded.failing) == [doomed.name]
            assert "READY=1" in told
            continue
        with pytest.raises(PartDied, match=f"the {doomed.name} has died .KeyError"):
            asyncio.run(live())
        assert told == ["STOPPING=1"], doomed.name
    gateway.listener.close()  # type: ignore[union-attr]
    gateway.rooms.reader.start()
    gateway.rooms.close()


def test_a_writer_that_dies_ends_the_gateway(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = Gateway(settings, scanners=[HandScanner("pi-1")])

    def burst(_before: int) -> None:
        raise KeyError("ink")

    monkeypatch.setattr(gateway.store.writer._jobs, "next_group", burst)  # from its next turn on
    with pytest.raises(GatewayFailed, match=r"the writer has died .KeyError at test_minded.py"):
        run(gateway)
    with pytest.raises(WriterClosed):
        gateway.store.writer.submit(lambda connection: None)


def test_work_that_waits_for_a_writer_that_dies_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway, begun, held = Gateway(settings, scanners=[]), threading.Event(), threading.Event()
    writer = gateway.store.writer

    def burst(_before: int) -> None:
        raise KeyError("ink")

    def hold(_connection: Connection) -> bool:
        begun.set()
        return held.wait(10)

    gateway.rooms.start()
    monkeypatch.setattr(writer._jobs, "next_group", burst)
    first = writer.submit(hold)
    assert begun.wait(10)
    second = writer.submit(lambda connection: None)
    held.set()
    assert first.result(10), "it was committed, so it is not lost"
    with pytest.raises(WriterClosed):
        second.result(10)
    gateway.listener.close()  # type: ignore[union-attr]
    gateway.rooms.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # that is what is done to it
def test_a_reader_that_dies_ends_the_gateway(settings: Settings) -> None:
    gateway = Gateway(settings, scanners=[HandScanner("pi-1")])

    def die(_connection: Connection) -> None:
        raise SystemExit

    async def both() -> None:
        running = asyncio.create_task(gateway.run(asyncio.Event()))
        await asyncio.sleep(0)
        while gateway.reader.failure is not None:  # noqa: ASYNC110  # until it has been started
            await asyncio.sleep(0.01)
        gateway.reader.submit(die)
        await asyncio.wait_for(running, PATIENCE_S)

    with pytest.raises(GatewayFailed, match=r"the reader has died|the database can't be used"):
        asyncio.run(both())


def test_a_scanner_that_dies_ends_the_gateway(settings: Settings) -> None:
    gateway = Gateway(settings, scanners=[DyingScanner("pi-1")])
    with pytest.raises(GatewayFailed, match=r"the scanner pi-1 has died .KeyError"):
        run(gateway)


class DyingScanner(HandScanner):
    """A scanner with a fault."""

    async def listen(self, hear: Any) -> None:
        raise KeyError("ink")


def test_a_box_in_the_scanner_role_whose_scanner_dies_is_never_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(supervisor, "sd_notify", told.append)
    monkeypatch.setattr(supervisor.Supervisor.__init__, "__kwdefaults__", {"may_feed": lambda: True, "notify": told.append})
    settings, identity = MqttSettings(brokers=("mqtt://127.0.0.1:1",)), GatewayIdentity("c", "demo", "pi-2")
    relay = scanner_command.Relay(identity, settings, read_credentials(settings), FakeClock())
    with pytest.raises(PartDied, match=r"the scanner pi-2 has died .KeyError"):
        asyncio.run(scanner_command._live([DyingScanner("pi-2")], frozenset(), relay, FakeClock(), asyncio.Event()))
    assert told == ["STOPPING=1"]


# ---- a database that goes away and comes back --------------------------------------------------------------------------------


def promised(shop: RunningShop) -> list[str]:
    """The ids of all promises in the database."""
    with shop.gateway.store.read() as connection:
        return [row.id for row in promises.page(connection, limit=10_000)]


def told(shop: RunningShop) -> list[str]:
    """The ids of all promises that the backend heard of."""
    return [message["data"]["promise"] for topic, message in shop.heard if topic == "offers"]


def test_a_database_that_can_t_be_read_ends_nothing_and_nothing_unknown_is_decided(tmp_path: Path) -> None:
    with running_shop(tmp_path, GREETING) as shop:
        shop.opt_in(1)
        reader, recall = shop.gateway.reader, shop.gateway.rooms.recall
        real = reader._read

        @contextmanager
        def away() -> Iterator[Connection]:
            raise OperationalError("SELECT", None, Exception("disk I/O error"))
            yield

        reader._read = away
        shop.walk(1, "pi-1", seconds=2)
        assert wait_for(lambda: recall.late > 0, PATIENCE_S)
        assert shop.gateway.line.counts.decisions == 0
        assert shop.failure is None
        reader._read = real

        zones = itertools.cycle(("pi-2", "pi-1"))

        def walked_on() -> bool:  # on a slow machine a reading may come too late for one zone's moment; the next one has another
            shop.walk(1, next(zones), seconds=8)  # long enough to be believed there
            return bool(shop.offers("s-1"))

        assert wait_for(walked_on, 2 * PATIENCE_S), "it goes on by itself"
        assert shop.failure is None


def test_a_postgresql_that_is_restarted_under_load_ends_nothing_and_loses_nothing(
    postgres: Postgres, on_postgres: StorageSettings, tmp_path: Path
) -> None:
    with running_shop(tmp_path, GREETING, storage=on_postgres) as shop:
        here = list(range(1, 9))
        for minor in here:
            shop.opt_in(minor)
        going = threading.Event()

        def stroll() -> None:
            turn = 0
            while not going.is_set():
                turn += 1
                for minor in tuple(here):
                    shop.walk(minor, "pi-1" if (turn + minor) // 12 % 2 else "pi-2", seconds=0.01)

        strolling = threading.Thread(target=stroll)
        strolling.start()
        try:
            assert wait_for(lambda: len(told(shop)) >= 8, PATIENCE_S)
            postgres.kill()
            assert wait_for(lambda: shop.gateway.line.quiet or shop.gateway.rooms.recall.late > 0, PATIENCE_S)
            postgres.start()
            assert wait_for(lambda: not shop.gateway.line.quiet, PATIENCE_S)
            for minor in range(9, 14):  # who was here before has been greeted
                shop.opt_in(minor)
                here.append(minor)
            assert wait_for(lambda: len(set(told(shop))) == len(here), PATIENCE_S), "it promises again by itself"
        finally:
            going.set()
            strolling.join()
            if postgres._process is None:
                postgres.start()
        assert shop.failure is None
        assert wait_for(lambda: set(told(shop)) >= set(promised(shop)), PATIENCE_S), "every promise reaches the backend"
        assert set(told(shop)) <= set(promised(shop)), "and nobody was told of one that isn't kept"
        assert Counter(data["offer"] for data in shop.offers("s-1")).keys() == {"hello"}
