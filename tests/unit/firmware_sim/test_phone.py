"""The demo's phone: the offer is there, and what the thumb does is sent once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from firmware_sim import phone
from firmware_sim.backend import Backend
from firmware_sim.phone import create_phone

FOLDER = Path(phone.__file__).parent
OFFER: dict[str, Any] = {
    "promise": "p-1",
    "shopper": "s-1",
    "offer": "wine-tasting",
    "kind": "voucher",
    "content": {"title": "Proef de nieuwe Rioja", "body": "Vandaag 10 %."},
    "voucher": {"code": "7KQ2-MX4P", "value": {"percent": 10}, "ends_at": "2026-11-21T20:00:00Z"},
}


@pytest.fixture
def backend() -> Backend:
    """Not connected: what it would send waits in its client."""
    return Backend("mqtt://127.0.0.1:1", "demo-chain", "demo")


@pytest.fixture
def client(backend: Backend) -> TestClient:
    beacon = {"uuid": "e2c56db5dffb48d2b060d0f5a71096e0", "major": 1, "minor": 1}
    made = TestClient(create_phone(backend, "s-1", {"beacon": beacon}))
    backend._arrived(OFFER, 0.0)
    backend._arrived({**OFFER, "promise": "p-2", "shopper": "s-2"}, 0.0)
    return made


def test_the_phone_shows_its_own_shoppers_offers_only(client: TestClient) -> None:
    shown = client.get("/cards").json()
    assert [card["promise"] for card in shown["cards"]] == ["p-1"]
    assert shown["cards"][0]["content"]["title"] == "Proef de nieuwe Rioja"
    assert "shopper" not in shown["cards"][0]


def test_what_the_thumb_does_becomes_one_receipt(client: TestClient, backend: Backend) -> None:
    for _ in range(3):
        assert client.post("/reactions", json={"promise": "p-1", "what": "tapped"}).status_code == 202
    assert backend.counts["receipts.tapped"] == 1
    assert client.get("/cards").json()["cards"][0]["did"] == ["delivered", "tapped"]


@pytest.mark.parametrize(
    ("body", "status"), [({"promise": "p-2", "what": "tapped"}, 404), ({"promise": "p-1", "what": "eaten"}, 422), ({}, 422)]
)
def test_what_cannot_be_is_refused(client: TestClient, body: dict[str, str], status: int) -> None:
    assert client.post("/reactions", json=body).status_code == status


def test_no_dice_act_for_a_shopper_in_somebodys_hand(client: TestClient, backend: Backend) -> None:
    assert not [entry for entry in backend._later if "p-1" in str(entry)]
    assert backend.cards["p-1"].did == ["delivered"]


def test_a_shopper_can_withdraw_and_come_back(client: TestClient, backend: Backend) -> None:
    client.post("/consent", json={"yes": False})
    assert client.get("/cards").json()["consent"] is False
    client.post("/consent", json={"yes": True})
    assert backend.counts["etalage.optin.withdrawn"] == 1
    assert backend.counts["etalage.optin.given"] == 1


def test_another_host_name_is_turned_away(client: TestClient) -> None:
    assert client.get("/cards", headers={"Host": "evil.example"}).status_code == 400


def test_the_page_loads_nothing_from_elsewhere(client: TestClient) -> None:
    page = client.get("/")
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    files = re.findall(r'(?:href|src)="([^"]+)"', page.text)
    assert files == ["static/icon.svg", "static/phone.css", "static/phone.js"]
    assert all(client.get(f"/{name}").status_code == 200 for name in files)


def test_every_word_of_the_phone_exists_in_every_language(client: TestClient) -> None:
    words = client.get("/words").json()
    used = re.findall(r'word\("(\w+)"\)', (FOLDER / "static" / "phone.js").read_text(encoding="utf-8"))
    used += re.findall(r'data-word="(\w+)"', (FOLDER / "phone.html").read_text(encoding="utf-8"))
    assert list(words) == ["nl", "en"]
    assert all(set(used) <= set(said) for said in words.values())
    assert (words["nl"]["otherCode"], words["nl"]["other"], words["en"]["otherCode"]) == ("en", "English", "nl")
