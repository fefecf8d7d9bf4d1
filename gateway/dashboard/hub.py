"""The live stream: one pulse for all browsers, each message encoded once and its bytes shared.

A client is nothing but a place in the stream: the beat and the feed row it saw last. On each beat it takes what is newer, so a
browser that reads slowly skips frames, costs no memory, and never makes another one wait.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from pydantic import TypeAdapter

from gateway.dashboard.feed import ROWS_MAX
from gateway.dashboard.panel import HealthPanel, panel
from gateway.dashboard.view import FeedItem, Frame, View

PULSE_S = 0.25
"""Four updates a second look live, and cost a browser a third of what one write per item does."""
HEALTH_EVERY_S = 2.0
"""Health is for people: nobody reads faster."""
HEARTBEAT_S = 15.0
"""A silent stream gets a comment this often, so that proxies and browsers know that it lives."""
HEARTBEAT = b": still here\n\n"
CLIENTS_MAX = 100
"""More open streams than this are no shop's staff, but a fault or an attack."""
RETRY_MS = 2000
"""How long a browser waits before it connects again."""


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One row of the feed with its number."""

    sequence: int
    item: FeedItem


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that a page needs to go on from here. `fresh` True: forget the rows you have, these are all."""

    frame: Frame
    health: HealthPanel
    rows: list[FeedRow]
    fresh: bool


STREAMED: dict[str, type] = {"snapshot": Snapshot, "frame": Frame, "item": FeedRow, "health": HealthPanel}
"""Event to what its `data` holds."""
_JSON: dict[type, TypeAdapter[object]] = {kind: TypeAdapter(kind) for kind in STREAMED.values()}


def encode(event: str, value: Frame | HealthPanel | FeedRow | Snapshot, event_id: str | None = None) -> bytes:
    """One server-sent event."""
    identity = f"id: {event_id}\n" if event_id else ""
    return f"{identity}event: {event}\ndata: ".encode() + _JSON[type(value)].dump_json(value) + b"\n\n"


class Hub:
    """Encodes what the view shows and lets every open stream take it. Works only while somebody looks."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._boot = secrets.token_hex(4)
        self._closed = False
        self._wanted = asyncio.Event()
        self._pulse = asyncio.Event()
        self._beat = 0
        self._slots: dict[str, tuple[int, bytes]] = {}
        """Newest frame and health, each with the beat it changed on."""
        self._rows: deque[tuple[int, bytes]] = deque(maxlen=ROWS_MAX)
        self._shown: object = None
        self._encoded = 0
        self._health_at_s = self._sent_at_s = float("-inf")
        self.clients = 0

    @property
    def last_id(self) -> str:
        """The id of the newest row: what a page that is rendered now goes on from."""
        return self._event_id(self._view.feed.last)

    async def run(self) -> None:
        """Pulse until closed. One task, started with the server."""
        while not self._closed:
            await self._wanted.wait()
            await asyncio.sleep(PULSE_S)
            if self.clients == 0:
                self._wanted.clear()
            else:
                self.beat(time.monotonic())

    def close(self) -> None:
        """End every open stream, and let no new one stay: the server is going down."""
        self._closed = True
        self._wanted.set()
        self._pulse.set()

    def beat(self, now_s: float) -> None:
        """Encode what is new, and wake the streams if there is anything to tell. `now_s` only measures intervals."""
        beat = self._beat + 1
        news = self._encode_rows()
        frame = self._view.frame()
        shown = (frame.zones, frame.dots, frame.unplaced)
        if shown != self._shown:
            self._shown, news = shown, True
            self._slots["frame"] = (beat, encode("frame", frame))
        if now_s - self._health_at_s >= HEALTH_EVERY_S:
            self._health_at_s, news = now_s, True
            self._slots["health"] = (beat, encode("health", panel(self._view.health())))
        if news or now_s - self._sent_at_s >= HEARTBEAT_S:
            self._beat, self._sent_at_s = beat, now_s
            pulse, self._pulse = self._pulse, asyncio.Event()
            pulse.set()

    async def stream(self, last_event_id: str | None = None) -> AsyncGenerator[bytes, None]:
        """Yield what one browser gets: a snapshot, then what is newer on each beat. Resumes after an id of this process."""
        after = self._sequence(last_event_id)
        self.clients += 1
        self._wanted.set()
        try:
            beat, place = self._beat, self._view.feed.last
            yield f"retry: {RETRY_MS}\n\n".encode() + self._snapshot(after)
            while not self._closed:
                if beat == self._beat:
                    await self._pulse.wait()
                parts = [part for changed, part in self._slots.values() if changed > beat]
                parts += [part for sequence, part in self._rows if sequence > place]
                beat, place = self._beat, max(place, self._encoded)
                if not self._closed:
                    yield b"".join(parts) or HEARTBEAT
        finally:
            self.clients -= 1

    def _encode_rows(self) -> bool:
        rows = self._view.feed.after(self._encoded)
        for sequence, item in rows:
            self._rows.append((sequence, encode("item", FeedRow(sequence, item), self._event_id(sequence))))
            self._encoded = sequence
        return bool(rows)

    def _snapshot(self, after: int | None) -> bytes:
        rows = [FeedRow(sequence, item) for sequence, item in self._view.feed.after(after or 0)]
        snapshot = Snapshot(self._view.frame(), panel(self._view.health()), rows, fresh=after is None)
        return encode("snapshot", snapshot, self.last_id)

    def _event_id(self, sequence: int) -> str:
        return f"{self._boot}-{sequence}"

    def _sequence(self, event_id: str | None) -> int | None:
        """The row an id stands for, or None if it isn't of this process: the page then starts afresh."""
        boot, _, sequence = (event_id or "").partition("-")
        return int(sequence) if boot == self._boot and sequence.isdecimal() and len(sequence) <= 15 else None
