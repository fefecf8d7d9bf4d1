"""How much a caller may take before it has asked for anything: connections, time, and bytes of a body.

- Connections that wait for a request, or for the rest of one, are bounded. One more and one of the address that has most of them is
  closed, the one that has waited longest: ten thousand silent or half-sent ones keep nobody out.
- All together are bounded too, below what would take file descriptors from MQTT. One more and the address that has most loses one.
- A request's head and its body each have a time to arrive in.
- A body has a size, by route, and is refused by its announced length before any of it is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import h11
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from gateway.dashboard.problems import Problem, answer
from rules.texts import N_

SILENT_MAX = 128
"""Connections without a whole request. An honest one has it within milliseconds of its first packet."""
OPEN_MAX = 512
"""Connections in all. The unit allows the process 4,096 descriptors; MQTT, the database and the radio need a few dozen."""
HEAD_WITHIN_S, BODY_WITHIN_S = 10.0, 30.0
"""The slowest phone on the shop's Wi-Fi takes a second for either."""
LOOK_S = 2.0
"""How often a connection's time is looked at."""
HEAD_MAX_BYTES = 16_384
BODY_MAX_BYTES = 65_536
PICTURE_MAX_BYTES = 20_000_000
"""A photograph of a plan by a good phone takes 5 to 12 MB."""
BODIES_MAX_BYTES: Mapping[str, int] = {
    "/api/v1/books": 1 << 20,
    "/api/v1/plan/draft": 1 << 18,
    "/api/v1/plan/advice": 1 << 18,
    "/api/v1/plan/places": 1 << 18,
    "/api/v1/plan/import": 1 << 22,
    "/api/v1/plan/pictures": PICTURE_MAX_BYTES,
}
"""Routes that take more: a rule book of 512 KiB in JSON, a plan of 100 zones, a building's GeoJSON, a picture."""


class Connections:
    """The open connections of one server: what they share."""

    def __init__(self) -> None:
        self.silent: dict[LimitedProtocol, None] = {}
        """Those that wait for a request or the rest of one, longest first."""
        self.open: dict[LimitedProtocol, None] = {}
        """All, oldest first."""
        self.closed = 0
        """How many were closed for a limit."""

    def make_room(self, newest: LimitedProtocol) -> None:
        """Close one where there are too many since `newest` came."""
        if len(self.silent) > SILENT_MAX:
            _of_the_busiest(self.silent)[0].give_up()
        elif len(self.open) > OPEN_MAX:
            theirs = _of_the_busiest(self.open)
            (newest if newest in theirs else theirs[0]).give_up()


def _of_the_busiest(connections: Iterable[LimitedProtocol]) -> list[LimitedProtocol]:
    """Return the connections of the address that has most of them, in order."""
    by_address: dict[str, list[LimitedProtocol]] = {}
    for connection in connections:
        by_address.setdefault(connection.address, []).append(connection)
    return max(by_address.values(), key=len)


class LimitedProtocol(H11Protocol):
    """uvicorn's HTTP protocol, with an end to its patience. One per connection; made in the event loop's thread."""

    shared: Connections
    """Given by `protocol_of`, to all connections of a server the same."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows it likewise
        super().connection_made(transport)
        self._phase: Any = None
        self._phase_since_s = self.loop.time()
        self.address = self.client[0] if self.client else ""
        self.shared.open[self] = None
        self._look()
        self.shared.make_room(self)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._note_phase()

    def connection_lost(self, exc: Exception | None) -> None:
        self._clock.cancel()
        self.shared.open.pop(self, None)
        self.shared.silent.pop(self, None)
        super().connection_lost(exc)

    def _look(self) -> None:
        """Close the connection when what it should be sending has not come in its time; look again later."""
        self._note_phase()
        within_s = {h11.IDLE: HEAD_WITHIN_S, h11.SEND_BODY: BODY_WITHIN_S}.get(self._phase, float("inf"))
        self._clock = self.loop.call_later(LOOK_S, self._look)
        if self.loop.time() - self._phase_since_s > within_s:
            self.give_up()

    def _note_phase(self) -> None:
        phase = self.conn.their_state
        if phase is not self._phase:
            self._phase, self._phase_since_s = phase, self.loop.time()
            self.shared.silent.pop(self, None)
            if phase in (h11.IDLE, h11.SEND_BODY):
                self.shared.silent[self] = None

    def give_up(self) -> None:
        """Close the connection without a word."""
        self.shared.closed += 1
        self.shared.silent.pop(self, None)
        self.transport.abort()


def protocol_of(connections: Connections) -> type[LimitedProtocol]:
    """Return the protocol for one server's connections."""
    return type("ServedProtocol", (LimitedProtocol,), {"shared": connections})


class BodyLimit:
    """ASGI middleware: refuses a body that is too long by its announced length, and stops reading one that says nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        request = HTTPConnection(scope)
        most = BODIES_MAX_BYTES.get(scope["path"], BODY_MAX_BYTES)
        announced = request.headers.get("content-length", "0")
        if announced.isdecimal() and int(announced) > most:
            return await answer(request, _too_long(most))(scope, receive, send)
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most:
                raise _too_long(most)
            return message

        return await self._app(scope, counted, send)


def _too_long(most: int) -> Problem:
    return Problem(413, "too_long", N_("The request's body is too long."), N_("Send at most {most} bytes."), most=most)


def server_options(connections: Connections) -> dict[str, Any]:
    """Return what uvicorn is told of the limits."""
    return {"http": protocol_of(connections), "h11_max_incomplete_event_size": HEAD_MAX_BYTES, "backlog": SILENT_MAX}
