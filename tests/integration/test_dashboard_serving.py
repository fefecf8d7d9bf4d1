"""The dashboard on a real socket: its address, its end, and many readers at once."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from gateway.dashboard import DashboardError
from gateway.dashboard.app import create_app
from gateway.dashboard.server import Listener, listen
from gateway.settings import DashboardSettings, StorageSettings
from gateway.storage import Store, open_store
from gateway.storage.users import Role, create_token
from gateway.zones.plan import load_plan
from tests.support.pretend_view import PretendView
from tests.support.supermarket import PLAN_FILE

pytestmark = pytest.mark.anyio
ANY_PORT = DashboardSettings(port=0)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def view() -> PretendView:
    shop = PretendView(load_plan(PLAN_FILE))
    shop.come([f"s-{number}" for number in range(10)])
    return shop


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(StorageSettings(path=tmp_path / "etalage.db"))
    yield store
    store.close()


@asynccontextmanager
async def serving(app: FastAPI, settings: DashboardSettings = ANY_PORT) -> AsyncIterator[tuple[Listener, asyncio.Task[None]]]:
    listener = listen(settings)
    task = asyncio.create_task(listener.serve(app))
    try:
        yield listener, task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_the_page_answers_at_the_address_it_reports(view: PretendView) -> None:
    async with serving(create_app(view, settings=ANY_PORT)) as (listener, _), httpx.AsyncClient(base_url=listener.url) as browser:
        assert listener.port > 0
        assert (await browser.get("/")).status_code == 200


async def test_it_ends_with_open_streams_and_leaves_the_port_free(view: PretendView) -> None:
    app = create_app(view, settings=ANY_PORT)
    async with serving(app) as (listener, task), httpx.AsyncClient(base_url=listener.url, timeout=20) as browser:
        async with browser.stream("GET", "/api/v1/live") as one, browser.stream("GET", "/api/v1/live") as other:
            lines = [answer.aiter_lines() for answer in (one, other)]
            assert [await anext(line) for line in lines] == ["retry: 2000"] * 2
            task.cancel()
            # The streams end as streams do, instead of being cut off.
            for line in lines:
                assert [rest async for rest in line]
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(task, 5)
        assert app.state.hub.clients == 0
    listen(DashboardSettings(port=listener.port)).close()


async def test_it_leaves_the_signals_to_the_gateway(view: PretendView) -> None:
    import signal

    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    async with serving(create_app(view, settings=ANY_PORT)) as (listener, _), httpx.AsyncClient(base_url=listener.url) as browser:
        await browser.get("/healthz")
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


async def test_fifty_browsers_see_a_promise_and_cost_one_encoding(view: PretendView, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = 0
    frame = view.frame

    def counting() -> object:
        nonlocal encoded
        encoded += 1
        return frame()

    async def reads_until_the_promise(browser: httpx.AsyncClient, started: asyncio.Semaphore) -> bool:
        async with browser.stream("GET", "/api/v1/live") as answer:
            async for line in answer.aiter_lines():
                if line.startswith("event: snapshot"):
                    started.release()
                if "Kaas" in line:
                    return True
        return False

    limits = httpx.Limits(max_connections=100)
    async with (
        serving(create_app(view, settings=ANY_PORT)) as (listener, _),
        httpx.AsyncClient(base_url=listener.url, limits=limits, timeout=30) as browser,
    ):
        started = asyncio.Semaphore(0)
        readers = [asyncio.create_task(reads_until_the_promise(browser, started)) for _ in range(50)]
        for _ in readers:
            await asyncio.wait_for(started.acquire(), 20)
        monkeypatch.setattr(view, "frame", counting)
        view.promise("s-1", "Kaas")
        assert all(await asyncio.wait_for(asyncio.gather(*readers), 20))
    assert encoded < 25


async def test_a_browser_resumes_by_its_last_event_id(view: PretendView) -> None:
    async with serving(create_app(view, settings=ANY_PORT)) as (listener, _), httpx.AsyncClient(base_url=listener.url) as browser:

        async def snapshot(last_id: str) -> tuple[str, str]:
            async with browser.stream("GET", "/api/v1/live", headers={"Last-Event-ID": last_id} if last_id else {}) as answer:
                found = {}
                async for line in answer.aiter_lines():
                    name, _, value = line.partition(": ")
                    found[name] = value
                    if name == "data":
                        return found["id"], value
            raise AssertionError("the stream ended early")

        last_id, first = await snapshot("")
        view.promise("s-1", "Kaas")
        _, second = await snapshot(last_id)
    assert '"fresh":true' in first
    assert '"fresh":false' in second
    assert second.count('"sequence"') == 2


def test_a_taken_port_is_named_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(DashboardError, match=rf"127\.0\.0\.1:{port}.*another program.*dashboard\.port"):
            listen(DashboardSettings(port=port))


@pytest.mark.parametrize("host", ["192.0.2.77", "no-such-name.invalid"])
def test_an_address_that_isn_t_ours_is_named_with_what_to_do(host: str, store: Store) -> None:
    store.writer.submit(lambda connection: create_token(connection, name="a", role=Role.ADMIN, at_s=0.0)).result()
    with pytest.raises(DashboardError, match=r"dashboard\.host"):
        listen(DashboardSettings(host=host, port=0), store)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "shop.local"])
def test_it_is_not_served_beyond_this_box_while_no_token_exists(host: str, store: Store) -> None:
    for known in (None, store):
        with pytest.raises(DashboardError, match="etalage users token"):
            listen(DashboardSettings(host=host, port=0), known)


def test_with_a_token_it_listens_everywhere_and_tells_where_to_look(store: Store) -> None:
    store.writer.submit(lambda connection: create_token(connection, name="a", role=Role.ADMIN, at_s=0.0)).result()
    listener = listen(DashboardSettings(host="0.0.0.0", port=0), store)
    assert listener.url == f"http://127.0.0.1:{listener.port}/"
    listener.close()
