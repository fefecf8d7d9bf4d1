"""A pretend shop, and the application over it as different callers meet it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from gateway.dashboard.app import create_app
from gateway.settings import DashboardSettings, StorageSettings
from gateway.storage import Store, open_store
from gateway.storage.users import Role, create_token
from gateway.zones.plan import StorePlan, load_plan
from tests.support.pretend_view import PretendView
from tests.support.supermarket import PLAN_FILE

AT_S = 1_795_255_200.0


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def plan() -> StorePlan:
    return load_plan(PLAN_FILE)


@pytest.fixture
def view(plan: StorePlan) -> PretendView:
    shop = PretendView(plan, seed=1)
    shop.come([f"s-{number}" for number in range(12)])
    shop.wander(20)
    return shop


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(StorageSettings(path=tmp_path / "etalage.db"))
    yield store
    store.close()


@pytest.fixture
def token(store: Store) -> Callable[[Role], str]:
    def make(role: Role) -> str:
        return store.writer.submit(lambda connection: create_token(connection, name=f"{role}-1", role=role, at_s=AT_S)).result()

    return make


@pytest.fixture
def app(view: PretendView, store: Store) -> FastAPI:
    return create_app(view, settings=DashboardSettings(hosts=("shop.local",)), store=store)


Client = Callable[..., httpx.AsyncClient]


@pytest.fixture
def client(app: FastAPI) -> Client:
    """A client of the application; `address` is where its calls come from."""

    def make(address: str = "127.0.0.1", host: str = "127.0.0.1:8080", **headers: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=app, client=(address, 50_000), raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url=f"http://{host}", headers=headers)

    return make
