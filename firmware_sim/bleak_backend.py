"""A radio under the real bleak: a scanner backend that hears what the simulated shop puts on the air.

`BleakScanner(backend=…)` takes any subclass of its base scanner; so everything from bleak's public API upwards is the
real thing.
"""

from __future__ import annotations

from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback, BaseBleakScanner
from bleak.exc import BleakError

from gateway.model import Advertisement

_APPLE = 0x004C


class SimulatedAdapter:
    """One adapter: `push` an advertisement and every scanner that was started on it hears it.

    `absent`, `deaf` and `failing` are the disturbances; set them and take them away while scanners run.
    """

    def __init__(self) -> None:
        self.absent = False
        self.deaf = False
        self.failing: str | None = None
        self.starts = 0
        self._listening: list[_SimulatedScanner] = []

    @property
    def listening(self) -> int:
        """Return how many scanners run on it."""
        return len(self._listening)

    def backend(self) -> type[BaseBleakScanner]:
        """The backend class for `BleakScanner(backend=…)` that hears this adapter."""
        return type("SimulatedScanner", (_SimulatedScanner,), {"adapter": self})

    def push(self, advertisement: Advertisement) -> None:
        """Puts one advertisement on the air. Its time and scanner don't travel by radio: the scanner has its own."""
        data = AdvertisementData(
            local_name=None,
            manufacturer_data={_APPLE: advertisement.payload} if advertisement.payload else {},
            service_data={},
            service_uuids=[],
            tx_power=None,
            rssi=advertisement.rssi_dbm,
            platform_data=(),
        )
        if self.deaf:
            return
        device = BLEDevice(advertisement.address, None, None)
        for scanner in tuple(self._listening):
            scanner.call_detection_callbacks(device, data)

    def forget(self) -> None:
        """Every scan ends without a word, as after a restart of bluetoothd or a replugged adapter."""
        self._listening.clear()

    def started(self, scanner: _SimulatedScanner) -> None:
        """A scanner asks to listen. Raises BleakError as BlueZ would."""
        if self.absent:
            raise BleakError("adapter 'simulated' not found")
        if self.failing:
            raise BleakError(self.failing)
        self.starts += 1
        self._listening.append(scanner)

    def stopped(self, scanner: _SimulatedScanner) -> None:
        """A scanner ends. Raises BleakError when the adapter forgot it."""
        if scanner not in self._listening:
            raise BleakError("[org.bluez.Error.DoesNotExist] Does Not Exist")
        self._listening.remove(scanner)


class _SimulatedScanner(BaseBleakScanner):
    adapter: SimulatedAdapter

    def __init__(
        self, detection_callback: AdvertisementDataCallback | None, service_uuids: list[str] | None, _mode: str, **_: object
    ) -> None:
        super().__init__(detection_callback, service_uuids)

    async def start(self) -> None:
        self.adapter.started(self)

    async def stop(self) -> None:
        self.adapter.stopped(self)
