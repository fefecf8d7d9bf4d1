"""Reading an adapter through BlueZ with bleak: two scanners at once, which together hear everything.

An active scan alone hears 2 % of a beacon's advertisements: the kernel asks the controller for each device once per scan. A
passive monitor alone hears 20 %: BlueZ reports a change of RSSI only from 8 dB. The monitor makes the kernel drop the controller's
duplicate filter; the active scan's `DuplicateData` makes BlueZ report every advertisement, and `RSSI: -127` keeps that so in BlueZ
from commit e004414a1 (July 2026) on. The monitor needs `bluetoothd --experimental` or `Experimental = true` in main.conf.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from bleak import BleakScanner
from bleak.args.bluez import BlueZScannerArgs, OrPattern
from bleak.assigned_numbers import AdvertisementDataType
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.exc import BleakDBusError, BleakError

from gateway.model import Advertisement
from gateway.radio.bluez import Bluez, bluez_words
from gateway.radio.frames import APPLE_COMPANY_ID, IBEACON_PREFIX
from gateway.radio.health import Tally
from gateway.radio.sources import AdapterAbsentError, Hear, SourceError

START_TIMEOUT_S = 5.0
"""A healthy BlueZ answers in 0.3 s; a hung controller makes it wait for ever."""
STOP_TIMEOUT_S = 2.0
RSSI_LOWEST_DBM = -127

_PATTERN = OrPattern(0, AdvertisementDataType.MANUFACTURER_SPECIFIC_DATA, b"\x4c\x00\x02\x15")

_NOBODYS_SERVICE = "00000000-0000-0000-0000-000000000001"
"""bleak gives each of its scanners every advertisement; with this wish the monitor's lets go of them before any work is done."""


class BleakSource:
    """One adapter, by its name ("hci0") or address, through BlueZ. `backend` puts a simulated radio under the real
    bleak."""

    def __init__(
        self,
        scanner: str,
        adapter: str,
        *,
        clock: Callable[[], float],
        backend: type[BaseBleakScanner] | None = None,
    ) -> None:
        self.kind = "bleak pair" if backend is None else "simulated"
        self.broken: str | None = None
        self._scanner = scanner
        self._bluez = Bluez(adapter) if backend is None else None
        self._backend = backend
        self._clock = clock
        self._pair: list[BleakScanner] = []

    async def start(self, hear: Hear, tally: Tally) -> None:
        """See Source. Raises AdapterAbsentError when BlueZ doesn't have the adapter."""
        name = await self._bluez.powered_adapter() if self._bluez else "simulated"
        self.broken = None
        monitor: BlueZScannerArgs = {"adapter": name, "or_patterns": [_PATTERN]}
        discovery: BlueZScannerArgs = {"adapter": name, "filters": {"DuplicateData": True, "RSSI": RSSI_LOWEST_DBM}}
        heard = self._hearing(hear, tally)
        self._pair = [
            BleakScanner(None, [_NOBODYS_SERVICE], scanning_mode="passive", bluez=monitor, backend=self._backend),
            BleakScanner(heard, scanning_mode="active", bluez=discovery, backend=self._backend),
        ]
        try:
            for scanner in self._pair:
                async with asyncio.timeout(START_TIMEOUT_S):
                    await scanner.start()
            if self._bluez:
                await self._bluez.watch(name, self._lost)
        except TimeoutError as error:
            raise SourceError(f"BlueZ didn't start to scan within {START_TIMEOUT_S:.0f} s") from error
        except BleakDBusError as error:
            raise SourceError(bluez_words(str(error.dbus_error), error.dbus_error_details or "")) from error
        except (BleakError, OSError, EOFError) as error:
            raise (AdapterAbsentError if "not found" in str(error) else SourceError)(str(error)) from error

    async def stop(self) -> None:
        """See Source. What BlueZ says to it doesn't matter: after a restart of bluetoothd it knows of no scan."""
        if self._bluez:
            self._bluez.unwatch()
        pair, self._pair = self._pair, []
        for scanner in reversed(pair):
            with contextlib.suppress(BleakError, OSError, EOFError, TimeoutError, AssertionError):
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await scanner.stop()

    async def power_cycle(self) -> None:
        """See Source."""
        if self._bluez:
            await self._bluez.power_cycle()

    async def reset(self) -> None:
        """See Source."""
        if self._bluez:
            await self._bluez.reset()

    def _lost(self, reason: str) -> None:
        self.broken = reason

    def _hearing(self, hear: Hear, tally: Tally) -> Callable[[BLEDevice, AdvertisementData], None]:
        scanner, clock = self._scanner, self._clock

        def heard(device: BLEDevice, data: AdvertisementData) -> None:
            payload = _fresh_payload(data)
            if payload is None or not payload.startswith(IBEACON_PREFIX):
                tally.other += 1
            else:
                tally.heard += 1
                hear(Advertisement(clock(), scanner, device.address, data.rssi, payload))

        return heard


def _fresh_payload(data: AdvertisementData) -> bytes | None:
    """Return Apple's manufacturer data if this very advertisement carried it, and not BlueZ's memory of an earlier one.

    bleak shows all that is known of a device at each change, so at a change of its RSSI alone as well. Its record of a device has
    a new dictionary whenever manufacturer data comes; what is read is taken out of it, and so never read twice.
    """
    match data.platform_data:
        case (_, {"ManufacturerData": dict() as remembered}):
            payload = remembered.pop(APPLE_COMPANY_ID, None)
            return None if payload is None else bytes(payload)
        case (_, {"Adapter": _}):
            return None
    return data.manufacturer_data.get(APPLE_COMPANY_ID)
