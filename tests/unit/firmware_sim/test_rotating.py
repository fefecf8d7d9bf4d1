"""The simulated phones' rotating ids, held to the vectors that every app's maker is given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from firmware_sim.frames import ibeacon
from firmware_sim.rotating import WINDOW_S, Phone

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "shoppers" / "vectors.json").read_text(encoding="utf-8"))


def phone_of(vector: dict[str, Any]) -> Phone:
    return Phone(bytes.fromhex(vector["uuid"]), bytes.fromhex(vector["key"]), vector["store"])


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['store']}-{vector['unix_s']}-{vector['key'][:4]}")
def test_a_phone_advertises_what_the_vectors_say(vector: dict[str, Any]) -> None:
    beacon = phone_of(vector).beacon_at(vector["unix_s"])
    assert (beacon.major, beacon.minor) == (vector["major"], vector["minor"])
    assert ibeacon(beacon).hex() == vector["payload"]


def test_an_id_lasts_exactly_one_window() -> None:
    phone = phone_of(VECTORS[0])
    begins_s = VECTORS[0]["window"] * WINDOW_S
    within = {phone.beacon_at(begins_s + after_s) for after_s in (0.0, 0.5, WINDOW_S - 0.001)}
    assert len(within) == 1
    assert phone.beacon_at(begins_s - 0.001) not in within
    assert phone.beacon_at(begins_s + WINDOW_S) not in within


def test_an_opt_in_carries_the_key_and_a_representation_does_not() -> None:
    phone = phone_of(VECTORS[0])
    assert phone.as_optin() == {"uuid": VECTORS[0]["uuid"], "key": VECTORS[0]["key"]}
    assert "key" not in repr(phone)
