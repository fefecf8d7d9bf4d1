"""The guest's virtual controller: Bumble answers the kernel's HCI commands on /dev/vhci, and here we choose what is on the air.

It is strict where a chip is: with Filter_Duplicates each beacon is reported once per scan; a chip that hangs answers nothing and
reports nothing. Commands come as JSON datagrams on /run/air.sock, counters stand in /run/air.json four times a second.

    {"beacons": 10, "hz": 5, "junk_per_s": 0}    what is on the air
    {"deaf": true}     the radio hears nothing, the chip answers       {"hang": true}     the chip answers nothing
    {"plugged": false} the stick is pulled out
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import socket
import struct
import time
from pathlib import Path
from typing import Any

from bumble import hci, link
from bumble.controller import Controller
from bumble.transport import open_transport

SHOP_UUID = bytes(range(16))
SOCKET, COUNTERS = Path("/run/air.sock"), Path("/run/air.json")
STEP_S = 0.005
COUNTERS_EVERY_S = 0.25
SCATTER_DB = 4.0
NON_CONNECTABLE, LEGACY_NON_CONNECTABLE = 3, 0x10
EXTENDED = hci.LeFeatureMask.LE_EXTENDED_ADVERTISING


def beacon(minor: int) -> bytes:
    """Return what a shop's beacon sends: flags and an iBeacon frame."""
    return bytes([2, 1, 6, 26, 0xFF, 0x4C, 0, 2, 0x15]) + SHOP_UUID + struct.pack(">HHb", 1, minor, -59)


def junk(number: int) -> bytes:
    """Manufacturer data of every length from none to a full packet, Apple's and others', truthful and lying about its length."""
    length = number % 32
    company = b"\x4c\x00" if number % 3 else b"\xe0\x00"
    field = (company + b"\x02\x15" + os.urandom(27))[: max(length - 1, 0)]
    claimed = length if number % 5 else min(length + 7, 255)
    return (bytes([claimed, 0xFF]) + field)[:31]


class Chip(Controller):  # type: ignore[misc]  # bumble has no types
    """A controller that reports what `hear` is told."""

    deaf = hung = False
    sent = 0
    listens = 0.0
    """Scan window / scan interval, as the kernel set them last."""
    seen: dict[Any, bytes]

    def hear(self, address: Any, data: bytes, rssi_dbm: int) -> None:
        """One packet reaches the antenna."""
        if self.deaf or self.hung or not self.le_scan_enable:
            return
        if self.filter_duplicates:
            if self.seen.get(address) == data:
                return
            self.seen[address] = data
        if self.le_features & EXTENDED:
            report = hci.HCI_LE_Extended_Advertising_Report_Event.Report(
                event_type=LEGACY_NON_CONNECTABLE, address_type=1, address=address, primary_phy=1, secondary_phy=0,
                advertising_sid=0xFF, tx_power=0x7F, rssi=rssi_dbm, periodic_advertising_interval=0, direct_address_type=0,
                direct_address=hci.Address.ANY, data=data,
            )  # fmt: skip
            self.send_hci_packet(hci.HCI_LE_Extended_Advertising_Report_Event([report]))
        else:
            plain = hci.HCI_LE_Advertising_Report_Event.Report(
                event_type=NON_CONNECTABLE, address_type=1, address=address, data=data, rssi=rssi_dbm
            )
            self.send_hci_packet(hci.HCI_LE_Advertising_Report_Event([plain]))
        self.sent += 1

    def on_hci_command_packet(self, packet: Any) -> Any:
        """A hung chip lets the kernel's commands time out; a new scan forgets what was reported."""
        if self.hung:
            return None
        if packet.name.endswith("SCAN_ENABLE_COMMAND"):
            self.seen = {}
        elif packet.name.endswith("SET_EXTENDED_SCAN_PARAMETERS_COMMAND"):
            self.listens = packet.scan_windows[0] / packet.scan_intervals[0]
        elif packet.name.endswith("SET_SCAN_PARAMETERS_COMMAND"):
            self.listens = packet.le_scan_window / packet.le_scan_interval
        return super().on_hci_command_packet(packet)


class Bus:
    """The way from the chip to the kernel. While the kernel has the adapter down it refuses every write: that packet is lost, as on
    USB. asyncio's own pipe would take it for the end of the stick.
    """

    def __init__(self, sink: Any) -> None:
        self._pipe = sink.transport.get_extra_info("pipe")

    def on_packet(self, packet: bytes) -> None:
        """One HCI packet of the chip's."""
        with contextlib.suppress(OSError):
            os.write(self._pipe.fileno(), packet)


class Air:
    """What is on the air, and the stick that hears it."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {"beacons": 10, "hz": 5.0, "junk_per_s": 0, "deaf": False, "hang": False, "plugged": True}
        self.on_air = self.sent_before = self.junk_sent = 0
        self.chip: Chip | None = None
        self.transport: Any = None
        self.random = random.Random(7)
        self.power_dbm = [self.random.uniform(-80, -55) for _ in range(1000)]

    async def obey(self, command: dict[str, Any]) -> None:
        """One command."""
        self.state.update(command)
        if self.state["plugged"] and self.chip is None:
            await self.plug()
        elif not self.state["plugged"] and self.chip is not None:
            self.sent_before += self.chip.sent
            self.chip = None
            await self.transport.close()
        if self.chip is not None:
            self.chip.deaf, self.chip.hung = self.state["deaf"], self.state["hang"]

    async def plug(self) -> None:
        """A new stick, as the kernel sees it."""
        self.transport = await open_transport("vhci")
        chip = Chip(
            "chip", host_source=self.transport.source, host_sink=Bus(self.transport.sink), link=link.LocalLink(),
            public_address="00:AA:01:00:00:01",
        )  # fmt: skip
        chip.seen = {}
        self.chip = chip

    async def transmit(self) -> None:
        """Everything that is due, at its time."""
        next_beacon_s = next_junk_s = last_counters_s = time.monotonic()
        number = 0
        while True:
            now_s, state = time.monotonic(), self.state
            per_s = state["beacons"] * state["hz"]
            next_beacon_s = max(next_beacon_s, now_s - 1.0) if per_s else now_s
            while per_s and next_beacon_s <= now_s:
                next_beacon_s += 1 / per_s
                number += 1
                self.send_beacon(number % state["beacons"])
            next_junk_s = max(next_junk_s, now_s - 0.1) if state["junk_per_s"] else now_s
            while state["junk_per_s"] and next_junk_s <= now_s:
                next_junk_s += 1 / state["junk_per_s"]
                self.send_junk()
            if now_s - last_counters_s >= COUNTERS_EVERY_S:
                last_counters_s = now_s
                self.write_counters()
            await asyncio.sleep(STEP_S)

    def send_beacon(self, minor: int) -> None:
        """One packet of one of the shop's beacons."""
        self.on_air += 1
        if self.chip is not None:
            rssi_dbm = max(-127, min(20, int(self.random.gauss(self.power_dbm[minor], SCATTER_DB))))
            address = hci.Address(f"C0:00:00:00:{minor >> 8:02X}:{minor & 255:02X}", 1)
            self.chip.hear(address, beacon(minor), rssi_dbm)

    def send_junk(self) -> None:
        """One packet from an address that was never seen before."""
        self.junk_sent += 1
        if self.chip is not None:
            address = hci.Address("D0:" + ":".join(f"{byte:02X}" for byte in (self.junk_sent).to_bytes(5, "big")), 1)
            self.chip.hear(address, junk(self.junk_sent), -70)

    def write_counters(self) -> None:
        """The counters, in one piece."""
        sent = self.sent_before + (self.chip.sent if self.chip else 0)
        temporary = COUNTERS.with_suffix(".new")
        temporary.write_text(
            json.dumps(
                {
                    "on_air": self.on_air,
                    "to_kernel": sent,
                    "junk": self.junk_sent,
                    "listens": self.chip.listens if self.chip else 0.0,
                }
            )
        )
        temporary.rename(COUNTERS)


async def main() -> None:
    """Runs until killed."""
    air = Air()
    await air.plug()
    control = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    control.bind(str(SOCKET))
    loop = asyncio.get_running_loop()
    transmitting = asyncio.create_task(air.transmit())
    while not transmitting.done():
        await air.obey(json.loads(await loop.sock_recv(control, 4096)))


if __name__ == "__main__":
    asyncio.run(main())
