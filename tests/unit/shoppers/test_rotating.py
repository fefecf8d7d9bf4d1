"""The reference for rotating ids, held to vectors that app developers check theirs against."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from pathlib import Path
from typing import Any

import pytest

from gateway.shoppers.identities import Identities, Rotating
from gateway.shoppers.rotating import message, rotating_id, window_at

PAGE = Path(__file__).parents[3] / "docs" / "app-integration.md"
VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "vectors.json").read_text(encoding="utf-8"))


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


def test_the_page_for_app_developers_has_every_vector() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for vector in VECTORS:
        row = f"| `{vector['key']}` | `{vector['store']}` | {vector['unix_s']} | {vector['major']} | {vector['minor']} |"
        assert row in page


def test_the_python_on_that_page_runs_and_gives_the_vectors(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    first = VECTORS[0]
    assert capsys.readouterr().out == f"({first['major']}, {first['minor']})\n"
    for vector in VECTORS:
        made = names["major_minor"](bytes.fromhex(vector["key"]), vector["store"], vector["unix_s"])
        assert made == (vector["major"], vector["minor"])
