"""The management socket's scanner against a simulated kernel, over a real socket."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from gateway.model import Advertisement
from gateway.radio import mgmt_protocol as mgmt
from gateway.radio import mgmt_source
from gateway.radio.quality import QualityMeter
from gateway.radio.scanners import AdapterScanner
from gateway.radio.sources import SourceError
from gateway.radio.watchdog import ScannerState
from tests.support.mgmt_kernel import MgmtKernel

PAYLOAD = bytes.fromhex("0215e2c56db5dffb48d2b060d0f5a71096e000010001c5")
IBEACON = bytes([2, 1, 6, 26, 0xFF, 0x4C, 0]) + PAYLOAD
OTHER = bytes([2, 1, 6, 5, 0xFF, 0xE0, 0, 1, 2])
SPEED = 10.0


def fast_clock() -> float:
    return time.monotonic() * SPEED


async def until(condition: Callable[[], bool], limit_s: float = 10.0) -> None:
    """Waits for a condition of the outside world; fails at the limit."""
    async with asyncio.timeout(limit_s):
        while not condition():  # noqa: ASYNC110 - nobody tells us when it comes true
            await asyncio.sleep(0.01)


class Shop:
    """A scanner on a simulated kernel, with an air of beacons and other traffic."""

    def __init__(self, adapter: str) -> None:
        self.kernel = MgmtKernel()
        self.heard: list[Advertisement] = []
        self.silent = False
        self.sent = 0
        source = mgmt_source.MgmtSource("pi-1", adapter, clock=lambda: 1000.0)
        self.scanner = AdapterScanner("pi-1", source, QualityMeter(frozenset()), monotonic=fast_clock)

    async def air(self) -> None:
        while True:
            await asyncio.sleep(0.01)
            if not self.silent:
                self.kernel.advertise(IBEACON)
                self.kernel.advertise(OTHER)

    async def hears_again(self, limit_s: float = 10.0) -> None:
        target = len(self.heard) + 20
        await until(lambda: len(self.heard) >= target and self.scanner.health().state is ScannerState.HEARING, limit_s)


@pytest.fixture(autouse=True)
def fast_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.radio.scanners.TICK_S", 0.5 / SPEED)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Runs a story in a shop whose adapter is read by the management socket."""

    @asynccontextmanager
    async def shop_with(adapter: str) -> AsyncIterator[Shop]:
        shop = Shop(adapter)
        monkeypatch.setattr(mgmt_source, "management_socket", shop.kernel.open)
        monkeypatch.setattr(mgmt_source, "reset_controller", lambda _index: setattr(shop.kernel, "hung", False))
        monkeypatch.setattr(mgmt_source, "COMMAND_TIMEOUT_S", 0.2)
        tasks = [asyncio.create_task(shop.scanner.listen(shop.heard.append)), asyncio.create_task(shop.air())]
        try:
            yield shop
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            shop.kernel.close()

    def call(story: Callable[[Shop], Awaitable[None]], adapter: str = "hci0") -> None:
        async def told() -> None:
            async with asyncio.timeout(40), shop_with(adapter) as shop:
                await story(shop)

        asyncio.run(told())

    return call


@pytest.mark.parametrize("adapter", ["hci0", "00:AA:01:00:00:01", "00:aa:01:00:00:01"])
def test_an_adapter_is_heard_by_name_or_by_address(run: Callable[..., None], adapter: str) -> None:
    async def story(shop: Shop) -> None:
        await shop.hears_again()
        assert shop.heard[0] == Advertisement(1000.0, "pi-1", "", -60, PAYLOAD)
        assert shop.scanner.health().other > 0

    run(story, adapter)


def test_an_adapter_that_is_off_is_switched_on(run: Callable[..., None]) -> None:
    async def story(shop: Shop) -> None:
        shop.kernel.powered = False
        await shop.hears_again()
        assert mgmt.SET_POWERED in shop.kernel.commands

    run(story)


async def bluetoothd_starts(shop: Shop) -> None:
    shop.kernel.clear_monitors()


async def the_stick_is_replugged(shop: Shop) -> None:
    shop.kernel.unplug()
    await until(lambda: shop.scanner.health().state is ScannerState.ABSENT)
    shop.kernel.present = True


async def the_power_goes_off(shop: Shop) -> None:
    shop.kernel.power_off()


async def the_radio_is_deaf(shop: Shop) -> None:
    shop.silent = True
    await until(lambda: shop.scanner.health().power_cycles > 0, 20)
    shop.silent = False


async def the_firmware_hangs(shop: Shop) -> None:
    shop.silent = shop.kernel.hung = True
    await until(lambda: shop.scanner.health().resets > 0, 20)
    shop.silent = False


async def the_controller_reports_a_fault(shop: Shop) -> None:
    shop.kernel.event(mgmt.CONTROLLER_ERROR, b"\x01")


@pytest.mark.parametrize(
    "disturbance",
    [
        bluetoothd_starts,
        the_stick_is_replugged,
        the_power_goes_off,
        the_radio_is_deaf,
        the_firmware_hangs,
        the_controller_reports_a_fault,
    ],
)
def test_the_scanner_hears_again_by_itself_after(run: Callable[..., None], disturbance: Callable[[Shop], Awaitable[None]]) -> None:
    async def story(shop: Shop) -> None:
        await shop.hears_again()
        await disturbance(shop)
        await until(lambda: shop.scanner.health().recoveries > 0, 20)
        await shop.hears_again(20)
        assert shop.scanner.health().reason

    run(story)


@pytest.mark.parametrize(("status", "words"), [(0x14, "CAP_NET_ADMIN"), (0x12, "rfkill"), (0x77, "status 0x77")])
def test_what_the_kernel_refuses_is_said_in_words(run: Callable[..., None], status: int, words: str) -> None:
    async def story(shop: Shop) -> None:
        shop.kernel.refuses[mgmt.ADD_PATTERNS_MONITOR] = status
        await until(lambda: shop.scanner.health().failures > 0)
        assert words in shop.scanner.health().reason

    run(story)


def test_packets_that_break_their_own_lengths_are_counted_and_nothing_else(run: Callable[..., None]) -> None:
    async def story(shop: Shop) -> None:
        await shop.hears_again()
        for length in range(24):
            shop.kernel.event(mgmt.DEVICE_FOUND, bytes(length))
            shop.kernel.event(mgmt.MONITOR_DEVICE_FOUND, b"\xff" * length)
            shop.kernel.event(0x7777, bytes(length))
            shop.kernel.event(mgmt.COMMAND_COMPLETE, bytes(length))
        await shop.hears_again()
        assert shop.scanner.health().malformed >= 20
        assert shop.scanner.health().failures == 0

    run(story)


def test_another_adapters_advertisements_are_not_ours(run: Callable[..., None]) -> None:
    async def story(shop: Shop) -> None:
        await shop.hears_again()
        shop.silent = True
        await asyncio.sleep(0.1)
        before = len(shop.heard)
        shop.kernel.index = 1
        shop.kernel.advertise(IBEACON)
        await asyncio.sleep(0.1)
        assert len(shop.heard) == before

    run(story)


def test_no_monitor_stays_behind_when_the_scanner_is_ended(run: Callable[..., None]) -> None:
    kernels: list[MgmtKernel] = []

    async def story(shop: Shop) -> None:
        await shop.hears_again()
        assert shop.kernel.monitors
        kernels.append(shop.kernel)

    run(story)
    assert not kernels[0].monitors


def test_a_kernel_without_bluetooth_sockets_is_a_reason_not_a_crash(
    run: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop) -> None:
        def none() -> None:
            raise SourceError("this kernel has no Bluetooth sockets here")

        await shop.hears_again()
        monkeypatch.setattr(mgmt_source, "management_socket", none)
        shop.kernel.power_off()
        await until(lambda: shop.scanner.health().failures > 0)
        assert "no Bluetooth sockets" in shop.scanner.health().reason

    run(story)
