"""Serving the dashboard inside the gateway's own event loop: an address first, then one task that ends cleanly when cancelled."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import socket
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI

from gateway.dashboard import DashboardError
from gateway.settings import DashboardSettings
from gateway.storage import Store
from gateway.storage.users import any_token

GRACE_S = 1
"""How long calls that are under way may take to finish when the gateway stops."""


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the gateway decides when to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Listener:
    """A bound address. Made before anything else starts, so that a taken port is known at once."""

    def __init__(self, listening: socket.socket) -> None:
        self._socket = listening
        host, port = listening.getsockname()[:2]
        self.host: str = host
        self.port: int = port

    @property
    def url(self) -> str:
        """Where a browser on this box finds the page."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, f"[{self.host}]" if ":" in self.host else self.host)  # noqa: S104
        return f"http://{host}:{self.port}/"

    def close(self) -> None:
        """Let go of the address without having served."""
        self._socket.close()

    async def serve(self, app: FastAPI) -> None:
        """Serve `app` (from create_app) until cancelled; open streams end first, so that this takes well under GRACE_S."""
        config = uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            http="h11",
            log_config=None,
            access_log=False,
            proxy_headers=False,  # who calls is who is connected; auth.py says what a proxy's headers mean
            server_header=False,
            timeout_graceful_shutdown=GRACE_S,
        )
        server, hub = _Server(config), app.state.hub
        live = asyncio.create_task(hub.run(), name="dashboard stream")
        serving = asyncio.create_task(server.serve(sockets=[self._socket]), name="dashboard server")
        try:
            await asyncio.wait({live, serving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # Cancelled, or one of the two failed: both end, and a failure is passed on.
            hub.close()
            server.should_exit = True
            await asyncio.gather(live, serving)


def listen(settings: DashboardSettings, store: Store | None = None) -> Listener:
    """Take the address that `settings` names. Raises DashboardError."""
    place = f"dashboard address {settings.host}:{settings.port}"
    if not _is_loopback(settings.host) and not _has_token(store):
        raise DashboardError(
            f"{place}: not served beyond this box while no token exists; make one with `etalage users token --role admin`, "
            f"or set dashboard.host to 127.0.0.1"
        )
    try:
        family, _kind, _protocol, _name, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        listening = socket.create_server((str(address[0]), int(address[1])), family=family)
    except OSError as error:
        remedy = {
            errno.EADDRINUSE: "another program listens there; set dashboard.port to a free one, or to 0 for any",
            errno.EACCES: "ports below 1024 need a right this user lacks; set dashboard.port to 8080, say",
        }.get(error.errno or 0, "set dashboard.host to an address of this box")
        raise DashboardError(f"{place}: can't be taken ({error.strerror or error}); {remedy}") from error
    return Listener(listening)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _has_token(store: Store | None) -> bool:
    if store is None:
        return False
    with store.read() as connection:
        return any_token(connection)
