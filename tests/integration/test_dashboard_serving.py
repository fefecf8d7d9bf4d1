"""The dashboard on a real socket: its address, its end, and many readers at once."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from gateway.dashboard import DashboardError
from gateway.dashboard.app import create_app
from gateway.dashboard.server import Listener, listen
from gateway.settings import DashboardSettings, StorageSettings
from gateway.storage import Store, open_store
from gateway.zones.plan import load_plan
from tests.support.pretend_view import PretendView
from tests.support.supermarket import PLAN_FILE

pytestmark = pytest.mark.anyio
ANY_PORT = DashboardSettings(port=0)
NOW = datetime.now(UTC)


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
    listener = listen(settings, Path(), NOW)
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
    listen(DashboardSettings(port=listener.port), Path(), NOW).close()


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
            listen(DashboardSettings(port=port), Path(), NOW)


@pytest.mark.parametrize("host", ["192.0.2.77", "no-such-name.invalid"])
def test_an_address_that_isn_t_ours_is_named_with_what_to_do(host: str, tmp_path: Path) -> None:
    with pytest.raises(DashboardError, match=r"dashboard\.host"):
        listen(DashboardSettings(host=host, port=0), tmp_path, NOW)


async def test_the_network_gets_https_with_the_box_s_own_certificate(view: PretendView, store: Store, tmp_path: Path) -> None:
    settings = DashboardSettings(host="0.0.0.0", port=0, tls_port=0)
    listener = listen(settings, tmp_path / "tls", NOW)
    certificate = listener.certificate
    assert certificate is not None
    assert certificate.authority is not None
    app = create_app(view, settings=settings, store=store, certificate=certificate, tls_port=listener.tls_port)
    trusting = ssl.create_default_context(cadata=certificate.authority)
    task = asyncio.create_task(listener.serve(app))
    try:
        async with httpx.AsyncClient(verify=trusting) as browser:
            page = await browser.get(f"https://127.0.0.1:{listener.tls_port}/trust")
            assert page.status_code == 200
            assert certificate.fingerprint in page.text
        assert listener.url == f"http://127.0.0.1:{listener.port}/"
        assert all(url.startswith("https://") and url.endswith(f":{listener.tls_port}/") for url in listener.urls)
        assert not any("0.0.0.0" in url for url in listener.urls)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        app.state.close()


def test_behind_a_proxy_there_is_no_tls_of_our_own(tmp_path: Path) -> None:
    listener = listen(DashboardSettings(host="0.0.0.0", port=0, tls="off"), tmp_path / "tls", NOW)
    assert (listener.tls_port, listener.certificate) == (None, None)
    assert not (tmp_path / "tls").exists()
    listener.close()


def test_a_shop_s_own_certificate_that_can_t_be_used_is_said_and_leaves_no_port_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = DashboardSettings(
        host="0.0.0.0", port=port, tls_port=0, tls="files", certificate=tmp_path / "shop.pem", certificate_key=tmp_path / "shop.key"
    )
    with pytest.raises(DashboardError, match=r"shop\.pem: can't be read"):
        listen(settings, tmp_path / "tls", NOW)
    listen(DashboardSettings(port=port), tmp_path, NOW).close()
