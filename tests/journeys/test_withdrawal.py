"""A shopper says no: from that second on they are nobody, nothing more leaves for them, and no file knows them any longer.

The whole gateway hears two shoppers side by side; one withdraws while offers for both wait to be sent. The other's offers go on,
so that silence about the first is no accident. Times are those that the gateway itself goes by: the air's.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from firmware_sim.backend import Backend
from firmware_sim.broker import EmbeddedBroker
from firmware_sim.frames import STORE_UUID, ibeacon, random_address
from firmware_sim.rotating import Phone
from gateway.app import Gateway
from gateway.line import Line
from gateway.model import Advertisement, Sighting
from gateway.mqtt.courier import Courier
from gateway.radio.health import ScannerHealth
from gateway.radio.sources import Hear
from gateway.radio.watchdog import ScannerState
from gateway.settings import Settings, load_settings
from gateway.storage import outbox
from tests.support.clock import FakeClock
from tests.support.mosquitto import wait_for

REGRETS, STAYS = "regrets-7f3a91c2", "stays-0b64d8e1"
PHONES = {REGRETS: Phone(STORE_UUID, b"regretted key 16", "demo"), STAYS: Phone(STORE_UUID, b"a key that stays", "demo")}
STEP_S = 0.1
IN_FORCE_WITHIN_S = 1.0
ZONES = ("wine", "bread")
PLAN = """
store: demo
zones:
  - {id: wine, name: {nl: Wijn, en: Wine}, polygon: [[0, 0], [5, 0], [5, 5], [0, 5]]}
  - {id: bread, name: {nl: Brood, en: Bread}, polygon: [[5, 0], [10, 0], [10, 5], [5, 5]]}
scanners:
  - {id: wine, zone: wine, at: [2, 2]}
  - {id: bread, zone: bread, at: [8, 2]}
"""
BOOK = """
book: withdrawal
salt: withdrawal
attention: {capacity: 100, refill_per_day: 100}
offers:
""" + "".join(
    f"  - {{id: card-{number}, kind: content, at: {{event: enter}}, content: {{nl: {{title: Hier}}, en: {{title: Here}}}}}}\n"
    for number in range(5)  # one is given on each move, each once
)


@dataclass
class Air:
    """A scanner in a shop where both phones are always heard. Time passes with its own steps: it is the gateway's clock too."""

    id: str = "air"
    now_s: float = field(default_factory=time.time)
    zone: str = ZONES[0]

    async def listen(self, hear: Hear) -> None:
        while True:
            for number, phone in enumerate(PHONES.values()):
                address, payload = random_address(number + 1), ibeacon(phone.beacon_at(self.now_s))
                for scanner in ZONES:
                    hear(Advertisement(self.now_s, scanner, address, -50 if scanner == self.zone else -85, payload))
            await asyncio.sleep(STEP_S)
            self.now_s += STEP_S

    def health(self) -> ScannerHealth:
        return ScannerHealth(self.id, "simulated", ScannerState.HEARING, 0.0, 0, 0, 0, 0, 0, 0, 0, 0, "", None, None)

    def walk(self) -> None:
        """Both go to the other zone."""
        self.zone = next(zone for zone in ZONES if zone != self.zone)


class AirClock(FakeClock):
    """The air's time, trusted; periods are this machine's."""

    def __init__(self, air: Air) -> None:
        super().__init__()
        self._air = air

    def now_s(self) -> float:
        return self._air.now_s

    def monotonic_s(self) -> float:
        return time.monotonic()


@dataclass
class Shop:
    """One gateway with its air and its backend. `may_send`: whether the courier gets to send anything."""

    gateway: Gateway
    air: Air
    backend: Backend
    folder: Path
    may_send: threading.Event
    sightings: list[Sighting] = field(default_factory=list)

    def waiting(self, shopper: str) -> object:
        """A shopper's announcements that have not been answered with a receipt yet."""
        with self.gateway.store.read() as connection:
            return outbox.export(connection, shopper)["waiting"]

    def files_with(self, shopper: str) -> list[str]:
        """The files that know a shopper's pseudonym or key, in any form it could have been written down in."""
        raw = (shopper.encode(), PHONES[shopper].key)
        marks = [form for mark in raw for form in (mark, mark[::-1], mark.hex().encode(), mark.hex().upper().encode())]
        contents = {path.name: path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}
        return sorted(name for name, content in contents.items() if any(mark in content for mark in marks))


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    (tmp_path / "plan.yaml").write_text(PLAN)
    (tmp_path / "book.yaml").write_text(BOOK)
    config = tmp_path / "etalage.toml"
    config.write_text(
        '[store]\nchain = "demo-chain"\nstore = "demo"\nplan = "plan.yaml"\nrule_book = "book.yaml"\n[dashboard]\nport = 0\n'
    )
    settings = load_settings(config)
    with EmbeddedBroker() as broker:
        backend = Backend(broker.url, "demo-chain", "demo").start()
        made = _shop(settings.model_copy(update={"mqtt": broker.settings(settings.mqtt)}), backend, tmp_path)
        _listen_in(made, monkeypatch)
        yield made
        backend.stop()


def _shop(settings: Settings, backend: Backend, folder: Path) -> Shop:
    air, may_send = Air(), threading.Event()
    may_send.set()
    return Shop(Gateway(settings, clock=AirClock(air), scanners=[air]), air, backend, folder, may_send)


def _listen_in(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Note whom the line recognises, and hold the courier back while it may not send."""
    see, send = Line.see, Courier._send_next

    def noted(line: Line, sighting: Sighting) -> None:
        shop.sightings.append(sighting)
        see(line, sighting)

    def held(courier: Courier, now_s: float) -> None:
        if shop.may_send.is_set():
            send(courier, now_s)

    monkeypatch.setattr(Line, "see", noted)
    monkeypatch.setattr(Courier, "_send_next", held)


def test_a_withdrawal_is_in_force_within_a_second_and_leaves_nothing_behind(shop: Shop) -> None:
    async def both() -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(shop.gateway.run(stop))
        try:
            await asyncio.to_thread(_until_withdrawn_and_scrubbed, shop)
        finally:
            stop.set()
            await running

    asyncio.run(both())
    assert shop.files_with(REGRETS) == [], "nor once the gateway has ended"
    assert shop.files_with(STAYS) != []


def _until_withdrawn_and_scrubbed(shop: Shop) -> None:
    backend, air = shop.backend, shop.air
    _offers_flow(shop)
    _offers_wait(shop)
    had = len(backend.cards_of(REGRETS))

    withdrawn_s = air.now_s
    backend.withdraw(REGRETS)
    assert wait_for(lambda: REGRETS not in shop.gateway.line.identities, 30)
    assert not shop.waiting(REGRETS), "what waited for them is gone in the same transaction"
    assert shop.waiting(STAYS)

    stayed = len(backend.cards_of(STAYS))
    shop.may_send.set()
    shop.gateway.store.outgoing.committed()
    assert wait_for(lambda: len(backend.cards_of(STAYS)) > stayed, 30)
    air.walk()  # one more move, on which the other is offered something
    assert wait_for(lambda: len(backend.cards_of(STAYS)) > stayed + 1, 30)
    last_s = max(sighting.at_s for sighting in shop.sightings if sighting.shopper == STAYS)
    assert last_s > withdrawn_s + IN_FORCE_WITHIN_S, "the air went on, with the regretful one's phone in it"

    assert max(sighting.at_s for sighting in shop.sightings if sighting.shopper == REGRETS) <= withdrawn_s + IN_FORCE_WITHIN_S
    assert max(card.promised_s for card in backend.cards_of(REGRETS)) <= withdrawn_s
    assert len(backend.cards_of(REGRETS)) == had, "no offer left any more"
    assert wait_for(lambda: shop.files_with(REGRETS) == [], 60), shop.files_with(REGRETS)


def _offers_flow(shop: Shop) -> None:
    """Both opt in, walk, are offered something, and can be found in the files."""
    assert wait_for(lambda: shop.gateway.inbox.health()["state"] == "up", 30)
    for shopper, phone in PHONES.items():
        shop.backend.opt_in(shopper, {"rotating": phone.as_optin()})
    assert wait_for(lambda: all(shop.backend.cards_of(shopper) for shopper in PHONES), 30)
    assert shop.files_with(REGRETS), "without a trace before, its absence afterwards would prove nothing"


def _offers_wait(shop: Shop) -> None:
    """The broker gets nothing for a while; both move on, and announcements for both wait."""
    assert wait_for(lambda: not any(shop.waiting(shopper) for shopper in PHONES), 30)
    shop.may_send.clear()
    shop.air.walk()
    assert wait_for(lambda: all(shop.waiting(shopper) for shopper in PHONES), 30)
