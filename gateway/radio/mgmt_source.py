"""Reading an adapter from the kernel's management socket: every advertisement the kernel hears, without D-Bus and
without bluetoothd.

An advertisement monitor on the iBeacon prefix makes the kernel scan passively, all the time, without duplicate filter.
Kernels without offloaded monitors report all other traffic too, which serves as a sign of life. Needs CAP_NET_ADMIN;
works beside bluetoothd.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

from gateway.model import Advertisement
from gateway.radio import mgmt_protocol
from gateway.radio.frames import IBEACON_FIELD
from gateway.radio.hci import management_socket, reset_controller
from gateway.radio.health import Tally
from gateway.radio.sources import AdapterAbsentError, Hear, SourceError, UnsupportedError

COMMAND_TIMEOUT_S = 4.0
"""The kernel itself gives a controller 2 s for each HCI command."""
POWER_OFF_S = 0.5
PACKET_MAX_BYTES = 4096
POLL_S = 0.04
"""Most of an advertisement's cost is waking up for it: at 500 a second, one turn for twenty is a tenth of the CPU. A reception may
count as 40 ms later than it was, which is nothing beside a beacon's interval."""
PACKETS_PER_POLL = 256
"""Then the loop's other tasks get a turn; the rest waits in the socket's buffer."""


class MgmtSource:
    """One adapter, by name ("hci0") or address, through the kernel's management socket."""

    kind = "mgmt"

    def __init__(self, scanner: str, adapter: str, *, clock: Callable[[], float]) -> None:
        self.broken: str | None = None
        self._scanner = scanner
        self._adapter = adapter.lower()
        self._clock = clock
        self._socket: socket.socket | None = None
        self._poll: asyncio.TimerHandle | None = None
        self._index = mgmt_protocol.NO_INDEX
        self._monitor = b""
        self._waiting: dict[tuple[int, int], asyncio.Future[tuple[int, bytes]]] = {}
        self._hear: Hear | None = None
        self._heads: tuple[bytes, ...] = ()
        """How reports begin of what our adapter heard; none while it isn't to listen."""
        self._tally = Tally()

    async def start(self, hear: Hear, tally: Tally) -> None:
        """See Source."""
        self._open()
        self._index, settings = await self._find()
        if not settings & mgmt_protocol.LE_BIT:
            await self._command(mgmt_protocol.SET_LE, b"\x01")
        if not settings & mgmt_protocol.POWERED_BIT:
            await self._command(mgmt_protocol.SET_POWERED, b"\x01")
        with contextlib.suppress(SourceError):  # kernels before 5.9 don't know it; main.conf may still ask for it
            await self._command(mgmt_protocol.SET_DEFAULTS, mgmt_protocol.continuous_listening())
        self._monitor = (await self._command(mgmt_protocol.ADD_PATTERNS_MONITOR, mgmt_protocol.ibeacon_monitor()))[:2]
        self._listen(hear, tally)
        self.broken = None

    def _listen(self, hear: Hear, tally: Tally) -> None:
        self._hear, self._tally, self._heads = hear, tally, mgmt_protocol.found_heads(self._index)

    async def stop(self) -> None:
        """See Source. The kernel drops a monitor with an error when the adapter is gone; the socket is closed in any
        case."""
        self._hear, self._heads = None, ()
        monitor, self._monitor = self._monitor, b""
        try:
            if self._socket is not None and monitor:
                with contextlib.suppress(SourceError, AdapterAbsentError):
                    await self._command(mgmt_protocol.REMOVE_MONITOR, monitor)
        finally:
            self._close()

    async def power_cycle(self) -> None:
        """See Source."""
        self._open()
        self._index, _ = await self._find()
        with contextlib.suppress(SourceError):
            await self._command(mgmt_protocol.SET_POWERED, b"\x00")
        await asyncio.sleep(POWER_OFF_S)
        await self._command(mgmt_protocol.SET_POWERED, b"\x01")

    async def reset(self) -> None:
        """See Source."""
        self._open()
        self._index, _ = await self._find()
        await asyncio.to_thread(reset_controller, self._index)

    def _open(self) -> None:
        if self._socket is None:
            self._socket = management_socket()
            self._read()

    def _close(self) -> None:
        if self._poll is not None:
            self._poll.cancel()
            self._poll = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        for future in self._waiting.values():
            future.cancel()
        self._waiting.clear()

    async def _find(self) -> tuple[int, int]:
        """Return the adapter's index and its current settings."""
        indexes = mgmt_protocol.index_list(await self._command(mgmt_protocol.READ_INDEX_LIST, index=mgmt_protocol.NO_INDEX))
        for index in indexes:
            if self._adapter.startswith("hci") and self._adapter != f"hci{index}":
                continue
            info = mgmt_protocol.info(await self._command(mgmt_protocol.READ_INFO, index=index))
            if info and self._adapter in (f"hci{index}", info.address.lower()):
                return index, info.settings
        raise AdapterAbsentError(f"the kernel has no adapter {self._adapter}")

    async def _command(self, opcode: int, parameters: bytes = b"", *, index: int | None = None) -> bytes:
        """Send a command and wait for its answer. Raises SourceError with the kernel's reason."""
        index = self._index if index is None else index
        assert self._socket is not None
        answer: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        self._waiting[opcode, index] = answer
        try:
            self._socket.send(mgmt_protocol.command(opcode, index, parameters))
            async with asyncio.timeout(COMMAND_TIMEOUT_S):
                status, reply = await answer
        except TimeoutError as error:
            raise SourceError(f"the kernel doesn't answer when asked to {mgmt_protocol.COMMAND_WORDS[opcode]}") from error
        except OSError as error:
            raise SourceError(f"the kernel can't be asked to {mgmt_protocol.COMMAND_WORDS[opcode]} ({error.strerror})") from error
        finally:
            self._waiting.pop((opcode, index), None)
        if status == mgmt_protocol.INVALID_INDEX:
            raise AdapterAbsentError(f"the kernel has no adapter {self._adapter} any more")
        if status:
            never = opcode == mgmt_protocol.ADD_PATTERNS_MONITOR and status in mgmt_protocol.UNSUPPORTED
            raise (UnsupportedError if never else SourceError)(mgmt_protocol.failure_words(opcode, status))
        return reply

    def _read(self) -> None:
        """Read everything the socket holds, in the loop's thread, and again in POLL_S."""
        if self._socket is None:
            return
        self._poll = asyncio.get_running_loop().call_later(POLL_S, self._read)
        try:
            for _ in range(PACKETS_PER_POLL):
                self._event(self._socket.recv(PACKET_MAX_BYTES))
        except BlockingIOError:
            return
        except OSError as error:
            self.broken = f"the management socket failed ({error.strerror})"

    def _event(self, packet: bytes) -> None:
        if IBEACON_FIELD not in packet and packet[:4] in self._heads:  # nearly everything on the air ends here, unread
            if len(packet) < mgmt_protocol.FOUND_MIN_BYTES:
                self._tally.malformed += 1
            else:
                self._tally.other += 1
            return
        if len(packet) < mgmt_protocol.HEADER.size:
            return
        event, index, _length = mgmt_protocol.HEADER.unpack_from(packet)
        if event in (mgmt_protocol.DEVICE_FOUND, mgmt_protocol.MONITOR_DEVICE_FOUND):
            if index == self._index and self._hear is not None:
                self._found(packet, event, self._hear)
        elif event in (mgmt_protocol.COMMAND_COMPLETE, mgmt_protocol.COMMAND_STATUS):
            self._answered(packet, index)
        elif index == self._index:
            self._news(packet, event)

    def _news(self, packet: bytes, event: int) -> None:
        """Take what the kernel says of the adapter itself."""
        if event == mgmt_protocol.INDEX_REMOVED:
            self.broken = "the adapter was unplugged"
        elif (
            event == mgmt_protocol.MONITOR_REMOVED and self._monitor and packet[6:8] in (self._monitor, mgmt_protocol.ALL_MONITORS)
        ):
            self.broken = "bluetoothd removed the monitor"
        elif event == mgmt_protocol.NEW_SETTINGS and len(packet) >= 10 and not packet[6] & mgmt_protocol.POWERED_BIT:
            self.broken = "the adapter was powered off"
        elif event == mgmt_protocol.CONTROLLER_ERROR:
            self.broken = "the controller reported a fault"

    def _answered(self, packet: bytes, index: int) -> None:
        if len(packet) < 9:
            return
        answer = self._waiting.get((int.from_bytes(packet[6:8], "little"), index))
        if answer is not None and not answer.done():
            answer.set_result((packet[8], packet[9:]))

    def _found(self, packet: bytes, event: int, hear: Hear) -> None:
        found = mgmt_protocol.found(packet, event)
        if found is None:
            self._tally.malformed += 1
        elif found.payload is None:
            self._tally.other += 1
        else:
            self._tally.heard += 1
            hear(Advertisement(self._clock(), self._scanner, "", found.rssi_dbm, found.payload))
