"""What hearing costs: a packet of the kernel's to an advertisement, beside the bare reading of a packet in the same run."""

from __future__ import annotations

import os
import random
import socket
import struct
import time
from collections.abc import Callable

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from gateway.model import Advertisement
from gateway.radio import mgmt_protocol as mgmt
from gateway.radio.frames import beacon_id
from gateway.radio.health import Tally
from gateway.radio.mgmt_source import MgmtSource

PACKETS = 20_000
UUID = bytes(range(16))
MOST_TIMES_THE_FLOOR = 12
"""A packet may cost this many times one `recv` and a header's `unpack`. Measured: 3 to 5."""
MEMORY_FLAT_KB = 2048


def packet(data: bytes, address: bytes) -> bytes:
    body = address + struct.pack("<BbIH", 2, -70, 0, len(data)) + data
    return mgmt.HEADER.pack(mgmt.DEVICE_FOUND, 0, len(body)) + body


def air(count: int, seed: int = 5) -> list[bytes]:
    """A shop's air: 70 % other traffic, 20 % strangers' beacons, 10 % the shop's own, and a new address each time."""
    rng = random.Random(seed)
    packets = []
    for _ in range(count):
        kind = rng.random()
        uuid = UUID if kind > 0.9 else rng.randbytes(16)
        beacon = bytes([2, 1, 6, 26, 0xFF, 0x4C, 0, 2, 0x15]) + uuid + rng.randbytes(5)
        other = bytes([2, 1, 6, 9, 0xFF, 0xE0, 0]) + rng.randbytes(6)
        packets.append(packet(beacon if kind > 0.7 else other, rng.randbytes(6)))
    return packets


def listening(hear: Callable[[Advertisement], None]) -> tuple[MgmtSource, Tally]:
    """A source as it is after `start`, without a socket."""
    source, tally = MgmtSource("pi-1", "hci0", clock=time.time), Tally()
    source._index = 0
    source._listen(hear, tally)
    return source, tally


@pytest.fixture(scope="module")
def packets() -> list[bytes]:
    return air(PACKETS)


def floor_s(packets: list[bytes]) -> float:
    """Seconds for one `recv` and one header each: what no reader can do without."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        spent_s = 0.0
        for start in range(0, len(packets), 50):
            for one in packets[start : start + 50]:
                theirs.send(one)
            begun_s = time.perf_counter()
            for _ in packets[start : start + 50]:
                mgmt.HEADER.unpack_from(ours.recv(4096))
            spent_s += time.perf_counter() - begun_s
    return spent_s


def test_a_packet_costs_a_few_times_the_bare_reading_of_it(benchmark: BenchmarkFixture, packets: list[bytes]) -> None:
    source, tally = listening(lambda advertisement: None)

    def hear_all() -> None:
        for one in packets:
            source._event(one)

    benchmark(hear_all)
    assert tally.heard > 0.25 * tally.life
    if benchmark.stats:
        each_us, floor_us = (1e6 * seconds / PACKETS for seconds in (benchmark.stats.stats.min, floor_s(packets)))
        benchmark.extra_info |= {"µs each": round(each_us, 2), "floor µs": round(floor_us, 2)}
        assert each_us <= MOST_TIMES_THE_FLOOR * floor_us


def test_a_beacon_id_is_cut_out_of_a_payload(benchmark: BenchmarkFixture) -> None:
    payloads = [b"\x02\x15" + UUID + bytes(5), b"\x10\x05abcde", b""] * 1000

    def cut_all() -> int:
        return sum(beacon_id(payload) is not None for payload in payloads)

    assert benchmark(cut_all) == 1000
    if benchmark.stats:
        benchmark.extra_info["µs each"] = round(1e6 * benchmark.stats.stats.min / len(payloads), 3)


def test_memory_is_flat_from_ten_thousand_to_three_hundred_thousand_addresses() -> None:
    source, tally = listening(lambda advertisement: None)
    for one in air(10_000):
        source._event(one)
    before_kb = resident_kb()
    for round_ in range(29):
        for one in air(10_000, seed=round_):
            source._event(one)
    assert tally.life == 300_000
    assert resident_kb() - before_kb <= MEMORY_FLAT_KB


def resident_kb() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
