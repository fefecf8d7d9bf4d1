"""Reading done by the book of HTTP: HEAD wherever GET is, and static files that a browser may keep."""

from __future__ import annotations

import os

from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SMALLEST_COMPRESSED_BYTES = 512


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
