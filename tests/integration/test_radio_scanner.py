"""The scanner role end to end: a simulated radio, a real broker, and what the gateway's remote scanners make of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from firmware_sim.bleak_backend import SimulatedAdapter
from firmware_sim.broker import EmbeddedBroker
from gateway.clock import SystemClock
from gateway.commands import CommandError, scanner
from gateway.model import Advertisement
from gateway.mqtt.credentials import read_credentials
from gateway.mqtt.topics import GatewayIdentity
from gateway.radio.bleak_source import BleakSource
from gateway.radio.frames import beacon_id
from gateway.radio.quality import QualityMeter
from gateway.radio.remote import RemoteScanners
from gateway.radio.scanners import AdapterScanner
from gateway.settings import MqttSettings

UUID = bytes(range(16))
OWN = b"\x02\x15" + UUID + b"\x00\x01\x00\x02\xc5"
STRANGER = b"\x02\x15" + bytes(16) + b"\x00\x01\x00\x02\xc5"
BOX = GatewayIdentity("chain", "shop", "box-2")


async def until(condition: Callable[[], bool], limit_s: float = 20.0) -> None:
    """Waits for a condition of the outside world; fails at the limit."""
    async with asyncio.timeout(limit_s):
        while not condition():  # noqa: ASYNC110 - nobody tells us when it comes true
            await asyncio.sleep(0.02)


def test_only_the_shops_beacons_arrive_at_the_gateway_and_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanner, "BATCH_EVERY_S", 0.1)
    messages: list[tuple[str, bytes]] = []

    async def work(broker: EmbeddedBroker) -> None:
        settings = MqttSettings(brokers=(broker.url,), protocol="3.1.1")
        gateway = paho.Client(CallbackAPIVersion.VERSION2)
        gateway.on_message = lambda _client, _data, message: messages.append((message.topic, bytes(message.payload)))
        gateway.connect("127.0.0.1", broker.port)
        gateway.subscribe(BOX.prefix + "sightings/+")
        gateway.loop_start()
        adapter, stop = SimulatedAdapter(), asyncio.Event()
        running = AdapterScanner(
            "pi-2", BleakSource("pi-2", "sim", clock=time.time, backend=adapter.backend()), QualityMeter(frozenset())
        )
        relay = scanner.Relay(BOX, settings, read_credentials(settings), SystemClock())
        living = asyncio.create_task(scanner._live([running], frozenset({UUID}), relay, SystemClock(), stop))
        try:
            await until(lambda: adapter.listening == 2 and relay.is_up)
            async with asyncio.timeout(20):
                while len(messages) < 3:
                    for payload in (OWN, STRANGER, b""):
                        adapter.push(Advertisement(0.0, "", "C0:FF:EE:00:00:01", -60, payload))
                    await asyncio.sleep(0.02)
        finally:
            stop.set()
            with suppress(asyncio.CancelledError):
                await living
            gateway.disconnect()
            gateway.loop_stop()

    with EmbeddedBroker() as broker:
        asyncio.run(work(broker))
    scanners = RemoteScanners(BOX.prefix, ["pi-2"])
    heard = [one for topic, body in messages for one in scanners.parse(topic, body, time.time()).advertisements]
    assert heard
    assert {(one.scanner, beacon_id(one.payload)) for one in heard} == {("pi-2", OWN[2:22])}
    assert scanners.malformed == scanners.unknown == scanners.late == 0
    assert not any(b"FF:EE" in body or bytes(16).hex().encode() in body for _, body in messages)


def test_without_a_uuid_the_role_refuses_to_start(tmp_path: Path) -> None:
    config = tmp_path / "etalage.toml"
    config.write_text("")
    with pytest.raises(CommandError, match=r"radio\.uuids"):
        scanner.scanner(config)
