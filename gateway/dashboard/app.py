"""The one FastAPI application: pages, API, live stream and metrics, behind one door."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.staticfiles import StaticFiles

from gateway.dashboard import metrics, problems
from gateway.dashboard.api import live
from gateway.dashboard.auth import AccessMiddleware, Csrf
from gateway.dashboard.hub import Hub
from gateway.dashboard.pages import shop
from gateway.dashboard.view import View
from gateway.settings import DashboardSettings
from gateway.storage import Store

_HERE = Path(__file__).parent


class _App(FastAPI):
    """FastAPI whose OpenAPI document tells the media type that problems really have: the framework knows only JSON's."""

    def openapi(self) -> dict[str, Any]:
        document = super().openapi()
        problem = {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
        for calls in document["paths"].values():
            for call in calls.values():
                if "4XX" in call["responses"]:
                    call["responses"]["4XX"]["content"] = problem
        return document


def create_app(
    view: View, *, settings: DashboardSettings, store: Store | None = None, routers: Sequence[APIRouter] = ()
) -> FastAPI:
    """The dashboard over `view`. `store` holds the API tokens; `routers` are other rooms' calls, put under /api/v1.

    `app.state.hub` is its live stream; whoever serves the application keeps it running (server.py does).
    """
    hub = Hub(view)

    app = _App(
        title="Etalage",
        version=view.health().version,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # FastAPI's own documentation pages load scripts from elsewhere
        redoc_url=None,
    )
    csrf = Csrf()
    app.state.hub = hub
    app.state.settings = settings
    app.state.store = store
    problems.answer_all(app)
    hosts = frozenset({"localhost", settings.host, *settings.hosts})
    app.add_middleware(AccessMiddleware, hosts=hosts, trust_this_box=settings.trust_this_box, store=store, csrf=csrf)
    for routes in (live.router(view, hub), *routers):
        app.include_router(routes, prefix="/api/v1")
    app.include_router(metrics.router(view))
    app.include_router(shop.router(view, hub, csrf))
    app.mount("/static", StaticFiles(directory=_HERE / "static"), name="static")
    return app
