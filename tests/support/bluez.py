"""A fake org.bluez on a D-Bus: adapters, discoveries, advertisement monitors and devices, by BlueZ's own rules.

bleak's real BlueZ code runs against it. What the air gives is decided by `bluez_radio`; here stands what an application sees:
replies, error names and signals. Disturbances: `restart`, `crash`, `unplug`, `plug`, `power`, `hung`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any

from dbus_fast import BusType, Message, MessageType, NameFlag, Variant
from dbus_fast.aio import MessageBus

from tests.support.bluez_radio import Radio, Told

OBJECTS = "org.freedesktop.DBus.ObjectManager"
PROPERTIES = "org.freedesktop.DBus.Properties"
ADAPTER, DEVICE = "org.bluez.Adapter1", "org.bluez.Device1"
MONITORS, MONITOR = "org.bluez.AdvertisementMonitorManager1", "org.bluez.AdvertisementMonitor1"
AD_MANUFACTURER = 0xFF
HUNG_REPLY_S = 5.0
"""How long BlueZ waits for a controller that doesn't answer."""

Interfaces = dict[str, dict[str, Variant]]


class FakeBluez:
    """BlueZ on the bus at `address`. `experimental`: advertisement monitors are on offer, as with `bluetoothd --experimental`."""

    def __init__(
        self,
        address: str,
        *,
        experimental: bool = True,
        newer: bool = False,
        clock: Callable[[], float] = time.monotonic,
        hung_reply_s: float = HUNG_REPLY_S,
    ) -> None:
        self._address = address
        self._experimental = experimental
        self._newer = newer
        self._clock = clock
        self._hung_reply_s = hung_reply_s
        self._objects: dict[str, Interfaces] = {}
        self._filters: dict[tuple[str, str], dict[str, object]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._bus: MessageBus | None = None
        self.radios: dict[str, Radio] = {}
        self.hung = False
        self.calls: list[str] = []
        """Members that were called, in order."""

    async def start(self, adapters: Iterable[str] = ("hci0",)) -> FakeBluez:
        """bluetoothd comes up, with these adapters plugged in."""
        self._bus = await MessageBus(bus_address=self._address, bus_type=BusType.SYSTEM).connect()
        self._bus.add_message_handler(self._answer)
        self._objects = {"/org/bluez": {}}
        await self._bus.request_name("org.bluez", NameFlag.NONE)
        for name in adapters:
            self.plug(name)
        return self

    def crash(self) -> list[str]:
        """bluetoothd is gone without a word; returns the adapters it had."""
        assert self._bus is not None
        adapters = list(self.radios)
        self._bus.disconnect()
        self._bus = None
        self.radios.clear()
        self._filters.clear()
        for task in self._tasks:
            task.cancel()
        return adapters

    async def restart(self) -> None:
        """bluetoothd crashes and comes back: it knows of no scan."""
        await self.start(self.crash())

    def plug(self, name: str) -> None:
        """An adapter comes."""
        number = int(name.removeprefix("hci"))
        self.radios[name] = Radio(newer=self._newer)
        interfaces: Interfaces = {
            ADAPTER: {
                "Address": Variant("s", f"00:00:00:00:5E:{number:02X}"),
                "AddressType": Variant("s", "public"),
                "Name": Variant("s", name),
                "Powered": Variant("b", True),
                "Discovering": Variant("b", False),
                "Roles": Variant("as", ["central"]),
            }
        }
        if self._experimental:
            interfaces[MONITORS] = {"SupportedMonitorTypes": Variant("as", ["or_patterns"])}
        self._add(f"/org/bluez/{name}", interfaces)

    def unplug(self, name: str) -> None:
        """An adapter is pulled out, with all it knew."""
        del self.radios[name]
        for path in [path for path in self._objects if path.startswith(f"/org/bluez/{name}")][::-1]:
            self._remove(path)

    def power(self, name: str, on: bool) -> None:
        """The power goes off (discoveries end, monitors wait) or on."""
        radio = self.radios[name]
        radio.powered = on
        if not on:
            radio.scans_end()
            self._change(f"/org/bluez/{name}", ADAPTER, {"Discovering": Variant("b", False)})
        self._change(f"/org/bluez/{name}", ADAPTER, {"Powered": Variant("b", on)})

    def receive(self, address: str, rssi_dbm: int, company: int, payload: bytes, name: str = "hci0") -> Told:
        """One packet at an adapter's antenna."""
        radio = self.radios.get(name)
        if radio is None or self._bus is None:
            return Told.NOTHING
        told = radio.hear(address, rssi_dbm, company.to_bytes(2, "little") + payload, self._clock())
        path = _device_path(name, address)
        data = {"RSSI": Variant("n", rssi_dbm), "ManufacturerData": Variant("a{qv}", {company: Variant("ay", payload)})}
        if told is Told.NEW:
            known = {
                "Address": Variant("s", address),
                "Alias": Variant("s", address),
                "Adapter": Variant("o", f"/org/bluez/{name}"),
            }
            self._add(path, {DEVICE: {**known, **data, "Connected": Variant("b", False), "UUIDs": Variant("as", [])}})
        elif told is Told.CHANGED:
            self._change(path, DEVICE, data)
        for gone in radio.forgotten(self._clock()):
            self._remove(_device_path(name, gone))
        return told

    def rssi_alone(self, address: str, rssi_dbm: int, name: str = "hci0") -> None:
        """Tell of a change of a known device's strength, without any data: it goes on advertising something else."""
        self._change(_device_path(name, address), DEVICE, {"RSSI": Variant("n", rssi_dbm)})

    # ---- signals -----------------------------------------------------------------------------------------------------

    def _signal(self, path: str, interface: str, member: str, signature: str, body: list[Any]) -> None:
        if self._bus is not None:
            self._bus.send(Message.new_signal(path, interface, member, signature, body))

    def _add(self, path: str, interfaces: Interfaces) -> None:
        self._objects[path] = interfaces
        self._signal("/", OBJECTS, "InterfacesAdded", "oa{sa{sv}}", [path, interfaces])

    def _remove(self, path: str) -> None:
        self._signal("/", OBJECTS, "InterfacesRemoved", "oas", [path, list(self._objects.pop(path))])

    def _change(self, path: str, interface: str, changed: dict[str, Variant]) -> None:
        self._objects[path][interface].update(changed)
        self._signal(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", [interface, changed, []])

    # ---- method calls ------------------------------------------------------------------------------------------------

    def _answer(self, message: Message) -> Message | bool | None:
        if message.message_type is not MessageType.METHOD_CALL:
            return None
        self.calls.append(str(message.member))
        if message.interface == OBJECTS:
            return Message.new_method_return(message, "a{oa{sa{sv}}}", [self._objects])
        name = str(message.path).rsplit("/", 1)[-1]
        if name not in self.radios:
            return _error(message, "org.freedesktop.DBus.Error.UnknownObject")
        if self.hung and message.member in ("StartDiscovery", "StopDiscovery", "Set"):
            self._run(self._answer_late(message))
            return True
        if message.interface == PROPERTIES and message.member == "Set":
            self.power(name, message.body[2].value)
            return Message.new_method_return(message)
        if message.interface == ADAPTER:
            return self._discovery(message, name)
        if message.interface == MONITORS and self._experimental:
            return self._monitoring(message, name)
        return _error(message, "org.freedesktop.DBus.Error.UnknownMethod")

    async def _answer_late(self, message: Message) -> None:
        await asyncio.sleep(self._hung_reply_s)
        if self._bus is not None:
            self._bus.send(_error(message, "org.bluez.Error.InProgress"))

    def _discovery(self, message: Message, name: str) -> Message:
        radio, client = self.radios[name], str(message.sender)
        if message.member == "SetDiscoveryFilter":
            self._filters[name, client] = {key: value.value for key, value in message.body[0].items()}
            return Message.new_method_return(message)
        if message.member == "StartDiscovery":
            if not radio.powered:
                return _error(message, "org.bluez.Error.NotReady")
            if client in radio.discoveries:
                return _error(message, "org.bluez.Error.InProgress")
            radio.discovery_begins(client, self._filters.get((name, client), {}), self._clock())
        elif message.member == "StopDiscovery":
            if not radio.powered:
                return _error(message, "org.bluez.Error.NotReady")
            if radio.discoveries.pop(client, None) is None:
                return _error(message, "org.bluez.Error.Failed")
        else:
            return _error(message, "org.freedesktop.DBus.Error.UnknownMethod")
        self._change(f"/org/bluez/{name}", ADAPTER, {"Discovering": Variant("b", bool(radio.discoveries))})
        return Message.new_method_return(message)

    def _monitoring(self, message: Message, name: str) -> Message:
        key = (str(message.sender), str(message.body[0]))
        if message.member == "RegisterMonitor":
            self._run(self._read_monitor(name, key))
        elif self.radios[name].monitors.pop(key, None) is None:
            return _error(message, "org.bluez.Error.DoesNotExist")
        return Message.new_method_return(message)

    async def _read_monitor(self, name: str, key: tuple[str, str]) -> None:
        """BlueZ looks below the registered path until the application has exported its monitor, reads it and activates it."""
        client, root = key
        while (bus := self._bus) is not None and name in self.radios:
            ask = Message(destination=client, path="/", interface=OBJECTS, member="GetManagedObjects")
            reply = await bus.call(ask)
            exported = reply.body[0] if reply and reply.message_type is MessageType.METHOD_RETURN else {}
            for path, interfaces in exported.items():
                if path.startswith(root) and MONITOR in interfaces:
                    patterns = interfaces[MONITOR]["Patterns"].value
                    manufacturer = [bytes(content) for start, kind, content in patterns if (start, kind) == (0, AD_MANUFACTURER)]
                    self.radios[name].monitors[key] = manufacturer
                    await bus.call(Message(destination=client, path=path, interface=MONITOR, member="Activate"))
                    return
            await asyncio.sleep(0.01)

    def _run(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _device_path(name: str, address: str) -> str:
    return f"/org/bluez/{name}/dev_{address.replace(':', '_')}"


def _error(message: Message, name: str) -> Message:
    return Message.new_error(message, name, "as BlueZ would")
