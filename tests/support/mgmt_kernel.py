"""The kernel's end of the Bluetooth management channel, simulated: one adapter, commands answered, advertisements sent."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from socket import AF_UNIX, SOCK_SEQPACKET, socket, socketpair

from gateway.radio import mgmt_protocol as mgmt

ADDRESS = bytes.fromhex("01000001aa00")
OK = 0x00
NEED_THE_CHIP = {mgmt.SET_POWERED, mgmt.SET_LE, mgmt.ADD_PATTERNS_MONITOR, mgmt.REMOVE_MONITOR}
"""A hung chip answers none of these; what the kernel knows by itself it goes on telling."""


class MgmtKernel:
    """One adapter, hci<index>. `present`, `powered`, `hung`, `refuses` (opcode → status) are the disturbances."""

    def __init__(self, index: int = 0) -> None:
        self.index = index
        self.present = self.powered = True
        self.hung = False
        self.refuses: dict[int, int] = {}
        self.commands: list[int] = []
        self.monitors: set[int] = set()
        self._next_handle = 1
        self._sockets: list[socket] = []

    def open(self) -> socket:
        """A new management socket, non-blocking, as the gateway opens one."""
        ours, theirs = socketpair(AF_UNIX, SOCK_SEQPACKET)
        for one in (ours, theirs):
            one.setblocking(False)
        self._sockets.append(ours)
        asyncio.get_running_loop().add_reader(ours.fileno(), self._command, ours)
        return theirs

    def event(self, code: int, body: bytes, index: int | None = None) -> None:
        """Sends an event to every open socket."""
        packet = mgmt.HEADER.pack(code, self.index if index is None else index, len(body)) + body
        for one in self._sockets:
            with contextlib.suppress(BrokenPipeError):  # closed by the other side, and not yet noticed here
                one.send(packet)

    def advertise(self, data: bytes, rssi_dbm: int = -60, address: bytes = bytes.fromhex("0100000000c0")) -> None:
        """One advertisement, told if the adapter listens."""
        if self.powered and self.present and self.monitors:
            self.event(mgmt.DEVICE_FOUND, address + struct.pack("<BbIH", 2, rssi_dbm, 0, len(data)) + data)

    def unplug(self) -> None:
        """The adapter is gone."""
        self.present = False
        self.monitors.clear()
        self.event(mgmt.INDEX_REMOVED, b"")

    def power_off(self) -> None:
        """Somebody switches the adapter off."""
        self.powered = False
        self.event(mgmt.NEW_SETTINGS, struct.pack("<I", mgmt.LE_BIT))

    def clear_monitors(self) -> None:
        """A bluetoothd starts and clears the adapter."""
        self.monitors.clear()
        self.event(mgmt.MONITOR_REMOVED, mgmt.ALL_MONITORS)

    def close(self) -> None:
        """The end."""
        for one in self._sockets:
            asyncio.get_running_loop().remove_reader(one.fileno())
            one.close()
        self._sockets.clear()

    def _command(self, ours: socket) -> None:
        packet = ours.recv(4096)
        if not packet:
            asyncio.get_running_loop().remove_reader(ours.fileno())
            self._sockets.remove(ours)
            ours.close()
            return
        opcode, index, _ = mgmt.HEADER.unpack_from(packet)
        self.commands.append(opcode)
        if self.hung and opcode in NEED_THE_CHIP:
            return
        status, reply = self._carried_out(opcode, index, packet[6:])
        body = struct.pack("<HB", opcode, status) + reply
        ours.send(mgmt.HEADER.pack(mgmt.COMMAND_COMPLETE, index, len(body)) + body)

    def _carried_out(self, opcode: int, index: int, parameters: bytes) -> tuple[int, bytes]:
        if opcode == mgmt.READ_INDEX_LIST:
            indexes = [self.index] if self.present else []
            return OK, struct.pack(f"<H{len(indexes)}H", len(indexes), *indexes)
        if not self.present or index != self.index:
            return mgmt.INVALID_INDEX, b""
        if opcode in self.refuses:
            return self.refuses[opcode], b""
        if opcode == mgmt.READ_INFO:
            settings = mgmt.LE_BIT | (mgmt.POWERED_BIT if self.powered else 0)
            return OK, ADDRESS + bytes([9, 0, 0]) + struct.pack("<II", 0x1FFFF, settings) + bytes(263)
        if opcode == mgmt.SET_POWERED:
            self.powered = bool(parameters[0])
            return OK, struct.pack("<I", 0)
        if opcode == mgmt.ADD_PATTERNS_MONITOR:
            handle, self._next_handle = self._next_handle, self._next_handle + 1
            self.monitors.add(handle)
            return OK, struct.pack("<H", handle)
        if opcode == mgmt.REMOVE_MONITOR:
            self.monitors.discard(int.from_bytes(parameters[:2], "little"))
        return OK, b""
