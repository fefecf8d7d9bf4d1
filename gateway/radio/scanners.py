"""The scanners of this box: one per Bluetooth adapter, each with its watchdog and its recovery steps.

A source knows one way to read an adapter; the scanner around it counts, watches, recovers and reports, the same for all of
them.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from typing import Protocol

import structlog

from gateway.model import Advertisement
from gateway.radio.fallback_source import FallbackSource
from gateway.radio.frames import uuid_bytes
from gateway.radio.hci import management_fault, may_manage
from gateway.radio.health import ScannerHealth, Tally
from gateway.radio.mgmt_source import MgmtSource
from gateway.radio.quality import QualityMeter
from gateway.radio.sources import AdapterAbsentError, Hear, Source, SourceError
from gateway.radio.watchdog import RecoveryStep, ScannerState, Watchdog
from gateway.settings import RadioSettings

TICK_S = 0.5
STEP_TIMEOUT_S = 15.0
"""Longer than the time-outs within any one step; a step that hangs all the same counts as failed."""
RATE_TIME_CONSTANT_S = 5.0
"""Over how long the shown advertisements per second are smoothed."""

log = structlog.get_logger(__name__)


class RunningScanner(Protocol):
    """A receiver of this box."""

    @property
    def id(self) -> str:
        """Return its id in the store plan."""

    async def listen(self, hear: Hear) -> None:
        """Hand every advertisement to `hear`, in the loop's thread. Runs until cancelled; survives everything else."""

    def health(self) -> ScannerHealth:
        """Return how it is doing now."""


class AdapterScanner:
    """A scanner on one Bluetooth adapter."""

    def __init__(
        self,
        scanner: str,
        source: Source,
        meter: QualityMeter,
        *,
        may_power_cycle: bool = True,
        may_reset: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._id = scanner
        self._source = source
        self._meter = meter
        self._monotonic = monotonic
        self._tally = Tally()
        self._watchdog = Watchdog(monotonic(), may_power_cycle=may_power_cycle, may_reset=may_reset)
        self._adverts_per_s = 0.0

    @property
    def id(self) -> str:
        return self._id

    async def listen(self, hear: Hear) -> None:
        meter = self._meter

        def measured(advertisement: Advertisement) -> None:
            meter.hear(advertisement.at_s, advertisement.payload, advertisement.rssi_dbm)
            hear(advertisement)

        try:
            while True:
                step = self._tick()
                if step is None:
                    await asyncio.sleep(TICK_S)
                else:
                    await self._carry_out(step, measured)
        finally:
            await self._source.stop()

    def health(self) -> ScannerHealth:
        watchdog, tally, now_s = self._watchdog, self._tally, self._monotonic()
        hearing = watchdog.state is ScannerState.HEARING
        return ScannerHealth(
            scanner=self._id,
            kind=self._source.kind,
            state=watchdog.state,
            adverts_per_s=round(self._adverts_per_s, 1),
            heard=tally.heard,
            other=tally.other,
            malformed=tally.malformed,
            restarts=watchdog.steps[RecoveryStep.RESTART],
            power_cycles=watchdog.steps[RecoveryStep.POWER_CYCLE],
            resets=watchdog.steps[RecoveryStep.RESET],
            failures=watchdog.failures,
            recoveries=watchdog.recoveries,
            reason=watchdog.reason,
            silent_s=None if watchdog.last_heard_s is None else now_s - watchdog.last_heard_s,
            next_step_in_s=None if hearing else max(watchdog.next_step_s - now_s, 0.0),
            quality=self._meter.quality,
        )

    def _tick(self) -> RecoveryStep | None:
        now_s, before, watchdog = self._monotonic(), self._watchdog.state, self._watchdog
        elapsed_s, life_before = now_s - watchdog.now_s, watchdog.heard
        step = watchdog.tick(now_s, self._tally.life, self._source.broken)
        if elapsed_s > 0:
            rate = (watchdog.heard - life_before) / elapsed_s
            self._adverts_per_s += min(elapsed_s / RATE_TIME_CONSTANT_S, 1.0) * (rate - self._adverts_per_s)
        self._meter.tick(now_s)
        if before is not ScannerState.HEARING and watchdog.state is ScannerState.HEARING:
            log.info("scanner hears", scanner=self._id, kind=self._source.kind)
        elif before is ScannerState.HEARING and watchdog.state is not ScannerState.HEARING:
            log.warning("scanner is deaf", scanner=self._id, reason=watchdog.reason)
        return step

    async def _carry_out(self, step: RecoveryStep, hear: Hear) -> None:
        """Stop, do what the step adds, start. Whatever that raises is an answer for the watchdog, not the end of the scanner."""
        source, watchdog = self._source, self._watchdog
        reason_before = watchdog.reason
        try:
            async with asyncio.timeout(STEP_TIMEOUT_S):
                await source.stop()
                await self._prepare(step)
                await source.start(hear, self._tally)
        except AdapterAbsentError as error:
            watchdog.absent(self._monotonic(), str(error))
        except Exception as error:
            watchdog.failed(self._monotonic(), str(error) or type(error).__name__)
        else:
            watchdog.started(self._monotonic())
        if watchdog.reason != reason_before:
            log.warning("scanner can't listen", scanner=self._id, step=step.value, reason=watchdog.reason)

    async def _prepare(self, step: RecoveryStep) -> None:
        """Do what a step does before the start. If that can't be done, the start says why nothing listens: its is the cause."""
        try:
            if step is RecoveryStep.RESET:
                await self._source.reset()
            if step is not RecoveryStep.RESTART:
                await self._source.power_cycle()  # after a reset too, or the kernel goes on believing that the chip scans
        except SourceError as error:
            self._watchdog.failures += 1
            log.warning("a recovery step can't be taken", scanner=self._id, step=step.value, because=str(error))


def make_scanners(radio: RadioSettings, clock: Callable[[], float], *, platform: str = sys.platform) -> list[RunningScanner]:
    """Make one scanner for each adapter in the settings. None, and one clear line in the log, where this system can't hear
    beacons.

    An adapter that isn't there (yet) has a scanner as well: it is looked for all the time. `clock` gives the epoch seconds of each
    reception.
    """
    if not radio.adapters:
        log.info("this box has no Bluetooth adapter in its settings; it hears by other scanners only")
        return []
    if platform != "linux":
        log.warning(_NOT_HERE.get(platform, _NOT_HERE["other"]))
        return []
    make_source = _source_for(radio, clock)
    interval_s = radio.beacon_interval_ms / 1000 if radio.beacon_interval_ms else None
    uuids = frozenset(uuid_bytes(uuid) for uuid in radio.uuids)
    scanners: list[RunningScanner] = []
    for scanner, adapter in radio.adapters.items():
        meter = QualityMeter(uuids, interval_s)
        source = make_source(scanner, adapter)
        scanners.append(AdapterScanner(scanner, source, meter, may_power_cycle=radio.may_power_cycle, may_reset=may_manage()))
        log.info("scanner", scanner=scanner, adapter=adapter, source=source.kind)
    return scanners


_NOT_HERE = {
    "darwin": "macOS hides iBeacon payloads from applications: this box hears no beacons itself, only by other scanners; "
    "run the gateway on Linux to hear",
    "other": "this system has no BlueZ: this box hears no beacons itself, only by other scanners; run it on Linux to hear",
}


def _source_for(radio: RadioSettings, clock: Callable[[], float]) -> Callable[[str, str], Source]:
    """Return what makes a source for a scanner's adapter: the management socket where this process and kernel can use it, else
    BlueZ through bleak."""

    def bleak(scanner: str, adapter: str) -> Source:
        from gateway.radio.bleak_source import BleakSource  # only here: macOS and Windows have no D-Bus library

        return BleakSource(scanner, adapter, clock=clock)

    def mgmt(scanner: str, adapter: str) -> Source:
        return MgmtSource(scanner, adapter, clock=clock)

    def either(scanner: str, adapter: str) -> Source:
        return FallbackSource(mgmt(scanner, adapter), lambda: bleak(scanner, adapter))

    if radio.source != "auto":
        return mgmt if radio.source == "mgmt" else bleak
    fault = management_fault()
    if fault is None:
        return either
    log.warning("reading the adapters through BlueZ, at several times the CPU (docs/radio.md)", because=fault)
    return bleak
