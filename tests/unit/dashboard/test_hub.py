"""The live stream: snapshot first, encoded once, bounded, resumed where it broke off."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.dashboard.feed import ROWS_MAX
from gateway.dashboard.hub import HEARTBEAT, HEARTBEAT_S, Hub
from tests.support.pretend_view import PretendView

pytestmark = pytest.mark.anyio


def events(chunk: bytes) -> list[tuple[str, str | None, Any]]:
    """(event, id, data) of each message in a chunk."""
    found = []
    for block in chunk.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "event" in fields:
            found.append((fields["event"], fields.get("id"), json.loads(fields["data"])))
    return found


async def next_chunk(stream: AsyncIterator[bytes]) -> bytes:
    return await asyncio.wait_for(anext(stream), 5)


async def beaten(hub: Hub, stream: AsyncIterator[bytes], at_s: float) -> bytes:
    """What a waiting stream gets from one beat."""
    waiting = asyncio.ensure_future(next_chunk(stream))
    await asyncio.sleep(0)
    hub.beat(at_s)
    return await waiting


async def test_a_stream_starts_with_everything_the_page_needs(view: PretendView) -> None:
    hub = Hub(view)
    [(event, event_id, data)] = events(await next_chunk(hub.stream()))
    assert event == "snapshot"
    assert event_id == hub.last_id
    assert data["fresh"] is True
    assert len(data["frame"]["zones"]) == 12
    assert data["health"]["heading"] == {"nl": "Alles gaat goed", "en": "All is well"}
    assert [row["sequence"] for row in data["rows"]] == [sequence for sequence, _ in view.feed.after(0)]


async def test_a_beat_tells_what_is_new_and_only_that(view: PretendView) -> None:
    hub = Hub(view)
    stream = hub.stream()
    await next_chunk(stream)
    kinds = [event for event, _, _ in events(await beaten(hub, stream, 0.0))]
    assert sorted(kinds) == ["frame", "health"]
    view.promise("s-1", "Kaas")
    told = events(await beaten(hub, stream, 0.25))
    assert [event for event, _, _ in told] == ["item", "item"]
    assert told[0][2]["item"]["offer"] == "Kaas"
    assert told[-1][1] == hub.last_id


async def test_all_browsers_get_the_very_same_bytes(view: PretendView) -> None:
    hub = Hub(view)
    streams = [hub.stream() for _ in range(5)]
    for stream in streams:
        await next_chunk(stream)
    waiting = [asyncio.ensure_future(next_chunk(stream)) for stream in streams]
    await asyncio.sleep(0)
    view.promise("s-1", "Kaas")
    hub.beat(0.0)
    chunks = await asyncio.gather(*waiting)
    assert len(set(chunks)) == 1


async def test_a_slow_browser_gets_the_newest_frame_and_no_older_one(view: PretendView) -> None:
    hub = Hub(view)
    slow = hub.stream()
    await next_chunk(slow)
    for beat in range(40):
        view.come([f"late-{beat}"], "wine")
        hub.beat(beat * 0.25)
    told = events(await next_chunk(slow))
    frames = [data for event, _, data in told if event == "frame"]
    assert len(frames) == 1
    assert sum(zone["count"] for zone in frames[0]["zones"]) + frames[0]["unplaced"] == 52
    assert len(told) <= ROWS_MAX + 2


async def test_a_frame_that_came_while_a_browser_was_busy_reaches_it_with_the_next_beat(view: PretendView) -> None:
    hub = Hub(view)
    busy = hub.stream()
    await next_chunk(busy)
    view.come(["new"], "wine")
    hub.beat(0.0)
    view.promise("new", "Kaas")
    hub.beat(0.25)
    kinds = {event for event, _, _ in events(await next_chunk(busy))}
    assert kinds == {"frame", "health", "item"}


async def test_a_stream_resumes_after_the_last_row_a_browser_saw(view: PretendView) -> None:
    hub = Hub(view)
    seen = hub.last_id
    view.promise("s-2", "Recept")
    [(_, _, data)] = events(await next_chunk(hub.stream(seen)))
    assert data["fresh"] is False
    assert [row["item"]["offer"] for row in data["rows"]] == ["Recept", "Recept"]


@pytest.mark.parametrize("stale", ["0000-3", "garbage", "", "-", "²", "9" * 40])
async def test_an_id_of_another_run_or_no_id_at_all_starts_afresh(view: PretendView, stale: str) -> None:
    hub = Hub(view)
    [(_, _, data)] = events(await next_chunk(hub.stream(stale)))
    assert data["fresh"] is True


async def test_a_quiet_shop_sends_a_heartbeat_and_nothing_else(view: PretendView, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.dashboard.hub.HEALTH_EVERY_S", 1e9)
    hub = Hub(view)
    stream = hub.stream()
    await next_chunk(stream)
    await beaten(hub, stream, 0.0)
    waiting = asyncio.ensure_future(next_chunk(stream))
    await asyncio.sleep(0)
    hub.beat(HEARTBEAT_S - 0.1)
    await asyncio.sleep(0)
    assert not waiting.done()
    hub.beat(HEARTBEAT_S)
    assert await waiting == HEARTBEAT


async def test_the_hub_asks_the_shop_nothing_while_nobody_looks(view: PretendView, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.dashboard.hub.PULSE_S", 0.0)
    hub = Hub(view)
    asked = 0

    def counting() -> object:
        nonlocal asked
        asked += 1
        return PretendView.frame(view)

    monkeypatch.setattr(view, "frame", counting)
    running = asyncio.create_task(hub.run())
    for _ in range(20):
        await asyncio.sleep(0)
    assert asked == 0
    stream = hub.stream()
    await next_chunk(stream)
    await next_chunk(stream)
    assert asked > 1
    await stream.aclose()
    assert hub.clients == 0
    hub.close()
    await asyncio.wait_for(running, 5)


async def test_closing_the_hub_ends_every_stream(view: PretendView) -> None:
    hub = Hub(view)
    stream = hub.stream()
    await next_chunk(stream)
    waiting = asyncio.ensure_future(next_chunk(stream))
    await asyncio.sleep(0)
    hub.close()
    with pytest.raises(StopAsyncIteration):
        await waiting
    assert hub.clients == 0


async def test_no_pseudonym_ever_enters_the_stream(view: PretendView) -> None:
    hub = Hub(view)
    stream = hub.stream()
    chunks = await next_chunk(stream) + await beaten(hub, stream, 0.0)
    assert b"s-1" not in chunks
    assert b"shopper" not in chunks
