"""What a kernel and a BlueZ make of the packets at one adapter's antenna: which of them an application is told of. Pure.

The rules, each measured on the real thing in the guest (`make test-radio`):

1. An adapter hears while it is powered and something scans: a discovery, or an advertisement monitor.
2. A discovery scans for 10 s and pauses for 4; a monitor scans all the time.
3. Without a monitor the controller filters duplicates: one report per beacon and scan. Any monitor lifts that.
4. With a monitor alone, only what matches its pattern counts.
5. A device is announced once. After that BlueZ tells of it when its data changed or its RSSI did by 8 dB or more, or of
   every reception when a discovery asked for `DuplicateData` (newer versions: and for an `RSSI` limit too).
6. A device that isn't heard for 30 s is forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

SCAN_S, PAUSE_S = 10.0, 4.0
RSSI_THRESHOLD_DB = 8
FORGET_S = 30.0


class Told(Enum):
    """What the application learns of one packet."""

    NOTHING = "nothing"
    NEW = "a new device"
    CHANGED = "a change"


@dataclass(slots=True)
class _Device:
    told_rssi_dbm: int
    data: bytes
    heard_s: float


@dataclass(slots=True)
class Radio:
    """One adapter: who scans, and what was heard."""

    powered: bool = True
    newer: bool = False
    """BlueZ from commit e004414a1 (July 2026) on, where `DuplicateData` needs an `RSSI` limit beside it."""
    discoveries: dict[str, dict[str, object]] = field(default_factory=dict)
    """Client → its discovery filter."""
    monitors: dict[tuple[str, str], list[bytes]] = field(default_factory=dict)
    """Client and path → patterns on manufacturer data."""
    devices: dict[str, _Device] = field(default_factory=dict)
    _scan_begun_s: float = 0.0
    _reported: dict[str, bytes] = field(default_factory=dict)

    def discovery_begins(self, client: str, wanted: dict[str, object], now_s: float) -> None:
        """A client's discovery; the first one begins a scan."""
        if not self.discoveries:
            self._scan_begun_s = now_s
            self._reported.clear()
        self.discoveries[client] = wanted

    def scans_end(self) -> None:
        """Power off: discoveries end for good, monitors wait for the power."""
        self.discoveries.clear()

    def hear(self, address: str, rssi_dbm: int, data: bytes, now_s: float) -> Told:
        """One packet at the antenna. `data`: manufacturer data with its company id in front."""
        if not self._reaches_bluez(address, data, now_s):
            return Told.NOTHING
        device = self.devices.get(address)
        if device is None:
            self.devices[address] = _Device(rssi_dbm, data, now_s)
            return Told.NEW
        device.heard_s = now_s
        told = device.data != data or abs(rssi_dbm - device.told_rssi_dbm) >= RSSI_THRESHOLD_DB or self._wants_all()
        if told:
            device.told_rssi_dbm, device.data = rssi_dbm, data
        return Told.CHANGED if told else Told.NOTHING

    def forgotten(self, now_s: float) -> list[str]:
        """Addresses that BlueZ forgets now."""
        gone = [address for address, device in self.devices.items() if now_s - device.heard_s > FORGET_S]
        for address in gone:
            del self.devices[address]
        return gone

    def _reaches_bluez(self, address: str, data: bytes, now_s: float) -> bool:
        if not self.powered:
            return False
        if self.monitors:
            matched = any(data.startswith(pattern) for patterns in self.monitors.values() for pattern in patterns)
            return matched or bool(self.discoveries)
        if not self.discoveries or self._pausing(now_s) or self._reported.get(address) == data:
            return False
        self._reported[address] = data
        return True

    def _pausing(self, now_s: float) -> bool:
        """Whether the discovery pauses now; a new scan begins with an empty duplicate filter."""
        while now_s - self._scan_begun_s >= SCAN_S + PAUSE_S:
            self._scan_begun_s += SCAN_S + PAUSE_S
            self._reported.clear()
        return now_s - self._scan_begun_s >= SCAN_S

    def _wants_all(self) -> bool:
        return any(wanted.get("DuplicateData") and (not self.newer or "RSSI" in wanted) for wanted in self.discoveries.values())
