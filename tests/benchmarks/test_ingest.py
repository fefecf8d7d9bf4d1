"""What an advertisement costs, from the scanner's callback to a zone decision, beside a plain Python floor in the same run.

The reference stream: 70 % other BLE traffic, 20 % foreign iBeacons, 10 % the store's own with 2,000 distinct ids; addresses rotate.
"""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from firmware_sim.frames import STORE_UUID, BeaconId, ibeacon
from gateway.line import Line
from gateway.model import Advertisement
from gateway.shoppers.identities import Identities, Static
from gateway.zones.plan import load_plan
from gateway.zones.tracker import make_tracker
from gateway.zones.visits import Visits
from tests.support.supermarket import PLAN_FILE

PLAN = load_plan(PLAN_FILE)
STREAM_LENGTH = 100_000
MEMBERS = 2_000
ADVERTISEMENTS_PER_S = 7_000.0
"""What ten radios hear in a full shop: the air holds 500 to 750 a second for each."""
SCANNERS = [scanner.id for scanner in PLAN.scanners]
OURS = [ibeacon(BeaconId(STORE_UUID, 1, 1 + minor)) for minor in range(MEMBERS)]


def reference_stream(length: int, seed: int = 7) -> list[Advertisement]:
    rng = random.Random(seed)
    stream = []
    for number in range(length):
        kind = rng.random()
        if kind < 0.7:
            payload = bytes([0x10, 5, *rng.randbytes(5)]) if kind < 0.5 else b""
        elif kind < 0.9:
            payload = ibeacon(BeaconId(rng.randbytes(16), rng.randrange(65536), rng.randrange(65536)))
        else:
            payload = rng.choice(OURS)
        address = f"{rng.getrandbits(48):012X}"
        stream.append(Advertisement(number / ADVERTISEMENTS_PER_S, rng.choice(SCANNERS), address, rng.randint(-95, -50), payload))
    return stream


def a_line() -> Line:
    identities = Identities("demo")
    identities.load(((f"s-{n}", Static(payload[2:22])) for n, payload in enumerate(OURS)), 0.0)
    rooms = SimpleNamespace(visited=lambda *_: None, forget=lambda _: None)
    return Line(identities, make_tracker(PLAN), Visits(PLAN), recall=rooms, people=rooms, ledger=rooms, shop=rooms)


def through_the_line(stream: list[Advertisement]) -> Line:
    line = a_line()
    hear = line.hear
    for advertisement in stream:
        hear(advertisement)
    return line


def plain_python(stream: list[Advertisement]) -> dict[str, tuple[float, str, int]]:
    """The least that any program in this language must do: look at the prefix, look the id up, keep the latest reading."""
    members = {payload[2:22]: f"s-{n}" for n, payload in enumerate(OURS)}
    latest: dict[str, tuple[float, str, int]] = {}
    for at_s, scanner, _address, rssi_dbm, payload, _measured in stream:
        if payload[:2] == b"\x02\x15" and len(payload) >= 23:
            shopper = members.get(payload[2:22])
            if shopper is not None:
                latest[shopper] = (at_s, scanner, rssi_dbm)
    return latest


@pytest.fixture(scope="module")
def stream() -> list[Advertisement]:
    return reference_stream(STREAM_LENGTH)


def say(benchmark: BenchmarkFixture, count: int) -> None:
    if benchmark.stats is not None:
        benchmark.extra_info["us_per_advertisement"] = round(benchmark.stats.stats.min / count * 1e6, 3)


def test_the_reference_stream_through_the_line(benchmark: BenchmarkFixture, stream: list[Advertisement]) -> None:
    line = benchmark.pedantic(through_the_line, args=(stream,), rounds=3)
    say(benchmark, len(stream))
    assert line.counts.heard == STREAM_LENGTH
    assert 0.08 < line.counts.sightings / STREAM_LENGTH < 0.12
    assert line.counts.moves > 0.98 * MEMBERS


def test_the_reference_stream_through_plain_python(benchmark: BenchmarkFixture, stream: list[Advertisement]) -> None:
    latest = benchmark.pedantic(plain_python, args=(stream,), rounds=3)
    say(benchmark, len(stream))
    assert len(latest) > 0.98 * MEMBERS


def test_only_strangers_through_the_line(benchmark: BenchmarkFixture, stream: list[Advertisement]) -> None:
    ours = set(OURS)
    strangers = [advertisement for advertisement in stream if advertisement.payload not in ours]
    line = benchmark.pedantic(through_the_line, args=(strangers,), rounds=3)
    say(benchmark, len(strangers))
    assert line.counts.sightings == 0
    assert line.counts.noise + line.counts.strangers == len(strangers)


MEMORY = """
import random, sys
sys.path.insert(0, {folder!r})
from test_ingest import a_line, reference_stream
from gateway.model import Advertisement

def resident_kb():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

line, rng = a_line(), random.Random(1)
payload = bytes.fromhex("0215") + bytes(20) + b"\\xc5"
def strangers(count):
    for number in range(count):
        line.hear(Advertisement(number / 700, "scan-1", "%012X" % number, -70, payload[:18] + number.to_bytes(4, "big") + b"\\xc5"))
strangers(10_000)
before = resident_kb()
strangers(1_000_000)
print(before, resident_kb())
"""


def test_memory_is_flat_from_ten_thousand_to_a_million_addresses(benchmark: BenchmarkFixture) -> None:
    def measure() -> tuple[int, int]:
        code = MEMORY.format(folder=str(Path(__file__).parent))
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
        before_kb, after_kb = map(int, done.stdout.split())
        return before_kb, after_kb

    before_kb, after_kb = benchmark.pedantic(measure, rounds=1)
    benchmark.extra_info["mb_after_10_thousand"] = round(before_kb / 1024, 1)
    benchmark.extra_info["mb_after_1_million"] = round(after_kb / 1024, 1)
    assert abs(after_kb - before_kb) < 2 * 1024
