"""Who calls, and may they? This middleware stands in front of every page, call and file, so that a route can't forget it.

- A program shows a token; a person signs in and has a session. Everybody else gets the pages that let them in, and no more.
- A caller on this box may look without either (`dashboard.trust_this_box`): the console, Prometheus, the demo.
- A change shows a token, or comes from a page of ours: same origin, session cookie, CSRF token in a header or in the form.
- Over the shop's network passwords and sessions go by TLS only; plain HTTP from elsewhere gets the page that explains it.
- A request through a proxy is from elsewhere, whatever its last hop.
"""

from __future__ import annotations

import asyncio
import ipaddress
from dataclasses import dataclass
from urllib.parse import parse_qs, quote

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.dashboard.access import csrf
from gateway.dashboard.access.callers import Caller
from gateway.dashboard.access.sign_in import SignIn
from gateway.dashboard.problems import Problem, answer
from gateway.storage import Store
from gateway.storage.users import Role, find_token
from rules.texts import N_

READING = frozenset({"GET", "HEAD", "OPTIONS"})
PROXY_HEADERS = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
OPEN = ("/static/", "/sign-in", "/claim", "/welcome/", "/enter/", "/trust", "/readyz")
"""What answers before anybody is let in: the pages that let people in, and what these are made of."""
OPEN_WITHOUT_TLS = ("/static/", "/trust", "/readyz")
"""What plain HTTP from elsewhere may have: nothing that carries a secret."""
FORM_TYPE = "application/x-www-form-urlencoded"
FORM_BYTES_MAX = 1_000_000
"""A whole rule book fits in; a larger form is no page's of ours."""

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; manifest-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "same-origin",  # with no-referrer a browser sends `Origin: null` along with a form
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, slots=True)
class Access:
    """What the middleware goes by."""

    hosts: frozenset[str]
    """Names this box goes by, beside its addresses."""
    trust_this_box: bool
    tls_port: int | None
    """Where TLS is served; None: passwords may come by plain HTTP (loopback only, or a proxy in front)."""
    store: Store | None
    sign_in: SignIn | None


class AccessMiddleware:
    """ASGI middleware: checks host, caller and origin of a change, and puts the security headers on every answer."""

    def __init__(self, app: ASGIApp, *, access: Access) -> None:
        self._app = app
        self._access = access

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
            response = await self._let_in(request, receive)
        except Problem as problem:
            response = answer(request, problem)
        except ClientDisconnect:  # closed for a limit, or gone, with half a form sent: nobody is there to be answered
            return None
        if response is not None:
            return await response(scope, receive, guarded)
        return await self._app(scope, receive, guarded)

    async def _let_in(self, request: HTTPConnection, receive: Receive) -> Response | None:
        """Put the caller and their form into the request's state; or return the answer for who isn't let in. Raises Problem."""
        self._check_host(request)
        if (explained := self._check_tls(request)) is not None:
            return explained
        caller = await self._caller(request)
        if caller is None and not request.url.path.startswith(OPEN):
            return self._show_the_way_in(request)
        state = request.scope.setdefault("state", {})
        state["caller"] = caller
        if request.scope["method"] not in READING and "authorization" not in request.headers:
            state["form"] = await _form(request, receive)
            shown = request.headers.get(csrf.HEADER) or "".join(state["form"].pop(csrf.FIELD, []))
            if not csrf.comes_from_our_page(request, shown):
                raise Problem(
                    403, "not_our_page", N_("A change needs a token, or must come from a page of this dashboard."),
                    N_("Send `Authorization: Bearer …`; `etalage users token` makes one. In a browser: reload the page."),
                )  # fmt: skip
        return None

    def _check_host(self, request: HTTPConnection) -> None:
        """Refuse names we don't go by: a foreign page whose name was pointed at this box (DNS rebinding). Addresses can't be."""
        name = host_name(request.headers.get("host", ""))
        if name is None or (name not in self._access.hosts and not _is_address(name)):
            raise Problem(
                421, "unknown_host", N_("This dashboard doesn't go by the name {name}."),
                N_("Use the address it printed at its start, or add the name to `dashboard.hosts` in the settings."),
                name=repr((name or "")[:80]),
            )  # fmt: skip

    def _check_tls(self, request: HTTPConnection) -> Response | None:
        """Keep passwords and sessions off the shop's network in plain text: explain, and lead to the address that is safe."""
        port = self._access.tls_port
        if port is None or request.url.scheme == "https" or is_loopback(request):
            return None
        if request.url.path.startswith(OPEN_WITHOUT_TLS):
            return None
        if "text/html" in request.headers.get("accept", ""):
            return RedirectResponse("/trust", 303)
        raise Problem(
            403, "tls_needed", N_("Over the network this answers by HTTPS only."), N_("Use https:// and port {port}."), port=port
        )

    async def _caller(self, request: HTTPConnection) -> Caller | None:
        """Return who calls; None for somebody who showed nothing. Raises Problem for a token that is not in force."""
        scheme, _space, token = request.headers.get("authorization", "").partition(" ")
        if scheme:
            store, found = self._access.store, None
            if scheme.lower() == "bearer" and store is not None:
                found = await asyncio.to_thread(_find_token, store, token.strip())
            if found is None:
                raise Problem(
                    401, "unknown_token", N_("This token is not in force."),
                    N_("Make a new one on the box with `etalage users token`."),
                )  # fmt: skip
            return found
        session = request.cookies.get(csrf.SESSION_COOKIE)
        if session and self._access.sign_in is not None:
            signed_in = await asyncio.to_thread(self._access.sign_in.find, session)
            if signed_in is not None:
                return signed_in
        if self._access.trust_this_box and is_loopback(request):
            return Caller("this box", Role.VIEWER, at_the_box=True)
        return None

    def _show_the_way_in(self, request: HTTPConnection) -> Response:
        """Lead a person to the page that lets them in; tell a program what to show. Raises Problem."""
        if self._access.sign_in is not None and "text/html" in request.headers.get("accept", ""):
            if not self._access.sign_in.is_claimed():
                return RedirectResponse("/claim", 303)
            wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/sign-in?next={quote(wanted, safe='')}", 303)
        raise Problem(
            401, "token_needed", N_("A token is needed."),
            N_("Make one on the box with `etalage users token`, and send it as `Authorization: Bearer …`."),
        )  # fmt: skip


async def _form(request: HTTPConnection, receive: Receive) -> dict[str, list[str]]:
    """Return the fields of a form, each with its values; empty for a body that is no form: that is left for the route to read."""
    if not request.headers.get("content-type", "").startswith(FORM_TYPE):
        return {}
    body = bytearray()
    async for chunk in Request(request.scope, receive).stream():
        body += chunk
        if len(body) > FORM_BYTES_MAX:
            raise Problem(413, "too_large", N_("That is more than this page takes."), N_("Send less at once."))
    try:
        return parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=2000)
    except ValueError as error:
        raise Problem(422, "form", N_("This form can't be read."), N_("Reload the page and fill it in again.")) from error


def is_loopback(request: HTTPConnection) -> bool:
    """Tell whether the caller sits at this machine: a loopback address, and no sign of a proxy that speaks for others."""
    client = request.client.host if request.client else ""
    return _is_address(client) and ipaddress.ip_address(client).is_loopback and not any(h in request.headers for h in PROXY_HEADERS)


def address_of(request: HTTPConnection) -> str:
    """Return the address that a caller's wrong guesses are counted for."""
    return request.client.host if request.client else ""


def host_name(host: str) -> str | None:
    """Return the name in a Host header, without its port, in lower case; None for what is no name with a port."""
    if host.startswith("["):
        name, bracket, port = host[1:].partition("]")
        well_formed = bool(bracket) and (not port or (port[0] == ":" and port[1:].isdecimal()))
        return name.lower() if well_formed else None
    name, colon, port = host.partition(":")
    return name.lower() if not colon or port.isdecimal() else None


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _find_token(store: Store, token: str) -> Caller | None:
    with store.read() as connection:
        found = find_token(connection, token)
    return Caller(found.name, found.role) if found else None
