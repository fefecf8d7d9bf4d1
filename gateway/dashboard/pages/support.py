"""The page that gives the support bundle to download."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from gateway.dashboard.access.callers import Caller, require
from gateway.dashboard.kept_settings import KeptSettings
from gateway.dashboard.pages.rendering import render
from gateway.dashboard.support import bundle
from gateway.dashboard.view import View
from gateway.storage import Store, audit
from gateway.storage.users import Role

Admin = Annotated[Caller, Depends(require(Role.ADMIN))]


def router(view: View, store: Store, kept: KeptSettings, now_s: Callable[[], float]) -> APIRouter:
    """The page at /shop/support."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/shop/support")
    def support_page(request: Request, _caller: Admin) -> HTMLResponse:
        """Show what is in the bundle before it is taken."""
        return render(request, "support.html")

    @routes.post("/shop/support")
    async def support(caller: Admin) -> Response:
        """Make the bundle and give it."""
        await store.writer.write(lambda connection: audit.note(connection, now_s(), caller.name, "took_support_bundle"))
        made = await asyncio.to_thread(bundle, view, kept.running)
        headers = {"Content-Disposition": 'attachment; filename="etalage-support.zip"'}
        return Response(made, media_type="application/zip", headers=headers)

    return routes
