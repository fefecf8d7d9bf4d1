"""Who calls, and may they? The door stands in front of every page, call and file, so a route can't forget it.

- Nothing answers a caller from elsewhere without a token.
- A caller on this box may look without one; until there is a token for an admin, that person is the admin.
- Who changes something shows a token, or is a page of ours on this box: same origin, session cookie, CSRF token.
- A request through a proxy is from elsewhere, whatever its last hop. A proxy that doesn't say so makes its callers look local:
  `dashboard.trust_this_box` then asks everybody for a token.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.dashboard.problems import Problem, answer
from gateway.storage import Store
from gateway.storage.users import Role, any_token, find_token
from rules.texts import N_

SESSION_COOKIE = "etalage_session"
CSRF_HEADER = "x-csrf-token"
READING = frozenset({"GET", "HEAD", "OPTIONS"})
PROXY_HEADERS = ("forwarded", "x-forwarded-for", "x-real-ip", "via")

RIGHTS: dict[Role, frozenset[Role]] = {
    Role.TILL: frozenset({Role.TILL}),
    Role.VIEWER: frozenset({Role.VIEWER}),
    Role.STAFF: frozenset({Role.VIEWER, Role.STAFF, Role.TILL}),
    Role.MARKETEER: frozenset({Role.VIEWER, Role.STAFF, Role.TILL, Role.MARKETEER}),
    Role.ADMIN: frozenset(Role) - {Role.OWNER},
    Role.OWNER: frozenset(Role),
}
"""What each role may do, in terms of the role that a route asks for."""

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; manifest-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who was let in."""

    name: str
    role: Role
    at_the_box: bool = False
    """Calls from this machine itself, without a token."""


class Csrf:
    """Proof that a change comes from a page of ours: a keyed hash of the browser's session, new with each process."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def token(self, session: str) -> str:
        """What a page sends along in X-CSRF-Token."""
        return hmac.new(self._key, session.encode(), hashlib.sha256).hexdigest()

    def holds(self, request: HTTPConnection) -> bool:
        """Whether the request has a session, that session's token, and an Origin that is the address it was sent to."""
        session = request.cookies.get(SESSION_COOKIE, "")
        shown = request.headers.get(CSRF_HEADER, "")
        origin = f"{request.url.scheme}://{request.headers.get('host', '')}"
        own = hmac.compare_digest(shown.encode(), self.token(session).encode())
        return bool(session) and own and request.headers.get("origin") == origin


class AccessMiddleware:
    """ASGI middleware: checks host and caller, and puts the security headers on every answer."""

    def __init__(self, app: ASGIApp, *, hosts: frozenset[str], trust_this_box: bool, store: Store | None, csrf: Csrf) -> None:
        self._app = app
        self._hosts = hosts
        self._trust_this_box = trust_this_box
        self._store = store
        self._csrf = csrf

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        if scope["type"] != "http":
            return None  # no WebSockets here

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        request = HTTPConnection(scope)
        try:
            self._check_host(request)
            caller = await self._caller(request)
            if scope["method"] not in READING and caller.at_the_box and not self._csrf.holds(request):
                raise Problem(
                    403, "not_our_page", N_("A change needs a token, or must come from a page of this dashboard."),
                    N_("Send `Authorization: Bearer …`; `etalage users token` makes one. In a browser: reload the page."),
                )  # fmt: skip
        except Problem as problem:
            return await answer(request, problem)(scope, receive, guarded)
        scope.setdefault("state", {})["caller"] = caller
        return await self._app(scope, receive, guarded)

    def _check_host(self, request: HTTPConnection) -> None:
        """Refuse names we don't go by: a foreign page whose name was pointed at this box (DNS rebinding). Addresses can't be."""
        name = host_name(request.headers.get("host", ""))
        if name not in self._hosts and not _is_address(name):
            raise Problem(
                421, "unknown_host", N_("This dashboard doesn't go by the name {name}."),
                N_("Use the address it printed at its start, or add the name to `dashboard.hosts` in the settings."),
                name=repr(name[:80]),
            )  # fmt: skip

    async def _caller(self, request: HTTPConnection) -> Caller:
        scheme, _space, token = request.headers.get("authorization", "").partition(" ")
        if scheme:
            found = None
            if scheme.lower() == "bearer" and self._store is not None:
                found = await asyncio.to_thread(_find, self._store, token.strip())
            if found is not None:
                return found
            raise Problem(
                401, "unknown_token", N_("This token is not in force."), N_("Make a new one on the box with `etalage users token`.")
            )
        if self._trust_this_box and is_loopback(request):
            return Caller("this box", Role.VIEWER, at_the_box=True)
        raise Problem(
            401, "token_needed", N_("A token is needed."),
            N_("Make one on the box with `etalage users token`, and send it as `Authorization: Bearer …`."),
        )  # fmt: skip


def require(role: Role) -> Callable[[Request], Caller]:
    """A FastAPI dependency: the caller, if they have this role's right. Use `Depends(require(Role.STAFF))`."""

    def allowed(request: Request) -> Caller:
        caller: Caller = request.state.caller
        if role in RIGHTS[caller.role]:
            return caller
        if caller.at_the_box and not _has_admin(request.app.state.store):
            return replace(caller, role=Role.ADMIN)
        raise Problem(
            403, "not_allowed", N_("This needs the role {role}; {name} is {own}."),
            N_("Use a token with that role; `etalage users token --role {role}` makes one."),
            role=role.value, name=caller.name, own=caller.role.value,
        )  # fmt: skip

    return allowed


def is_loopback(request: HTTPConnection) -> bool:
    """Whether the caller sits at this machine: a loopback address, and no sign of a proxy that speaks for others."""
    client = request.client.host if request.client else ""
    return _is_address(client) and ipaddress.ip_address(client).is_loopback and not any(h in request.headers for h in PROXY_HEADERS)


def host_name(host: str) -> str:
    """The name in a Host header, without its port, in lower case."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.rpartition(":")[0].lower() if ":" in host else host.lower()


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _find(store: Store, token: str) -> Caller | None:
    with store.read() as connection:
        found = find_token(connection, token)
    return Caller(found.name, found.role) if found else None


def _has_admin(store: Store | None) -> bool:
    if store is None:
        return False
    with store.read() as connection:
        return any_token(connection, Role.ADMIN)
