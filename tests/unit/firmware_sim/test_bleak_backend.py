"""The simulated radio under the real bleak."""

from __future__ import annotations

import asyncio

import pytest
from bleak import BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakError

from firmware_sim.bleak_backend import SimulatedAdapter
from gateway.model import Advertisement

PAYLOAD = bytes.fromhex("0215e2c56db5dffb48d2b060d0f5a71096e000010001c5")
ON_AIR = Advertisement(1.0, "anywhere", "C0:00:00:00:00:01", -63, PAYLOAD)


class Listener:
    def __init__(self, adapter: SimulatedAdapter) -> None:
        self.heard: list[tuple[str, int, dict[int, bytes]]] = []
        self.scanner = BleakScanner(self._heard, backend=adapter.backend())

    def _heard(self, device: BLEDevice, data: AdvertisementData) -> None:
        self.heard.append((device.address, data.rssi, data.manufacturer_data))


def test_what_is_on_the_air_reaches_a_bleak_callback_with_its_strength_and_data() -> None:
    async def work() -> None:
        adapter = SimulatedAdapter()
        listener = Listener(adapter)
        adapter.push(ON_AIR)
        await listener.scanner.start()
        adapter.push(ON_AIR)
        adapter.push(ON_AIR._replace(payload=b""))
        await listener.scanner.stop()
        adapter.push(ON_AIR)
        assert listener.heard == [("C0:00:00:00:00:01", -63, {0x4C: PAYLOAD}), ("C0:00:00:00:00:01", -63, {})]
        assert adapter.listening == 0

    asyncio.run(work())


def test_two_adapters_do_not_hear_each_other() -> None:
    async def work() -> None:
        one, two = SimulatedAdapter(), SimulatedAdapter()
        listener = Listener(two)
        await listener.scanner.start()
        one.push(ON_AIR)
        assert listener.heard == []

    asyncio.run(work())


def test_memory_does_not_grow_with_the_number_of_addresses() -> None:
    async def work() -> None:
        adapter = SimulatedAdapter()
        listener = Listener(adapter)
        await listener.scanner.start()
        for number in range(1000):
            adapter.push(ON_AIR._replace(address=f"C0:00:00:00:{number >> 8:02X}:{number & 255:02X}"))
        assert len(listener.heard) == 1000
        assert listener.scanner.discovered_devices == []

    asyncio.run(work())


@pytest.mark.parametrize(("fault", "said"), [({"absent": True}, "not found"), ({"failing": "InProgress"}, "InProgress")])
def test_a_disturbed_adapter_refuses_to_start_as_bluez_would(fault: dict[str, object], said: str) -> None:
    async def work() -> None:
        adapter = SimulatedAdapter()
        for name, value in fault.items():
            setattr(adapter, name, value)
        with pytest.raises(BleakError, match=said):
            await Listener(adapter).scanner.start()

    asyncio.run(work())


def test_a_forgotten_scan_is_silent_and_its_stop_raises() -> None:
    async def work() -> None:
        adapter = SimulatedAdapter()
        listener = Listener(adapter)
        await listener.scanner.start()
        adapter.forget()
        adapter.push(ON_AIR)
        assert listener.heard == []
        with pytest.raises(BleakError, match="DoesNotExist"):
            await listener.scanner.stop()

    asyncio.run(work())


def test_a_deaf_radio_hears_nothing_and_says_nothing() -> None:
    async def work() -> None:
        adapter = SimulatedAdapter()
        listener = Listener(adapter)
        await listener.scanner.start()
        adapter.deaf = True
        adapter.push(ON_AIR)
        adapter.deaf = False
        adapter.push(ON_AIR)
        assert len(listener.heard) == 1

    asyncio.run(work())
