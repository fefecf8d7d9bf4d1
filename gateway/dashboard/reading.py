"""Reading done by the book of HTTP: HEAD and OPTIONS wherever GET is, compressed answers, static files that a browser may keep."""

from __future__ import annotations

import os
from collections.abc import Callable

from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SMALLEST_COMPRESSED_BYTES = 512
COMPRESSED = ("/api/v1/", "/metrics")
"""Where answers hold no secret of a session, so that their length tells nothing."""
STREAM = "/api/v1/live"
"""A stream's events go out one by one, as they come."""


class HeadLikeGet:
    """ASGI middleware: answers HEAD as GET is answered, without the body; a stream ends with its head."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            return await self._app(scope, receive, send)
        ended = False

        async def head_only(message: Message) -> None:
            nonlocal ended
            if message["type"] == "http.response.start":
                await send(message)
            elif not ended:
                ended = True
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        async def no_more() -> Message:
            return {"type": "http.disconnect"} if ended else await receive()

        return await self._app({**scope, "method": "GET"}, no_more, head_only)


class OptionsOfRoutes:
    """ASGI middleware: answers OPTIONS with what an address takes. `methods`: path to the methods of its routes."""

    def __init__(self, app: ASGIApp, methods: Callable[[str], frozenset[str]]) -> None:
        self._app = app
        self._methods = methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._methods(scope["path"]) if scope["type"] == "http" and scope["method"] == "OPTIONS" else frozenset[str]()
        if not found:
            return await self._app(scope, receive, send)
        allowed = found | {"OPTIONS"} | ({"HEAD"} if "GET" in found else set())
        await Response(status_code=204, headers={"Allow": ", ".join(sorted(allowed))})(scope, receive, send)


class CompressedApi:
    """ASGI middleware: compresses what programs read. Pages aren't compressed: they hold a secret beside what others wrote."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._compressing = GZipMiddleware(app, minimum_size=SMALLEST_COMPRESSED_BYTES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        compressed = scope["type"] == "http" and scope["path"].startswith(COMPRESSED) and scope["path"] != STREAM
        await (self._compressing if compressed else self._app)(scope, receive, send)


class _Kept(StaticFiles):
    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Let a browser keep a file, and ask by its ETag whether it is still the same: a new release changes it under its name."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = "no-cache"
        return response


def static_files(folder: str | os.PathLike[str]) -> ASGIApp:
    """Return the app that serves static files. They alone are compressed: a page holds a secret beside what others wrote."""
    return GZipMiddleware(_Kept(directory=folder), minimum_size=SMALLEST_COMPRESSED_BYTES)
