"""Remote scanners' messages, spoilt at random: none raises, none invents a reception, and what is refused is counted by reason.

A short form runs with the tests; `make fuzz` runs 100,000. ETALAGE_FUZZ sets the number, ETALAGE_FUZZ_SEED the seed.
"""

from __future__ import annotations

import base64
import binascii
import copy
import json
import os
import random
from collections.abc import Callable
from typing import Any

import pytest

from gateway.model import USABLE_S
from gateway.radio.frames import RSSI_RANGE_DBM, beacon_id
from gateway.radio.remote import FORMATS, RemoteScanners
from gateway.radio.remote.refusals import RefusalReason
from tests.support.scanner_messages import NAMES, NOW_S, PREFIX, SAMPLES, batch

MESSAGES = int(os.environ.get("ETALAGE_FUZZ", "3000"))
SEED = int(os.environ.get("ETALAGE_FUZZ_SEED", "20261127"))
SCANNERS = (*NAMES.values(), "pi-2")

BASES: list[tuple[str, Any]] = [
    *((topic, message) for topic, message, _ in SAMPLES.values()),
    (f"{PREFIX}/sightings/pi-2", json.loads(batch())),
    (f"{PREFIX}/sightings/app", json.loads(batch(scanner="app", shopper="s-1"))),
]
ODD: list[Any] = [
    None, True, False, 0, 1, -1, 127, -128, 70_000, -40_000, 1e308, -1e308, 1e12, 3.5, "", "x", "NaN", "-71", "1e999", "\x00",
    "é" * 40, "4c000215", "ff" * 31, "0" * 5000, [], {}, [[]], [None], {"": None}, NOW_S, NOW_S * 1000,
    NOW_S + 86400, NOW_S - 86400, "2026-11-18T11:06:40Z", "2026-13-40T99:99:99", "iBeacon", "iBeacon:zz-1-2",
]  # fmt: skip

Place = tuple[Any, Any]
"""A container in a message, and a key or index into it."""


def places(value: Any) -> list[Place]:
    """Every place in a message."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [place for key in keys for place in ((value, key), *places(value[key]))]


def put_something_odd(message: Any, rng: random.Random) -> None:
    container, key = rng.choice(places(message))
    container[key] = copy.deepcopy(rng.choice(ODD))


def take_something_out(message: Any, rng: random.Random) -> None:
    container, key = rng.choice(places(message))
    del container[key]


def copy_something_over(message: Any, rng: random.Random) -> None:
    container, key = rng.choice(places(message))
    other, other_key = rng.choice(places(message))
    container[key] = copy.deepcopy(other[other_key])


def spoil_a_text(message: Any, rng: random.Random) -> None:
    texts = [(container, key) for container, key in places(message) if isinstance(container[key], str) and container[key]]
    if not texts:
        return
    container, key = rng.choice(texts)
    at = rng.randrange(len(container[key]))
    container[key] = container[key][:at] + rng.choice(("", "f", "0", "-", " ", "Z", "\ud800")) + container[key][at + 1 :]


CHANGES: tuple[Callable[[Any, random.Random], None], ...] = (
    put_something_odd,
    take_something_out,
    copy_something_over,
    spoil_a_text,
)


def spoilt(rng: random.Random) -> tuple[str, bytes]:
    """A message of a known shape with one to four changes; sometimes its bytes are changed as well."""
    topic, message = rng.choice(BASES)
    message = copy.deepcopy(message)
    for _ in range(rng.randint(1, 4)):
        if places(message):
            rng.choice(CHANGES)(message, rng)
    body = bytearray(json.dumps(message).encode())
    if rng.random() < 0.2:
        body[rng.randrange(len(body))] = rng.randrange(256)
    return topic, bytes(body[: rng.randrange(len(body))] if rng.random() < 0.05 else body)


def said_in(topic: str, body: bytes) -> bytes:
    """All hex digits and all base64 of a message, as bytes in which a uuid that it names can be found."""
    text = topic + body.decode("utf-8", "replace")
    found = [text.replace("-", "").lower().encode()]
    for part in text.split('"'):
        try:
            found.append(base64.b64decode(part, validate=True).hex().encode())
        except (binascii.Error, ValueError):
            continue
    return b" ".join(found)


@pytest.mark.parametrize("part", range(10))
def test_a_spoilt_message_raises_nothing_invents_nothing_and_is_counted(part: int) -> None:
    rng = random.Random(SEED + part)
    others = {kind: entry.filter for kind, entry in FORMATS.items()}
    scanners = RemoteScanners(PREFIX, SCANNERS, others=others, names=NAMES)
    for number in range(MESSAGES // 10):
        topic, body = spoilt(rng)
        now_s = NOW_S + rng.uniform(-1, 1) if rng.random() < 0.9 else NOW_S + number
        before = scanners.refusals.total.total()
        readings = scanners.parse(topic, body, now_s)
        for one in readings.advertisements:
            beacon = beacon_id(one.payload)
            assert beacon is not None
            assert beacon[:16].hex().encode() in said_in(topic, body), (topic, body)
            assert one.scanner in SCANNERS
            assert one.rssi_dbm in RSSI_RANGE_DBM
            assert now_s - USABLE_S <= one.at_s <= now_s
        for phone in readings.phones:
            assert phone.beacon[:16].hex().encode() in said_in(topic, body)
            assert now_s - USABLE_S <= phone.at_s <= now_s
        if not _is_json(body):
            assert scanners.refusals.total.total() == before + 1, (topic, body)
        scanners.tick(now_s)
    assert {reason for _, reason in scanners.refusals.total} <= set(RefusalReason)
    assert {source for source, _ in scanners.refusals.total} <= {*SCANNERS, *FORMATS, "etalage", "app"}


@pytest.mark.parametrize("kind", SAMPLES)
@pytest.mark.parametrize("rssi", [None, "", "x", True, [], {}, 99, -400, "1e999"])
def test_a_strength_that_can_not_be_read_is_counted_in_every_format(kind: str, rssi: Any) -> None:
    topic, message, scanner = SAMPLES[kind]
    scanners = RemoteScanners(PREFIX, [scanner], others={kind: FORMATS[kind].filter}, names=NAMES)
    body = json.dumps(message).replace("-71.4", "-71").replace("-71", json.dumps(rssi))
    assert scanners.parse(topic, body.encode(), NOW_S).advertisements == []
    assert scanners.refusals.of(scanner) == {"malformed": 1}


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True
