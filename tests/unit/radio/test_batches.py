"""The scanner role: the shop's own beacons in batches, nothing of anybody else."""

from __future__ import annotations

from gateway.messages import Event, SightingsBatch
from gateway.model import USABLE_S, Advertisement
from gateway.radio.batches import LIFE_S, READINGS_MAX, WAITING_MAX, Batches
from gateway.radio.remote import RemoteScanners

UUID = bytes(range(16))
OWN = b"\x02\x15" + UUID + b"\x00\x01\x00\x02\xc5"
STRANGER = b"\x02\x15" + bytes(16) + b"\x00\x01\x00\x02\xc5"


def heard(at_s: float, payload: bytes = OWN) -> Advertisement:
    return Advertisement(at_s, "pi-2", "C0:00:00:00:00:01", -70, payload)


def batches() -> Batches:
    return Batches("pi-2", frozenset({UUID}), first_sequence=100)


def test_only_the_shops_own_beacons_leave_the_box() -> None:
    out = batches()
    for payload in (OWN, STRANGER, b"", b"\x10\x05abc", OWN[:22]):
        out.hear(heard(1.0, payload))
    batch = out.take(1.5)
    assert batch is not None
    assert batch.readings == [(1.0, OWN[2:22].hex(), -70)]
    assert out.left_out == 4
    assert out.take(1.5) is None


def test_an_address_is_never_in_a_batch() -> None:
    out = batches()
    out.hear(heard(1.0))
    batch = out.take(1.0)
    assert batch is not None
    assert "C0:00" not in batch.model_dump_json()


def test_batches_are_numbered_and_limited_in_size() -> None:
    out = batches()
    for i in range(2 * READINGS_MAX + 5):
        out.hear(heard(1.0 + i / 1000))
    sizes = []
    while (batch := out.take(3.0)) is not None:
        sizes.append((batch.sequence, len(batch.readings)))
    assert sizes == [(101, READINGS_MAX), (102, READINGS_MAX), (103, 5)]


def test_what_waited_too_long_is_dropped_and_memory_is_bounded() -> None:
    out = batches()
    for i in range(WAITING_MAX + 1000):
        out.hear(heard(i / 1000))
    assert len(out._waiting) == WAITING_MAX
    assert out.take(1000.0 + USABLE_S) is None
    assert len(out._waiting) == 0


def test_a_batch_is_understood_by_the_box_that_receives_it() -> None:
    out = batches()
    out.hear(heard(1000.0))
    batch = out.take(1000.5)
    assert batch is not None
    event = Event[SightingsBatch](
        specversion="1.0", id="pi-2-101", source="gw-2", type=SightingsBatch.TYPE, time="2026-11-18T11:06:40Z", data=batch
    )
    scanners = RemoteScanners("p", ["pi-2"])
    (received,) = scanners.parse("p/sightings/pi-2", event.model_dump_json().encode(), 1000.6).advertisements
    assert (received.at_s, received.scanner, received.rssi_dbm, received.payload[:22]) == (1000.0, "pi-2", -70, OWN[:22])


def test_a_scanner_that_hears_only_others_says_now_and_then_that_it_lives() -> None:
    out = Batches("pi-2", frozenset({OWN[2:18]}), 100, boot="b1")
    life = out.sign_of_life(1000.0)
    assert life is not None
    assert (life.sequence, life.boot, life.readings) == (101, "b1", [])
    assert out.sign_of_life(1000.0 + LIFE_S - 1) is None
    out.hear(heard(1004.5))
    assert out.take(1004.6) is not None
    assert out.sign_of_life(1000.0 + LIFE_S) is None, "it has just spoken"
    again = out.sign_of_life(1004.6 + LIFE_S)
    assert again is not None
    assert again.sequence == 103
    assert out.sign_of_life(10.0) is not None, "a clock that was set back doesn't silence it"
