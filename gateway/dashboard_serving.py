"""The dashboard over a gateway's rooms: its calls and pages put together, and served."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gateway.clock import Clock
from gateway.dashboard.api.rooms import calls
from gateway.dashboard.app import serve
from gateway.dashboard.kept_settings import KeptSettings
from gateway.dashboard.pages.rooms import pages
from gateway.dashboard.server import Listener
from gateway.dashboard_view import DashboardView
from gateway.line import Line
from gateway.mqtt.probe import probe
from gateway.rooms import Rooms
from gateway.settings import Settings
from rules import Book


async def serve_dashboard(
    listener: Listener,
    rooms: Rooms,
    view: DashboardView,
    line: Line,
    settings: Settings,
    config: Path | None,
    clock: Clock,
    renew: Callable[[], None],
) -> None:
    """Serve the dashboard until cancelled.

    `config`: the administrator's file; `renew` has a new gateway go on with what was changed.
    """
    store, facts = rooms.store, rooms.shop_facts

    def books() -> tuple[Book, ...]:
        return line.books.all()

    await serve(
        listener,
        view,
        rooms.plan_desk(settings, view, clock.now_s, renew),
        settings=settings.dashboard,
        store=store,
        routers=calls(store, settings, rooms.plan.zone_ids, rooms.people, rooms.ledger, facts, books, clock.now_s),
        pages=pages(view, store, KeptSettings(config, settings), facts, books, clock.now_s, probe, renew),
        clock=clock,
    )
