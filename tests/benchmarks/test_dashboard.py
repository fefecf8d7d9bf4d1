"""What the dashboard costs the gateway: a beat of the live stream for fifty browsers, and one page, beside plain floors.

12 zones, 200 people, 20 items a second: a shop on a Saturday.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from dataclasses import asdict
from timeit import repeat

import httpx
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from gateway.dashboard.app import create_app
from gateway.dashboard.hub import PULSE_S, Hub
from gateway.settings import DashboardSettings
from gateway.zones.plan import load_plan
from tests.support.pretend_view import PretendView
from tests.support.supermarket import PLAN_FILE

BROWSERS = 50
HAPPENINGS_PER_BEAT = round(20 * PULSE_S)


@pytest.fixture
def view() -> PretendView:
    shop = PretendView(load_plan(PLAN_FILE))
    for number in range(200):
        shop.come([f"s-{number}"], shop.plan.zone_ids[number % 12])
    shop.wander(100)
    return shop


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def best_s(work: object) -> float:
    return min(repeat(work, number=20, repeat=5)) / 20  # type: ignore[arg-type]  # a plain callable


def test_a_beat_for_fifty_browsers(benchmark: BenchmarkFixture, view: PretendView, loop: asyncio.AbstractEventLoop) -> None:
    hub = Hub(view)
    streams: list[AsyncGenerator[bytes, None]] = [hub.stream() for _ in range(BROWSERS)]
    now_s = 0.0

    async def take_all() -> list[bytes]:
        return [await anext(stream) for stream in streams]

    def beat() -> list[bytes]:
        nonlocal now_s
        now_s += PULSE_S
        view.wander(HAPPENINGS_PER_BEAT)
        hub.beat(now_s)
        return loop.run_until_complete(take_all())

    loop.run_until_complete(take_all())
    chunks = benchmark(beat)
    assert len(set(chunks)) == 1
    assert chunks[0].count(b"event: item") >= HAPPENINGS_PER_BEAT
    floor_s = best_s(lambda: json.dumps(asdict(view.frame())))
    if benchmark.stats:
        taken_s = benchmark.stats.stats.min
        benchmark.extra_info["times one json.dumps of the frame"] = f"{taken_s / floor_s:.2f}"
        benchmark.extra_info["of a core, with 50 browsers"] = f"{100 * taken_s / PULSE_S:.2f} %"


def test_the_first_page(benchmark: BenchmarkFixture, view: PretendView, loop: asyncio.AbstractEventLoop) -> None:
    transport = httpx.ASGITransport(app=create_app(view, settings=DashboardSettings()))
    browser = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")
    page = benchmark(lambda: loop.run_until_complete(browser.get("/")))
    floor_s = best_s(lambda: loop.run_until_complete(browser.get("/healthz")))
    loop.run_until_complete(browser.aclose())
    assert page.status_code == 200
    assert page.text.count('class="dot"') > 150
    if benchmark.stats:
        benchmark.extra_info["times an empty answer"] = f"{benchmark.stats.stats.min / floor_s:.1f}"
        benchmark.extra_info["bytes"] = len(page.content)
