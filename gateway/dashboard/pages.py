"""The pages, rendered by the server: whole at the first byte, live afterwards."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from gateway.dashboard.auth import Csrf
from gateway.dashboard.hub import Hub
from gateway.dashboard.view import View
from gateway.settings import DashboardSettings


def router(view: View, hub: Hub, csrf: Csrf, settings: DashboardSettings) -> APIRouter:
    """The first page."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    async def shop(request: Request) -> HTMLResponse:
        """The shop, live."""
        return HTMLResponse("<!doctype html><title>Etalage</title>")

    return routes
