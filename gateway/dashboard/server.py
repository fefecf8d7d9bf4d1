"""Serving the dashboard inside the gateway's own event loop: an address first, then one task that ends cleanly when cancelled."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import socket
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from gateway.dashboard import DashboardError
from gateway.dashboard.limits import Connections, server_options
from gateway.dashboard.tls.authority import CertificateError, ServerCertificate, own_certificate, server_certificate
from gateway.dashboard.tls.names import box_addresses, box_names
from gateway.settings import DashboardSettings

LOOPBACK_OF = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
"""Addresses that mean every network of this box, and where the box itself then finds the page."""
GRACE_S = 1
"""How long calls that are under way may take to finish when the gateway stops."""


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the gateway decides when to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Listener:
    """The addresses the dashboard answers at. Taken before anything else starts, so that a taken port is known at once."""

    def __init__(
        self, plain: socket.socket, secure: socket.socket | None = None, certificate: ServerCertificate | None = None
    ) -> None:
        self._plain = plain
        self._secure = secure
        self.certificate = certificate
        """Of the TLS address; None: there is none."""
        host, port = plain.getsockname()[:2]
        self.host: str = host
        self.port: int = port
        self.tls_port: int | None = None if secure is None else secure.getsockname()[1]

    @property
    def fingerprint(self) -> str | None:
        """Return what a person compares with what the browser shows; None without TLS."""
        return None if self.certificate is None else self.certificate.fingerprint

    @property
    def url(self) -> str:
        """Return where a browser on this box finds the page."""
        return f"http://{_shown(LOOPBACK_OF.get(self.host, self.host))}:{self.port}/"

    @property
    def urls(self) -> list[str]:
        """Return where others find it, the address they can really open first; this box's own where nobody else can."""
        if _is_loopback(self.host):
            return [self.url]
        scheme, port = ("http", self.port) if self.tls_port is None else ("https", self.tls_port)
        hosts = [*box_addresses(), box_names()[1]] if self.host in LOOPBACK_OF else [self.host]
        return [f"{scheme}://{_shown(host)}:{port}/" for host in hosts]

    def close(self) -> None:
        """Let go of the addresses without having served."""
        for listening in (self._plain, self._secure):
            if listening is not None:
                listening.close()

    async def serve(self, app: FastAPI) -> None:
        """Serve `app` (from create_app) until cancelled; open streams end first, so that this takes well under GRACE_S."""
        hub, connections = app.state.hub, Connections()
        servers = [_Server(_config(app, None, connections))]
        serving = [asyncio.create_task(servers[0].serve(sockets=[self._plain]), name="dashboard server")]
        if self._secure is not None:
            servers.append(_Server(_config(app, self.certificate, connections)))
            serving.append(asyncio.create_task(servers[1].serve(sockets=[self._secure]), name="dashboard TLS server"))
        live = asyncio.create_task(hub.run(), name="dashboard stream")
        try:
            await asyncio.wait({live, *serving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # Cancelled, or one of them failed: all end, and a failure is passed on.
            hub.close()
            for server in servers:
                server.should_exit = True
            await asyncio.gather(live, *serving)


def _config(app: FastAPI, certificate: ServerCertificate | None, connections: Connections) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # who calls is who is connected; the access middleware says what a proxy's headers mean
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        **server_options(connections),
        ssl_certfile=None if certificate is None else certificate.certificate,
        ssl_keyfile=None if certificate is None else str(certificate.key),
    )


def listen(settings: DashboardSettings, folder: Path, now: datetime) -> Listener:
    """Take the addresses that `settings` name; `folder` keeps the certificates that the box makes. Raises DashboardError."""
    plain = _take(settings.host, settings.port, "port")
    if _is_loopback(settings.host) or settings.tls == "off":
        return Listener(plain)
    try:
        certificate = _certificate(settings, folder, now)
        secure = _take(settings.host, settings.tls_port, "tls_port")
    except CertificateError as error:
        plain.close()
        raise DashboardError(f"dashboard: {error}") from error
    except DashboardError:
        plain.close()
        raise
    return Listener(plain, secure, certificate)


def _certificate(settings: DashboardSettings, folder: Path, now: datetime) -> ServerCertificate:
    if settings.tls == "files":
        assert settings.certificate is not None  # the settings' own check
        assert settings.certificate_key is not None
        return own_certificate(settings.certificate, settings.certificate_key)
    own = [settings.host] if settings.host not in LOOPBACK_OF else box_addresses()
    return server_certificate(folder, [*box_names(), *own, *settings.hosts, "localhost", "127.0.0.1"], now)


def _take(host: str, port: int, setting: str) -> socket.socket:
    try:
        family, _kind, _protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server((str(address[0]), int(address[1])), family=family)
    except OSError as error:
        remedy = {
            errno.EADDRINUSE: f"another program listens there; set dashboard.{setting} to a free one, or to 0 for any",
            errno.EACCES: f"ports below 1024 need a right this user lacks; set dashboard.{setting} to 8080, say",
        }.get(error.errno or 0, "set dashboard.host to an address of this box")
        raise DashboardError(f"dashboard address {host}:{port}: can't be taken ({error.strerror or error}); {remedy}") from error


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
