"""The bleak pair's scanner on a real D-Bus, with bleak's own BlueZ code, against a BlueZ that obeys BlueZ's rules."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress

import pytest
from bleak import BleakScanner

from gateway.model import Advertisement
from gateway.radio.bleak_source import BleakSource
from gateway.radio.quality import QualityMeter
from gateway.radio.scanners import AdapterScanner
from gateway.radio.watchdog import ScannerState
from tests.support.bluez import FakeBluez
from tests.support.bluez_radio import Told
from tests.support.private_bus import private_bus

PAYLOAD = bytes.fromhex("0215e2c56db5dffb48d2b060d0f5a71096e000010001c5")
APPLE = 0x004C
SPEED = 10.0
"""The watchdog's and BlueZ's clocks run this much faster, so that its 5 to 8 s of silence pass in less than one."""


def fast_clock() -> float:
    return time.monotonic() * SPEED


@pytest.fixture(autouse=True)
def fast_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.radio.scanners.TICK_S", 0.5 / SPEED)


@pytest.fixture
def bus() -> Iterator[str]:
    with private_bus() as address:
        yield address


async def until(condition: Callable[[], bool], limit_s: float = 10.0) -> None:
    """Waits for a condition of the outside world; fails at the limit."""
    async with asyncio.timeout(limit_s):
        while not condition():  # noqa: ASYNC110 - nobody tells us when it comes true
            await asyncio.sleep(0.01)


class Shop:
    """A scanner on a fake BlueZ, and an air with three beacons that runs by itself."""

    def __init__(self, bluez: FakeBluez) -> None:
        self.bluez = bluez
        self.heard: list[Advertisement] = []
        self.sent = 0
        self.silent = False
        self.scanner = AdapterScanner(
            "pi-1", BleakSource("pi-1", "00:00:00:00:5e:00", clock=time.time), QualityMeter(frozenset()), monotonic=fast_clock
        )

    async def air(self) -> None:
        while True:
            await asyncio.sleep(0.01)
            if not self.silent:
                self.sent += 1
                self.bluez.receive(f"C0:00:00:00:00:0{self.sent % 3}", -60 - self.sent % 5, APPLE, PAYLOAD)

    async def until(self, condition: Callable[[], bool], limit_s: float = 10.0) -> None:
        await until(condition, limit_s)

    async def hears_again(self, limit_s: float = 10.0) -> None:
        """Twenty more advertisements arrive."""
        target = len(self.heard) + 20
        await self.until(lambda: len(self.heard) >= target and self.scanner.health().state is ScannerState.HEARING, limit_s)


@asynccontextmanager
async def shop_on(address: str, *, experimental: bool = True, newer: bool = True) -> AsyncIterator[Shop]:
    bluez = await FakeBluez(address, experimental=experimental, newer=newer, clock=fast_clock, hung_reply_s=0.5).start()
    shop = Shop(bluez)
    tasks = [asyncio.create_task(shop.scanner.listen(shop.heard.append)), asyncio.create_task(shop.air())]
    try:
        yield shop
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        bluez.crash()


def run(work: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(work(), 40))


def test_the_pair_hears_every_advertisement_that_reaches_the_adapter(bus: str) -> None:
    async def work() -> None:
        async with shop_on(bus) as shop:
            await shop.hears_again()
            sent, heard = shop.sent, len(shop.heard)
            await shop.until(lambda: shop.sent >= sent + 150)
            await shop.until(lambda: len(shop.heard) - heard >= 148)
            assert {one.payload for one in shop.heard} == {PAYLOAD}
            assert {one.scanner for one in shop.heard} == {"pi-1"}
            assert {one.rssi_dbm for one in shop.heard} == {-60, -61, -62, -63, -64}

    run(work)


@pytest.mark.parametrize("mode", ["active", "passive"])
def test_bleak_alone_hears_next_to_nothing_on_the_same_bluez(bus: str, mode: str) -> None:
    async def work() -> None:
        bluez = await FakeBluez(bus, clock=fast_clock).start()
        heard = 0

        def count(_device: object, _data: object) -> None:
            nonlocal heard
            heard += 1

        patterns = [(0, 0xFF, b"\x4c\x00\x02\x15")]
        async with BleakScanner(count, scanning_mode=mode, bluez={"or_patterns": patterns}):  # type: ignore[arg-type,typeddict-item]
            await until(lambda: bluez.receive("C0:00:00:00:00:01", -60, APPLE, PAYLOAD) is not Told.NOTHING)
            for i in range(100):
                bluez.receive("C0:00:00:00:00:01", -60 - i % 5, APPLE, PAYLOAD)
            await asyncio.sleep(0.1)
        assert 1 <= heard <= 3
        bluez.crash()

    run(work)


async def bluetoothd_restarts(shop: Shop) -> None:
    await shop.bluez.restart()


async def bluetoothd_is_gone_for_a_while(shop: Shop) -> None:
    adapters = shop.bluez.crash()
    await shop.until(lambda: "bluetoothd" in shop.scanner.health().reason)
    await shop.bluez.start(adapters)


async def the_adapter_is_replugged(shop: Shop) -> None:
    shop.bluez.unplug("hci0")
    await shop.until(lambda: shop.scanner.health().state is ScannerState.ABSENT)
    shop.bluez.plug("hci0")


async def the_power_goes_off_and_on(shop: Shop) -> None:
    shop.bluez.power("hci0", False)
    await asyncio.sleep(0.2)
    shop.bluez.power("hci0", True)


async def the_power_goes_off(shop: Shop) -> None:
    shop.bluez.power("hci0", False)


async def the_radio_is_deaf(shop: Shop) -> None:
    shop.silent = True
    await shop.until(lambda: shop.scanner.health().resets > 0 or shop.scanner.health().power_cycles > 0, 20)
    shop.silent = False


async def the_firmware_hangs(shop: Shop) -> None:
    shop.bluez.hung = shop.silent = True
    await shop.until(lambda: shop.scanner.health().failures >= 2, 20)
    shop.bluez.hung = shop.silent = False


@pytest.mark.parametrize(
    "disturbance",
    [
        bluetoothd_restarts,
        bluetoothd_is_gone_for_a_while,
        the_adapter_is_replugged,
        the_power_goes_off_and_on,
        the_power_goes_off,
        the_radio_is_deaf,
        the_firmware_hangs,
    ],
)
def test_the_scanner_hears_again_by_itself_after(bus: str, disturbance: Callable[[Shop], Awaitable[None]]) -> None:
    async def work() -> None:
        async with shop_on(bus) as shop:
            await shop.hears_again()
            await disturbance(shop)
            await shop.hears_again(20)
            health = shop.scanner.health()
            assert health.recoveries >= 1
            assert health.reason

    run(work)


def test_a_bluez_without_monitors_is_a_clear_reason_not_half_a_scanner(bus: str) -> None:
    async def work() -> None:
        async with shop_on(bus, experimental=False) as shop:
            await shop.until(lambda: shop.scanner.health().failures > 0)
            assert "--experimental" in shop.scanner.health().reason
            assert shop.heard == []

    run(work)


def test_bluez_memory_of_a_frame_is_not_heard_again_when_the_strength_alone_changes(bus: str) -> None:
    async def work() -> None:
        async with shop_on(bus) as shop:
            await shop.hears_again()
            shop.silent = True
            await asyncio.sleep(0.2)
            heard, other = len(shop.heard), shop.scanner.health().other
            for number in range(20):
                shop.bluez.rssi_alone("C0:00:00:00:00:01", -50 - number)
            await shop.until(lambda: shop.scanner.health().other >= other + 20)
            assert len(shop.heard) == heard
            shop.silent = False
            await shop.hears_again()

    run(work)


def test_nothing_stays_behind_when_the_scanner_is_ended(bus: str) -> None:
    async def work() -> None:
        async with shop_on(bus) as shop:
            await shop.hears_again()
            radio = shop.bluez.radios["hci0"]
            assert radio.monitors
            assert radio.discoveries
        assert not radio.monitors
        assert not radio.discoveries

    run(work)


def test_five_hundred_new_addresses_a_second_lose_no_beacon_and_are_forgotten(bus: str) -> None:
    async def work() -> None:
        async with shop_on(bus) as shop:
            await shop.hears_again()
            sent, heard = shop.sent, len(shop.heard)
            for number in range(5_000):
                address = "D0:00:00:00:" + number.to_bytes(2, "big").hex(":").upper()
                shop.bluez.receive(address, -70, 0x00E0 if number % 2 else APPLE, bytes(number % 28))
                if number % 20 == 0:
                    await asyncio.sleep(0.004)
            await shop.until(lambda: sum(one.payload == PAYLOAD for one in shop.heard[heard:]) >= shop.sent - sent - 3)
            assert shop.scanner.health().failures == 0
            kept = len(shop.bluez.radios["hci0"].devices)
            await shop.until(lambda: len(shop.bluez.radios["hci0"].devices) <= 10)
            assert kept > 10

    run(work)
