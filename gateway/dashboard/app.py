"""The one FastAPI application: pages, API, live stream and metrics, behind one door."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from fastapi import APIRouter, FastAPI

from gateway.clock import Clock, SystemClock
from gateway.dashboard import metrics, problems
from gateway.dashboard.access.middleware import Access, AccessMiddleware
from gateway.dashboard.access.passwords import Passwords
from gateway.dashboard.access.sign_in import SignIn, announce
from gateway.dashboard.api import live, plan_advice
from gateway.dashboard.hub import Hub
from gateway.dashboard.limits import BodyLimit
from gateway.dashboard.openapi import DescribedApi, methods_at, operation_id
from gateway.dashboard.pages import now, plan, scanners, shop, staff, trust
from gateway.dashboard.plan_desk import PlanDesk
from gateway.dashboard.reading import CompressedApi, HeadLikeGet, OptionsOfRoutes, static_files
from gateway.dashboard.server import Listener
from gateway.dashboard.tls.authority import ServerCertificate
from gateway.dashboard.tls.names import box_names
from gateway.dashboard.view import View
from gateway.settings import DashboardSettings
from gateway.storage import Store

_HERE = Path(__file__).parent


def create_app(
    view: View,
    *,
    settings: DashboardSettings,
    store: Store | None = None,
    routers: Sequence[APIRouter] = (),
    pages: Sequence[APIRouter] = (),
    clock: Clock | None = None,
    certificate: ServerCertificate | None = None,
    tls_port: int | None = None,
    plan_desk: PlanDesk | None = None,
) -> FastAPI:
    """Make the dashboard over `view`. `store` holds accounts and tokens; `routers` are other rooms' calls, put under /api/v1,
    and `pages` their pages; `plan_desk` is where plans are drawn.

    `certificate` and `tls_port`: what TLS is served with, and where. `app.state.hub` is its live stream; whoever serves the
    application keeps it running (server.py does), and calls `app.state.close()` at the end.
    """
    hub, clock = Hub(view), clock or SystemClock()
    hashing = ThreadPoolExecutor(1, thread_name_prefix="passwords")
    signing_in = None if store is None else SignIn(store, Passwords(hashing), clock.now_s, clock.monotonic_s)

    app = DescribedApi(
        title="Etalage",
        version=view.health().version,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # FastAPI's own documentation pages load scripts from elsewhere
        redoc_url=None,
        generate_unique_id_function=operation_id,
    )
    app.state.hub = hub
    app.state.settings = settings
    app.state.now_s = clock.now_s
    app.state.plan_desk = plan_desk
    app.state.close = hashing.shutdown
    problems.answer_all(app)
    hosts = frozenset({"localhost", settings.host, *box_names(), *settings.hosts})
    app.add_middleware(CompressedApi)
    app.add_middleware(HeadLikeGet)
    app.add_middleware(OptionsOfRoutes, methods=partial(methods_at, app))
    app.add_middleware(BodyLimit)
    app.add_middleware(AccessMiddleware, access=Access(hosts, settings.trust_this_box, tls_port, store, signing_in))
    for routes in (live.router(view, hub), *routers):
        app.include_router(routes, prefix="/api/v1")
    if plan_desk is not None:
        app.include_router(plan_advice.router(plan_desk), prefix="/api/v1")
        app.include_router(plan.router(plan_desk, view))
    app.include_router(metrics.router(view))
    for page in (now.router(view, hub), shop.router(), scanners.router(view), trust.router(certificate, tls_port), *pages):
        app.include_router(page)
    if store is not None and signing_in is not None:
        for page in staff.pages(store, signing_in, view.plan.timezone, clock.now_s, "/setup" if pages else "/"):
            app.include_router(page)
    app.mount("/static", static_files(_HERE / "static"), name="static")
    return app


async def serve(
    listener: Listener,
    view: View,
    plan_desk: PlanDesk,
    *,
    settings: DashboardSettings,
    store: Store,
    routers: Sequence[APIRouter],
    pages: Sequence[APIRouter] = (),
    clock: Clock,
) -> None:
    """Say where the dashboard is, and serve it until cancelled."""
    await asyncio.to_thread(announce, store, clock.now_s(), listener.urls, listener.fingerprint)
    app = create_app(
        view,
        settings=settings,
        store=store,
        routers=routers,
        pages=pages,
        clock=clock,
        certificate=listener.certificate,
        tls_port=listener.tls_port,
        plan_desk=plan_desk,
    )
    try:
        await listener.serve(app)
    finally:
        app.state.close()
