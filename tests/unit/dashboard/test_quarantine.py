"""The quarantine's calls, behind the real door."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from gateway.dashboard.api import quarantine
from gateway.dashboard.app import create_app
from gateway.settings import DashboardSettings, StorageSettings
from gateway.storage import Store, open_store, outbox
from gateway.storage.quarantine import quarantined, set_aside
from gateway.storage.users import Role, create_token
from gateway.zones.plan import load_plan
from tests.support.pretend_view import PretendView
from tests.support.supermarket import PLAN_FILE


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A database with one message set aside."""
    opened = open_store(StorageSettings(path=tmp_path / "etalage.db"))
    row: dict[str, Any] = {"topic": "offers", "shopper": "s-1", "body": "SECRET", "at_s": 1.0, "expires_at_s": 9e9}
    opened.writer.submit(partial(outbox.put, event_id="p-1", **row)).result()
    opened.writer.submit(partial(set_aside, event_id="p-1", reason="lost (5 times)", at_s=2.0)).result()
    yield opened
    opened.close()


@pytest.fixture
def app(store: Store) -> FastAPI:
    plan = load_plan(PLAN_FILE)
    settings = DashboardSettings(hosts=("testserver",))
    return create_app(PretendView(plan), settings=settings, store=store, routers=[quarantine.router(store)])


def call(app: FastAPI, store: Store, method: str, path: str, role: Role, **body: Any) -> httpx.Response:
    token = store.writer.submit(partial(create_token, name=f"{role.value}-{method.lower()}", role=role, at_s=0.0)).result()

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://testserver") as client:
            return await client.request(method, f"/api/v1{path}", headers={"Authorization": f"Bearer {token}"}, json=body or None)

    return asyncio.run(ask())


def test_staff_see_why_a_message_was_set_aside_and_not_what_it_says(app: FastAPI, store: Store) -> None:
    answer = call(app, store, "GET", "/quarantine", Role.STAFF)
    assert answer.status_code == 200
    assert [one["event_id"] for one in answer.json()] == ["p-1"]
    assert answer.json()[0]["reason"] == "lost (5 times)"
    assert "SECRET" not in answer.text
    assert "s-1" not in answer.text


def test_an_admin_sends_it_again(app: FastAPI, store: Store) -> None:
    assert call(app, store, "POST", "/quarantine/retry", Role.ADMIN, event_id="p-1").json() == {"moved": 1}
    with store.read() as connection:
        assert outbox.count(connection) == 1
        assert quarantined(connection) == []


def test_an_id_that_is_not_there_moves_nothing(app: FastAPI, store: Store) -> None:
    assert call(app, store, "POST", "/quarantine/retry", Role.ADMIN, event_id="nonsense").json() == {"moved": 0}


@pytest.mark.parametrize(("method", "path", "role"), [("GET", "/quarantine", Role.TILL), ("POST", "/quarantine/retry", Role.STAFF)])
def test_others_may_not(app: FastAPI, store: Store, method: str, path: str, role: Role) -> None:
    assert call(app, store, method, path, role, **({"event_id": "p-1"} if method == "POST" else {})).status_code == 403
