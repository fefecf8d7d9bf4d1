"""What the first page shows, as JSON and as a live stream: /health, /zones, /scanners, /events, /live."""

from __future__ import annotations

from typing import Annotated, ClassVar

from fastapi import APIRouter, Depends, Header, Path, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from gateway.dashboard.access.callers import require
from gateway.dashboard.feed import ROWS_MAX
from gateway.dashboard.hub import CLIENTS_MAX, FeedRow, Hub
from gateway.dashboard.moments import twin_of
from gateway.dashboard.problems import RESPONSES, Problem
from gateway.dashboard.view import Health, ScannerHour, ScannerNow, View
from gateway.storage.users import Role
from rules.texts import N_


class ZoneState(BaseModel):
    """One zone of the plan, and who is there."""

    id: str
    name: dict[str, str] = Field(description="By language.")
    polygon: list[tuple[float, float]] | None = Field(description="Corners in metres; null where the zone isn't drawn.")
    known: bool = Field(description="False: no scanner speaks for this zone, so nobody can say who is there.")
    count: int | None = Field(description="Opted-in people in the zone; null where it isn't known.")


class Zones(BaseModel):
    """All zones at one moment."""

    at_s: float
    unplaced: int = Field(description="People in the shop whose zone isn't certain.")
    zones: list[ZoneState]
    at: ClassVar = twin_of("at_s")


def router(view: View, hub: Hub) -> APIRouter:
    """Return the calls that show the shop as it is now."""
    routes = APIRouter(tags=["live"], dependencies=[Depends(require(Role.VIEWER))], responses=RESPONSES)

    @routes.get("/health")
    async def get_health() -> Health:
        """Tell how the box is doing: its scanners, the link to the backend, the database, and counts since the start."""
        return view.health()

    @routes.get("/zones")
    async def list_zones() -> Zones:
        """List every zone of the plan with the number of opted-in people in it."""
        return zones_now(view)

    @routes.get("/scanners")
    async def list_scanners() -> list[ScannerNow]:
        """List every scanner that the plan knows or that reports, with how it is and what to do about it."""
        return list(view.health().scanners)

    @routes.get("/scanners/{scanner}/quality")
    async def get_scanner_quality(scanner: Annotated[str, Path(max_length=64)]) -> list[ScannerHour]:
        """Tell how a scanner of the plan heard in each of the last 24 hours, oldest first; null where nobody looked."""
        if all(part.id != scanner for part in view.plan.scanners):
            raise Problem(404, "no_such_scanner", N_("The plan has no such scanner."), N_("GET /scanners lists those there are."))
        return list(view.scanner_day(scanner))

    @routes.get("/events")
    async def list_events(
        after: Annotated[int, Query(ge=0, le=2**53, description="Only rows with a higher number.")] = 0,
        limit: Annotated[int, Query(ge=1, le=ROWS_MAX, description="At most so many, the newest.")] = ROWS_MAX,
    ) -> list[FeedRow]:
        """List the newest items of the feed, oldest first."""
        return [FeedRow(sequence, item) for sequence, item in view.feed.after(after)][-limit:]

    @routes.get("/live", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}})
    async def stream_live(
        after: Annotated[str | None, Query(max_length=40, description="Id of the last event seen, from a page.")] = None,
        last_event_id: Annotated[str | None, Header(max_length=40)] = None,
    ) -> StreamingResponse:
        """Stream server-sent events: `snapshot` first, then `frame`, `item` and `health` as they change, in beats of 250 ms."""
        if hub.clients >= CLIENTS_MAX:
            raise Problem(
                429, "too_many_streams", N_("Too many pages are open already."), N_("Close some, and load this one again.")
            )
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(hub.stream(last_event_id or after), media_type="text/event-stream", headers=headers)

    return routes


def zones_now(view: View) -> Zones:
    """The plan's zones with their state of this moment."""
    frame = view.frame()
    state = {zone.zone: zone for zone in frame.zones}
    return Zones(
        at_s=frame.at_s,
        unplaced=frame.unplaced,
        zones=[
            ZoneState(
                id=zone.id,
                name=zone.name,
                polygon=list(zone.polygon) if zone.polygon else None,
                known=state[zone.id].known,
                count=state[zone.id].count if state[zone.id].known else None,
            )
            for zone in view.plan.zones
        ],
    )
