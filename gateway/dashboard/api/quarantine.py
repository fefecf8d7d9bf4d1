"""Messages that the broker would not take: GET /quarantine, POST /quarantine/retry."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from gateway.dashboard.access.callers import require
from gateway.dashboard.problems import RESPONSES
from gateway.storage import Store, quarantine
from gateway.storage.quarantine import Quarantined
from gateway.storage.users import Role


class Retry(BaseModel):
    """Which message is to go again."""

    event_id: str | None = Field(None, min_length=1, max_length=128, description="As GET /quarantine gives it; null: all of them.")


class Retried(BaseModel):
    """What came of it."""

    moved: int = Field(description="Messages that go again; 0 where none of that id was set aside.")


def router(store: Store) -> APIRouter:
    """The quarantine's calls. What a message says is not shown: it is a shopper's."""
    routes = APIRouter(tags=["quarantine"], responses=RESPONSES)

    @routes.get("/quarantine", dependencies=[Depends(require(Role.STAFF))])
    def list_quarantine() -> list[Quarantined]:
        """List what was set aside, newest first, and why."""
        with store.read() as connection:
            return quarantine.quarantined(connection)

    @routes.post("/quarantine/retry", dependencies=[Depends(require(Role.ADMIN))])
    async def retry_quarantine(wanted: Retry) -> Retried:
        """Put a message back in the queue, once the cause is gone."""
        return Retried(moved=await store.writer.write(lambda connection: quarantine.retry(connection, wanted.event_id)))

    return routes
