"""Measures the real scanners on the real BlueZ and kernel, inside the guest: `probe.py mgmt PART… bleak PART… active passive`.

Results are printed as one JSON object a line, after "RESULT ".

Parts: share (heard against what reached the kernel, and the CPU it took), bluetoothd, replug, power, deaf, hang (how long after the
cause's end something is heard again), junk<seconds>.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bleak import BleakScanner
from bleak.args.bluez import OrPattern, OrPatternLike
from bleak.assigned_numbers import AdvertisementDataType
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from gateway.model import Advertisement
from gateway.radio.bleak_source import BleakSource
from gateway.radio.bluez import Bluez
from gateway.radio.frames import APPLE_COMPANY_ID, beacon_id
from gateway.radio.mgmt_source import MgmtSource
from gateway.radio.quality import QualityMeter
from gateway.radio.scanners import AdapterScanner
from gateway.radio.sources import AdapterAbsentError, SourceError
from gateway.radio.watchdog import ScannerState

SHOP_UUID = bytes(range(16))
MODES = ("mgmt", "bleak", "active", "passive")
COUNTERS = Path("/run/air.json")
BLUETOOTHD = "/usr/libexec/bluetooth/bluetoothd"
ADDRESS = "00:AA:01:00:00:01"
BEACON_HZ = 5.0
SHARE_S = 20.0
QUIET_S = 2.0
"""Before and after a count the air is still, so that nothing is under way when it is taken."""
GIVE_UP_S = 60.0
CALM_CPU_S = 0.1
GAP_S = 1.5
"""A silence longer than this, at 50 advertisements a second, is deafness; it ends with the first advertisement after it."""
OBSERVED_S = 14.0
"""Some causes bite only seconds after they ended (a new bluetoothd clears the monitors): so long is watched at least."""
JUNK_PER_S = {"mgmt": 100, "bleak": 20}
"""What the emulated processor can carry beside the beacons: the pair costs it 15 to 30 ms an advertisement. Hundreds a second are
tested where the processor is real (tests/benchmarks, tests/integration)."""
FORGET_S = 45.0
"""BlueZ forgets a device after 30 s: from then on memory must be flat."""
DRAIN_S = 8.0
"""What is still in queues counts as heard: the emulated processor is twenty times slower than a Pi's."""
CAUSE_S = {"bluetoothd": 3.0, "replug": 5.0, "power": 5.0, "deaf": 25.0, "hang": 15.0}


def tell(**command: Any) -> None:
    """A command to the air."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.sendto(json.dumps(command).encode(), "/run/air.sock")


def counters() -> dict[str, Any]:
    """The air's counters, at most a quarter of a second old."""
    counted: dict[str, Any] = json.loads(COUNTERS.read_text(encoding="ascii"))
    return counted


def cpu_s(pid: int) -> float:
    """CPU time of a process in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_kb() -> int:
    """Resident memory of this process."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


async def until(condition: Callable[[], bool], limit_s: float) -> float | None:
    """Seconds until the condition holds, None when it didn't within the limit."""
    start_s = time.monotonic()
    while not condition():
        if time.monotonic() - start_s > limit_s:
            return None
        await asyncio.sleep(0.05)
    return time.monotonic() - start_s


def daemon() -> subprocess.Popen[bytes]:
    """A new bluetoothd."""
    return subprocess.Popen([BLUETOOTHD, "-n"], stderr=subprocess.DEVNULL)


class Bench:
    """A scanner under test, and the daemons around it."""

    def __init__(self) -> None:
        self.shop_heard = 0
        self.last_s = self.resumed_s = 0.0
        self.bluetoothd = daemon()
        self.air = subprocess.Popen([sys.executable, "firmware_sim/guest/air.py"])
        self.dbus = int(subprocess.run(["pidof", "dbus-daemon"], capture_output=True, check=True, text=True).stdout.split()[0])

    def scanner_for(self, mode: str) -> AdapterScanner:
        """A new scanner, by the management socket or by bleak's pair."""
        source = MgmtSource("pi-1", "hci0", clock=time.time) if mode == "mgmt" else BleakSource("pi-1", ADDRESS, clock=time.time)
        self.mode = mode
        self.scanner = AdapterScanner("pi-1", source, QualityMeter(frozenset({SHOP_UUID}), 0.2))
        return self.scanner

    def hear(self, advertisement: Advertisement) -> None:
        """Counts the shop's own beacons."""
        beacon = beacon_id(advertisement.payload)
        if beacon is not None and beacon[:16] == SHOP_UUID:
            self.shop_heard += 1
            now_s = time.monotonic()
            if now_s - self.last_s > GAP_S:
                self.resumed_s = now_s
            self.last_s = now_s

    def cpu(self) -> dict[str, float]:
        """CPU seconds of everything that takes part in hearing."""
        pids = {"scanner": os.getpid(), "bluetoothd": self.bluetoothd.pid, "dbus": self.dbus}
        return {name: cpu_s(pid) for name, pid in pids.items()}

    async def calm(self) -> None:
        """Nothing is under way any more, and daemons that have just started are done with starting."""
        deadline_s = time.monotonic() + GIVE_UP_S
        while time.monotonic() < deadline_s:
            before = self.cpu()
            await asyncio.sleep(QUIET_S)
            after = self.cpu()
            if after["bluetoothd"] - before["bluetoothd"] + after["dbus"] - before["dbus"] < CALM_CPU_S:
                return

    async def share(self) -> dict[str, Any]:
        """Heard against what reached the kernel, with the CPU per advertisement."""
        tell(hz=0)
        await self.calm()
        air, heard, cpu = counters(), self.shop_heard, self.cpu()
        tell(hz=BEACON_HZ)
        await asyncio.sleep(SHARE_S)
        tell(hz=0)
        await asyncio.sleep(QUIET_S)
        air_after, heard_after, cpu_after = counters(), self.shop_heard, self.cpu()
        tell(hz=BEACON_HZ)
        return {
            "on_air": air_after["on_air"] - air["on_air"],
            "to_kernel": air_after["to_kernel"] - air["to_kernel"],
            "heard": heard_after - heard,
            "listens": air_after["listens"],
            "cpu_s": {name: round(cpu_after[name] - cpu[name], 2) for name in cpu},
        }

    async def disturbed(self, cause: str) -> dict[str, Any]:
        """From the cause's beginning: when it was noticed. From its end: when the shop's beacons were heard again."""
        await until(lambda: self.scanner.health().state is ScannerState.HEARING, GIVE_UP_S)
        await asyncio.sleep(3)
        before = self.scanner.health()
        begun_s = time.monotonic()
        noticing = asyncio.create_task(
            until(lambda: self.scanner.health().state is not ScannerState.HEARING, CAUSE_S[cause] + OBSERVED_S)
        )
        await self.begin(cause)
        await asyncio.sleep(max(CAUSE_S[cause] - (time.monotonic() - begun_s), 0))
        await self.end(cause)
        ended_s = time.monotonic()
        await asyncio.sleep(OBSERVED_S)
        steady = await until(lambda: time.monotonic() - self.last_s < GAP_S, GIVE_UP_S)
        after = self.scanner.health()
        return {
            "noticed_s": await noticing,
            "again_s": max(self.resumed_s - ended_s, 0.0) if steady is not None else None,
            "steps": [after.restarts - before.restarts, after.power_cycles - before.power_cycles, after.resets - before.resets],
            "failures": after.failures - before.failures,
            "reason": after.reason,
        }

    async def begin(self, cause: str) -> None:
        """The cause begins."""
        if cause == "bluetoothd":
            self.bluetoothd.send_signal(signal.SIGKILL)
            self.bluetoothd.wait()
        elif cause == "power":
            await bluetoothctl("power", "off")
        else:
            tell(**{"replug": {"plugged": False}, "deaf": {"deaf": True}, "hang": {"hang": True}}[cause])

    async def end(self, cause: str) -> None:
        """The cause ends."""
        if cause == "bluetoothd":
            self.bluetoothd = daemon()
        elif cause == "power":
            await bluetoothctl("power", "on")
        else:
            tell(**{"replug": {"plugged": True}, "deaf": {"deaf": False}, "hang": {"hang": False}}[cause])

    async def junk(self, duration_s: float) -> dict[str, Any]:
        """Random addresses and broken packets beside the shop's beacons: what is still heard, and what it costs in memory."""
        air, heard = counters(), self.shop_heard
        tell(junk_per_s=JUNK_PER_S[self.mode])
        await asyncio.sleep(FORGET_S)
        memory_kb = resident_kb()
        await asyncio.sleep(duration_s)
        memory_after_kb = resident_kb()
        tell(junk_per_s=0)
        await asyncio.sleep(DRAIN_S)
        air_after, heard_after, health = counters(), self.shop_heard, self.scanner.health()
        return {
            "seconds": duration_s + FORGET_S,
            "junk_per_s": round((air_after["junk"] - air["junk"]) / (duration_s + FORGET_S)),
            "on_air": air_after["on_air"] - air["on_air"],
            "heard": heard_after - heard,
            "memory_growth_kb": memory_after_kb - memory_kb,
            "malformed": health.malformed,
            "failures": health.failures,
        }


async def bluetoothctl(*words: str) -> None:
    """BlueZ's own command line, as a person would use it."""
    process = await asyncio.create_subprocess_exec("bluetoothctl", *words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), 5)
    if process.returncode is None:
        process.kill()


async def part_of(bench: Bench, part: str) -> dict[str, Any]:
    """One part's result."""
    if part == "share":
        return await bench.share()
    if part.startswith("junk"):
        return await bench.junk(float(part.removeprefix("junk")))
    return await bench.disturbed(part)


async def measure(bench: Bench, mode: str, parts: list[str]) -> None:
    """All parts, one after another, on one scanner that is never touched by hand."""
    scanner, before = bench.scanner_for(mode), bench.shop_heard
    listening = asyncio.create_task(scanner.listen(bench.hear))
    first_s = await until(lambda: bench.shop_heard > before, GIVE_UP_S)
    say(mode, "start", {"again_s": first_s})
    for part in parts:
        say(mode, part, await part_of(bench, part))
    print(f"HEALTH {scanner.health()}", flush=True)
    listening.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await listening


async def power_on() -> None:
    """The adapter is there and on, as plain bleak expects it; our own scanners see to that themselves."""
    deadline_s = time.monotonic() + GIVE_UP_S
    while time.monotonic() < deadline_s:
        with contextlib.suppress(AdapterAbsentError, SourceError):
            await Bluez(ADDRESS).powered_adapter()
            return
        await asyncio.sleep(1)


async def measure_plain(bench: Bench, mode: str) -> None:
    """Measure what bleak hears by itself, as most gateways use it: "active" or "passive"."""
    await power_on()

    def heard(_device: BLEDevice, data: AdvertisementData) -> None:
        bench.shop_heard += data.manufacturer_data.get(APPLE_COMPANY_ID, b"")[2:18] == SHOP_UUID

    patterns: list[OrPatternLike] = [OrPattern(0, AdvertisementDataType.MANUFACTURER_SPECIFIC_DATA, b"\x4c\x00\x02\x15")]
    async with BleakScanner(heard, scanning_mode="active" if mode == "active" else "passive", bluez={"or_patterns": patterns}):
        say(mode, "share", await bench.share())


def say(mode: str, part: str, result: dict[str, Any]) -> None:
    """One result on the serial line."""
    print("RESULT " + json.dumps({"mode": mode, "part": part, **result}), flush=True)


async def main(words: list[str]) -> None:
    """The modes, each with its parts, in the order given, in one boot."""
    bench = Bench()
    await until(COUNTERS.exists, GIVE_UP_S)
    for mode, parts in by_mode(words):
        if mode in ("active", "passive"):
            await measure_plain(bench, mode)
        else:
            await measure(bench, mode, parts)
    bench.air.terminate()
    bench.bluetoothd.terminate()


def by_mode(words: list[str]) -> list[tuple[str, list[str]]]:
    """The words, each mode with its parts."""
    runs: list[tuple[str, list[str]]] = []
    for word in words:
        if word in MODES:
            runs.append((word, []))
        else:
            runs[-1][1].append(word)
    return runs


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
