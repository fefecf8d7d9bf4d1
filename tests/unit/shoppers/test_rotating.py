"""The reference for rotating ids, held to vectors that app developers check theirs against."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

import pytest

from gateway.shoppers.identities import Identities, Rotating
from gateway.shoppers.rotating import message, rotating_id, window_at

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['store']}-{vector['unix_s']}-{vector['key'][:4]}")
def test_the_reference_gives_the_vectors(vector: dict[str, object]) -> None:
    window = window_at(float(str(vector["unix_s"])))
    made = rotating_id(bytes.fromhex(str(vector["key"])), message(str(vector["store"]), window))
    assert window == vector["window"]
    assert (int.from_bytes(made[:2], "big"), int.from_bytes(made[2:], "big")) == (vector["major"], vector["minor"])


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['store']}-{vector['unix_s']}-{vector['key'][:4]}")
def test_the_vectors_follow_from_the_written_formula_alone(vector: dict[str, object]) -> None:
    written = (
        b"etalage rotating id 1\x00"
        + str(vector["store"]).encode()
        + b"\x00"
        + (int(str(vector["unix_s"])) // 900).to_bytes(8, "big")
    )
    digest = hmac.new(bytes.fromhex(str(vector["key"])), written, hashlib.sha256).digest()
    assert written.hex() == vector["message"]
    assert str(vector["payload"]) == "0215" + str(vector["uuid"]) + digest[:4].hex() + "c5"


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['store']}-{vector['unix_s']}-{vector['key'][:4]}")
def test_a_phone_that_sends_a_vector_is_recognised(vector: dict[str, object]) -> None:
    identities = Identities(str(vector["store"]))
    member = Rotating(bytes.fromhex(str(vector["uuid"])), bytes.fromhex(str(vector["key"])))
    identities.load([("s-1", member)], float(str(vector["unix_s"])))
    assert identities.resolve(bytes.fromhex(str(vector["payload"]))[2:22]) == "s-1"
