"""Kernels and adapters that can't do what is asked: the reason that is shown names the cause, in words."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from gateway.radio import mgmt_protocol, mgmt_source
from gateway.radio.health import ScannerHealth
from gateway.radio.mgmt_source import MgmtSource
from gateway.radio.quality import QualityMeter
from gateway.radio.scanners import AdapterScanner
from tests.support.mgmt_kernel import ADDRESS, MgmtKernel

ADVERTISING_DATA = b"\x1a\xff\x4c\x00" + bytes.fromhex("0215e2c56db5dffb48d2b060d0f5a71096e000010001c5")
UNKNOWN_COMMAND, NO_RESOURCES = 0x01, 0x07
SET_DEFAULT_SYSTEM_CONFIGURATION, INVALID_PARAMETERS = 0x4C, 0x0D


def listen(patch: pytest.MonkeyPatch, adapter: str, kernel: MgmtKernel, done: Callable[[ScannerHealth], bool]) -> ScannerHealth:
    """Listen to a kernel until the scanner's health is as wanted; return it as it is then, or after ten seconds."""

    async def run() -> ScannerHealth:
        scanner = AdapterScanner("pi-1", MgmtSource("pi-1", adapter, clock=time.time), QualityMeter(frozenset()))
        task = asyncio.create_task(scanner.listen(lambda _advertisement: None))
        try:
            for _ in range(200):
                await asyncio.sleep(0.05)
                kernel.advertise(ADVERTISING_DATA)
                if done(scanner.health()):
                    break
            return scanner.health()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            kernel.close()

    patch.setattr(mgmt_source, "management_socket", kernel.open)
    patch.setattr(mgmt_source, "COMMAND_TIMEOUT_S", 0.3)
    return asyncio.run(run())


@pytest.mark.parametrize("status", [UNKNOWN_COMMAND, NO_RESOURCES])
def test_a_kernel_without_room_for_monitors_is_said_in_words(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = MgmtKernel(0)
    kernel.refuses.update({mgmt_protocol.ADD_PATTERNS_MONITOR: status})
    health = listen(monkeypatch, "hci0", kernel, lambda health: bool(health.reason))
    assert health.reason
    assert "status 0x" not in health.reason


def test_an_adapter_named_by_its_address_is_found_under_its_new_number(monkeypatch: pytest.MonkeyPatch) -> None:
    address = ADDRESS[::-1].hex(":").upper()
    assert listen(monkeypatch, address, MgmtKernel(1), lambda health: health.heard > 0).heard > 0


def test_an_adapter_named_by_a_number_that_is_gone_is_said_to_be_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    health = listen(monkeypatch, "hci0", MgmtKernel(1), lambda health: bool(health.reason))
    assert "no adapter hci0" in health.reason


def test_a_kernel_that_refuses_scan_timings_is_listened_to_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = MgmtKernel(0)
    kernel.refuses.update({SET_DEFAULT_SYSTEM_CONFIGURATION: INVALID_PARAMETERS})
    assert listen(monkeypatch, "hci0", kernel, lambda health: health.heard > 0).heard > 0
