"""A dashboard under attack, over real sockets: silent connections, half-sent requests, long bodies; others are answered."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request

from gateway.dashboard import limits
from gateway.dashboard.app import create_app
from gateway.dashboard.problems import answer_all
from gateway.dashboard.server import listen
from gateway.settings import DashboardSettings
from gateway.zones.plan import load_plan
from tests.support.pretend_view import PretendView
from tests.support.supermarket import PLAN_FILE

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def served() -> AsyncIterator[tuple[str, int]]:
    app = create_app(PretendView(load_plan(PLAN_FILE), seed=3), settings=DashboardSettings(port=0))

    @app.get("/api/v1/echo")
    async def echo(request: Request) -> int:
        return len(await request.body())

    listener = listen(DashboardSettings(port=0), Path(), datetime.now(UTC))
    task = asyncio.create_task(listener.serve(app))
    yield listener.url, listener.port
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def closed(reader: asyncio.StreamReader) -> None:
    """Wait until the other side has closed."""
    with suppress(ConnectionError):
        while await reader.read(4096):
            pass


async def test_a_thousand_silent_connections_keep_nobody_out() -> None:
    async with served() as (url, port):
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(1_000)]
        async with httpx.AsyncClient(base_url=url) as honest:
            assert (await honest.get("/healthz")).status_code == 200
        await asyncio.wait_for(closed(silent[0][0]), 10)
        for _reader, writer in silent:
            writer.transport.abort()


async def test_six_hundred_half_sent_bodies_keep_nobody_out() -> None:
    half = b"GET /api/v1/echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\nn"
    async with served() as (url, port):
        waiting = [await asyncio.open_connection("127.0.0.1", port) for _ in range(600)]
        for _reader, writer in waiting:
            writer.write(half)
        async with httpx.AsyncClient(base_url=url) as honest:
            for _ in range(3):
                answered = await honest.request("GET", "/api/v1/echo", content=b"whole", headers={"Connection": "close"})
                assert answered.text == "5"
        await asyncio.wait_for(closed(waiting[0][0]), 10)
        for _reader, writer in waiting:
            writer.transport.abort()


async def test_who_holds_every_connection_gives_one_up_for_another_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "OPEN_MAX", 20)
    async with served() as (url, port):
        streams = []
        for _ in range(20):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /api/v1/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert await asyncio.wait_for(reader.readline(), 10) == b"HTTP/1.1 200 OK\r\n"
            streams.append((reader, writer))
        transport = httpx.AsyncHTTPTransport(local_address="127.0.0.2")
        async with httpx.AsyncClient(base_url=url, transport=transport) as elsewhere:
            assert (await elsewhere.get("/healthz")).status_code == 200
        await asyncio.wait_for(closed(streams[0][0]), 10)
        one_more, writer = await asyncio.open_connection("127.0.0.1", port)
        streams.append((one_more, writer))
        again, writer = await asyncio.open_connection("127.0.0.1", port)
        streams.append((again, writer))
        await asyncio.wait_for(closed(again), 10)
        for _reader, writer in streams:
            writer.transport.abort()


async def test_a_request_that_is_only_half_sent_does_not_live_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HEAD_WITHIN_S", 0.2)
    monkeypatch.setattr(limits, "BODY_WITHIN_S", 0.2)
    monkeypatch.setattr(limits, "LOOK_S", 0.1)
    async with served() as (_url, port):
        for half in (
            b"",
            b"GET / HTTP/1.1\r\nHost: 127.0",
            b"POST /api/v1/x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n1",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(half)
            await asyncio.wait_for(closed(reader), 10)
            writer.transport.abort()


async def test_a_stream_that_is_being_answered_may_stay_as_long_as_it_likes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HEAD_WITHIN_S", 0.1)
    monkeypatch.setattr(limits, "BODY_WITHIN_S", 0.1)
    monkeypatch.setattr(limits, "LOOK_S", 0.05)
    async with served() as (url, _port), httpx.AsyncClient(base_url=url) as browser, browser.stream("GET", "/api/v1/live") as live:
        began_s = time.monotonic()
        async for _chunk in live.aiter_raw():
            if time.monotonic() - began_s > 1.0:
                break


def takes_bodies() -> FastAPI:
    app = FastAPI()
    app.state.settings = DashboardSettings()
    app.add_middleware(limits.BodyLimit)

    @app.post("/{where:path}")
    async def take(request: Request) -> int:
        return len(await request.body())

    answer_all(app)
    return app


async def test_a_body_that_says_it_is_too_long_is_refused_before_any_of_it_is_read() -> None:
    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("it was read")
        yield b""

    transport = httpx.ASGITransport(takes_bodies())
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as till:
        refused = await till.post("/api/v1/redemptions", content=never(), headers={"Content-Length": "300000000"})
        assert refused.status_code == 413
        assert refused.json()["type"] == "urn:etalage:problem:too_long"


async def test_a_body_without_a_length_is_read_up_to_the_limit_of_its_route(anyio_backend: str) -> None:
    async def of(size: int) -> AsyncIterator[bytes]:
        for _ in range(size // 10_000):
            yield b" " * 10_000

    transport = httpx.ASGITransport(takes_bodies())
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as caller:
        assert (await caller.post("/api/v1/redemptions", content=of(60_000))).status_code == 200
        assert (await caller.post("/api/v1/redemptions", content=of(70_000))).status_code == 413
        assert (await caller.post("/api/v1/books", content=of(1_000_000))).status_code == 200
        assert (await caller.post("/api/v1/books", content=of(2_000_000))).status_code == 413


def test_the_unit_allows_more_descriptors_than_the_dashboard_takes() -> None:
    assert limits.OPEN_MAX + limits.SILENT_MAX < 4096
    assert socket.SOMAXCONN >= limits.SILENT_MAX
