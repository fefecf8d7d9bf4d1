"""`etalage scanner`: this box only listens, and passes the shop's own beacons on to the gateway of the shop by MQTT."""

from __future__ import annotations

import asyncio
import signal
import time
from functools import partial
from secrets import token_hex

import structlog
import typer

from gateway.clock import Clock, SystemClock
from gateway.commands import CommandError
from gateway.commands.config import Config, settings_of
from gateway.commands.logs import set_up_log
from gateway.messages import SightingsBatch
from gateway.mqtt.credentials import Credentials, read_credentials
from gateway.mqtt.link import LinkError, SessionRole
from gateway.mqtt.link_loop import LinkLoop
from gateway.mqtt.status import event_text
from gateway.mqtt.topics import GatewayIdentity, identity_of
from gateway.radio.batches import EXPIRY_S, Batches
from gateway.radio.frames import uuid_bytes
from gateway.radio.notify import alive
from gateway.radio.scanners import RunningScanner, make_scanners
from gateway.settings import MqttSettings, SettingsError
from gateway.supervisor import Duty, LoopFaults, Part, PartDied, Supervisor, Task, Thread

BATCH_EVERY_S = 1.0
"""A shopper walks a metre in that time, and a decision is wanted within a second of a zone being certain."""

log = structlog.get_logger(__name__)


def scanner(config: Config = None) -> None:
    """Listen, and pass the shop's own beacons on by MQTT until told to stop. Other people's beacons never leave this box."""
    try:
        settings = settings_of(config)
        set_up_log(settings.log)
        credentials = read_credentials(settings.mqtt)
    except SettingsError as error:
        raise CommandError(str(error)) from error
    uuids = frozenset(uuid_bytes(one) for one in settings.radio.uuids)
    if not uuids:
        raise CommandError("no beacon uuid to pass on; set `radio.uuids` in the settings")
    clock = SystemClock()  # not kept: the gateway judges the time of what it is sent by itself
    scanners = make_scanners(settings.radio, clock.now_s)
    if not scanners:
        raise CommandError("this box has no scanner; see `radio.adapters` in the settings, and docs/radio.md")
    relay = Relay(identity_of(settings.store), settings.mqtt, credentials, clock)
    try:
        asyncio.run(_live(scanners, uuids, relay, clock))
    except PartDied as death:
        typer.echo(f"etalage: {death}", err=True)
        raise typer.Exit(1) from None


async def _live(
    scanners: list[RunningScanner], uuids: frozenset[bytes], relay: Relay, clock: Clock, stop: asyncio.Event | None = None
) -> None:
    """Every scanner into its batches, every second the batches to the relay. Raises PartDied."""
    boot_ms, boot = int(clock.now_s() * 1000), token_hex(8)
    batches = {scanner.id: Batches(scanner.id, uuids, boot_ms, boot=boot) for scanner in scanners}

    async def hand_over() -> None:
        """Send all that waits, while there is a connection; without one it waits, and grows old."""
        for one in scanners:
            waiting, now_s = batches[one.id], clock.now_s()
            while relay.is_up and (batch := waiting.take(now_s)) is not None:
                relay.send(batch)
            if relay.is_up and one.health().trustworthy and (life := waiting.sign_of_life(now_s)) is not None:
                relay.send(life)

    parts: list[Part] = [
        Thread("relay", lambda: relay.failure),
        *(Task(f"scanner {scanner.id}", partial(scanner.listen, batches[scanner.id].hear)) for scanner in scanners),
        Duty("batches", BATCH_EVERY_S, hand_over, vital=True),
    ]
    LoopFaults().watch(asyncio.get_running_loop())
    relay.start()
    try:
        supervisor = Supervisor(parts, may_feed=lambda: alive(scanner.health() for scanner in scanners))
        await supervisor.run(stop or _told_to_stop())
    finally:
        await asyncio.to_thread(relay.stop)


def _told_to_stop() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


class Relay(LinkLoop):
    """Sends batches at QoS 0: what is lost is seconds old, and the next is on its way. One thread; `send` from any."""

    def __init__(self, identity: GatewayIdentity, settings: MqttSettings, credentials: Credentials, clock: Clock) -> None:
        super().__init__("relay", SessionRole(identity.client_id("out") + "_scanner"), settings, credentials)
        self._identity = identity
        self._clock = clock
        self.sent = 0

    def send(self, batch: SightingsBatch) -> None:
        """Send a batch; dropped when the connection just went."""
        self._events.put(batch)

    def _turn(self, now_s: float) -> None:
        """Nothing is due but batches."""

    def _due_s(self) -> float:
        return time.monotonic() + BATCH_EVERY_S

    def _take(self, event: object, now_s: float) -> None:
        if isinstance(event, SightingsBatch):
            self._publish(event)

    def _publish(self, batch: SightingsBatch) -> None:
        link = self._link.current
        if link is None:
            return
        body = event_text(self._identity, batch, self._clock.now_s(), f"{batch.scanner}-{batch.sequence}")
        try:
            link.publish(f"{self._identity.prefix}sightings/{batch.scanner}", body, qos=0, expires_in_s=EXPIRY_S)
            self.sent += 1
        except LinkError as error:
            log.warning("a batch couldn't be sent", why=str(error))
