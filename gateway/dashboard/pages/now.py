"""The first page: the shop as it is now."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from gateway.dashboard.access.callers import require
from gateway.dashboard.drawing import draw, level
from gateway.dashboard.hub import Hub
from gateway.dashboard.languages import language_of
from gateway.dashboard.naming import scanner_name
from gateway.dashboard.pages.rendering import render
from gateway.dashboard.panel import panel
from gateway.dashboard.sentences import clock_time, happened, words_for_script
from gateway.dashboard.view import MOVE_KINDS, View
from gateway.storage.users import Role


def router(view: View, hub: Hub) -> APIRouter:
    """The page at `/`."""
    routes = APIRouter(include_in_schema=False, dependencies=[Depends(require(Role.VIEWER))])
    drawing = draw(view.plan)

    @routes.get("/")
    async def now(request: Request) -> HTMLResponse:
        """The plan with everybody on it, the zones, the feed and the box's health."""
        language, caller = language_of(request), request.state.caller
        plan, frame, health = view.plan, view.frame(), view.health()
        rows = [
            (row.kind in MOVE_KINDS, clock_time(row.at_s, plan.timezone), happened(row, plan, language), row.decision)
            for _sequence, row in reversed(view.feed.after(0))
        ]
        return render(
            request,
            "now.html",
            plan=plan,
            drawing=drawing,
            frame=frame,
            zone_now={zone.zone: zone for zone in frame.zones},
            level=level,
            scanner_name=scanner_name,
            rows=rows,
            health=health,
            panel=panel(health),
            may_ask_why=caller.may(Role.MARKETEER),
            words={**words_for_script(plan, language), "mayAskWhy": caller.may(Role.MARKETEER)},
            last_id=hub.last_id,
            since=clock_time(health.started_at_s, plan.timezone)[:5],
        )

    return routes
