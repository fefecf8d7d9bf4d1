"""The little that a scanner asks of BlueZ itself besides scanning: which adapter, is it powered, power it off and on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from bleak.backends.bluezdbus.manager import get_global_bluez_manager
from bleak.exc import BleakError
from dbus_fast import AuthError, BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from gateway.radio.hci import reset_controller
from gateway.radio.sources import AdapterAbsentError, SourceError

BLUEZ = "org.bluez"
DBUS, DBUS_PATH = "org.freedesktop.DBus", "/org/freedesktop/DBus"
ADAPTER = "org.bluez.Adapter1"
CALL_TIMEOUT_S = 3.0
_NOT_RUNNING = ("org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.Spawn.", "org.freedesktop.systemd1.")
"""Nobody answers for BlueZ, or D-Bus or systemd failed to start it. No recovery step mends that: it is only looked for."""
_WORDS = {
    "org.bluez.Error.NotPermitted": "BlueZ doesn't permit it; is `Experimental = true` set in /etc/bluetooth/main.conf?",
    "org.bluez.Error.NotReady": "the adapter is switched off; `rfkill unblock bluetooth`, then `bluetoothctl power on`",
    "org.bluez.Error.InProgress": "BlueZ is still busy with an earlier scan",
    "org.bluez.Error.NotSupported": "this controller or BlueZ can't do that",
    "org.bluez.Error.Failed": "BlueZ failed",
    "org.freedesktop.DBus.Error.AccessDenied": "this user may not talk to BlueZ; add it to the group `bluetooth`",
    "org.freedesktop.DBus.Error.NoReply": "BlueZ doesn't answer; the controller's firmware may hang",
}
POWER_OFF_S = 0.5
"""How long the power stays off: enough for the controller to forget its scan."""


class Bluez:
    """One adapter, by name ("hci0") or address, as BlueZ has it on the system bus."""

    def __init__(self, adapter: str) -> None:
        self._adapter = adapter
        self._watch: MessageBus | None = None

    async def watch(self, name: str, lost: Callable[[str], None]) -> None:
        """Call `lost` with the reason once the adapter's scans can't be alive any more. bleak itself says nothing of it.

        A monitor outlives a power cycle, a discovery doesn't: what is left would be a scanner that hears one advertisement in five.
        """

        def news(message: Message) -> None:
            if message.member == "NameOwnerChanged" and message.body[0] == BLUEZ:
                lost("bluetoothd went away")
            elif message.member == "InterfacesRemoved" and message.body[0] == f"/org/bluez/{name}":
                lost("the adapter was unplugged")
            elif message.member == "PropertiesChanged" and message.body[0] == ADAPTER:
                powered = message.body[1].get("Powered")
                if powered is not None and not powered.value:
                    lost("the adapter was powered off")

        self._watch = bus = await _connected()
        bus.add_message_handler(news)
        for rule in (
            f"type='signal',sender='{DBUS}',member='NameOwnerChanged',arg0='{BLUEZ}'",
            f"type='signal',sender='{BLUEZ}',member='InterfacesRemoved',arg0path='/org/bluez/{name}'",
            f"type='signal',sender='{BLUEZ}',member='PropertiesChanged',path='/org/bluez/{name}',arg0='{ADAPTER}'",
        ):
            await _call(bus, DBUS_PATH, DBUS, "AddMatch", "s", rule, destination=DBUS)

    def unwatch(self) -> None:
        """End the watch."""
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.disconnect()

    async def powered_adapter(self) -> str:
        """Return the adapter's name now, powered on and with no scan of ours left on it.

        Raises AdapterAbsentError when BlueZ has no such adapter, SourceError when there is no BlueZ or the adapter
        can't be powered.
        """
        async with _bus() as bus:
            name, powered = await self._find(bus)
            if not powered:
                await _set_powered(bus, name, True)
        await _stop_leftover_discovery(name)
        return name

    async def power_cycle(self) -> None:
        """Switch the power off and on. A radio that won't power off may still power on."""
        async with _bus() as bus:
            name, _ = await self._find(bus)
            with contextlib.suppress(SourceError):
                await _set_powered(bus, name, False)
            await asyncio.sleep(POWER_OFF_S)
            await _set_powered(bus, name, True)

    async def reset(self) -> None:
        """Reset the controller. Raises SourceError where this process may not."""
        async with _bus() as bus:
            name, _ = await self._find(bus)
        await asyncio.to_thread(reset_controller, int(name.removeprefix("hci")))

    async def _find(self, bus: MessageBus) -> tuple[str, bool]:
        """Return the adapter's name and whether it is powered."""
        objects = await _call(bus, "/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
        for path, interfaces in objects[0].items():
            adapter = interfaces.get(ADAPTER)
            name = path.rsplit("/", 1)[-1]
            if adapter and self._adapter.lower() in (name, adapter["Address"].value.lower()):
                return name, bool(adapter["Powered"].value)
        raise AdapterAbsentError(f"BlueZ has no adapter {self._adapter}")


def bluez_words(error: str, details: str = "") -> str:
    """Return what an error of BlueZ's or D-Bus's means and what to do, with its own name behind it."""
    own = f"{error}: {details}" if details else error
    return f"{_WORDS[error]} ({own})" if error in _WORDS else f"BlueZ refused: {own}"


async def _connected() -> MessageBus:
    bus = MessageBus(bus_type=BusType.SYSTEM)
    try:
        async with asyncio.timeout(CALL_TIMEOUT_S):
            return await bus.connect()
    except (OSError, AuthError, TimeoutError) as error:
        bus.disconnect()
        raise SourceError(f"no system D-Bus ({error}); install dbus, or let the gateway use the management socket") from error


@contextlib.asynccontextmanager
async def _bus() -> AsyncIterator[MessageBus]:
    bus = await _connected()
    try:
        yield bus
    finally:
        bus.disconnect()


async def _call(
    bus: MessageBus, path: str, interface: str, member: str, signature: str = "", *body: object, destination: str = BLUEZ
) -> list[Any]:
    message = Message(destination=destination, path=path, interface=interface, member=member, signature=signature, body=list(body))
    try:
        async with asyncio.timeout(CALL_TIMEOUT_S):
            reply = await bus.call(message)
    except TimeoutError as error:
        raise SourceError(f"BlueZ doesn't answer {member} within {CALL_TIMEOUT_S:.0f} s") from error
    except (OSError, EOFError) as error:
        raise SourceError(f"the system D-Bus is gone ({error})") from error
    if reply is None or reply.message_type is MessageType.ERROR:
        fault = str(reply.error_name) if reply else "no reply"
        if fault.startswith(_NOT_RUNNING):
            raise AdapterAbsentError("bluetoothd isn't running; `systemctl start bluetooth`")
        raise SourceError(f"{member}: {bluez_words(fault)}")
    return list(reply.body)


async def _set_powered(bus: MessageBus, name: str, on: bool) -> None:
    value = Variant("b", on)
    await _call(bus, f"/org/bluez/{name}", "org.freedesktop.DBus.Properties", "Set", "ssv", ADAPTER, "Powered", value)


async def _stop_leftover_discovery(name: str) -> None:
    """End a discovery that a timed-out `start()` may have left on bleak's own connection.

    BlueZ would answer the next StartDiscovery of that connection with InProgress, for ever. bleak has no public way to
    its connection.
    """
    try:
        manager = await get_global_bluez_manager()
    except (BleakError, OSError, EOFError) as error:
        raise SourceError(f"bleak can't reach BlueZ ({error})") from error
    bus: MessageBus | None = getattr(manager, "_bus", None)
    if bus is not None:
        with contextlib.suppress(SourceError):
            await _call(bus, f"/org/bluez/{name}", ADAPTER, "StopDiscovery")
