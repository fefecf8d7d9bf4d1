"""The page about the way to the store app: connected or not, what waits, and what the broker will not take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from gateway.dashboard.access.callers import Caller, require
from gateway.dashboard.languages import language_of
from gateway.dashboard.pages.rendering import render, see_other
from gateway.dashboard.panel import panel
from gateway.dashboard.sentences import duration, local_moment
from gateway.dashboard.view import View
from gateway.storage import Connection, Store, audit, outbox, quarantine
from gateway.storage.quarantine import Quarantined
from gateway.storage.users import Role
from rules.texts import N_

Admin = Annotated[Caller, Depends(require(Role.ADMIN))]
Staff = Annotated[Caller, Depends(require(Role.STAFF))]
MOST_SHOWN = 500
"""Messages set aside that are gathered by reason; there are as many reasons as there are things to mend."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """Messages that were set aside for one reason."""

    reason: str
    count: int
    since: str


def router(view: View, store: Store, now_s: Callable[[], float]) -> APIRouter:
    """The page at /shop/broker."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/shop/broker")
    def broker_page(request: Request, caller: Staff) -> HTMLResponse:
        """Show how the messages go, never what they say."""
        language, health = language_of(request), view.health()
        with store.read() as connection:
            waiting, oldest_at_s = outbox.count(connection), outbox.oldest_at_s(connection)
            aside = quarantine.quarantined(connection, MOST_SHOWN)
        return render(
            request,
            "broker.html",
            link=panel(health).link,
            connected=health.link.connected,
            waiting=waiting,
            oldest=None if oldest_at_s is None else duration(max(0.0, now_s() - oldest_at_s)),
            stuck=_by_reason(aside, lambda at_s: local_moment(at_s, view.plan.timezone, language)),
            total=len(aside),
            may_retry=caller.may(Role.ADMIN),
        )

    @routes.post("/shop/broker/retry")
    async def retry(caller: Admin) -> Response:
        """Put everything that was set aside back in the queue."""

        def again(connection: Connection) -> int:
            moved = quarantine.retry(connection)
            audit.note(connection, now_s(), caller.name, "retried_messages", str(moved))
            return moved

        moved = await store.writer.write(again)
        return see_other("/shop/broker", N_("Messages that go again: {moved}."), {"moved": str(moved)})

    return routes


def _by_reason(aside: Sequence[Quarantined], moment: Callable[[float], str]) -> list[Stuck]:
    """Gather what was set aside by why, most first: one line for one cause."""
    by_reason = groupby(sorted(aside, key=lambda one: one.reason), key=lambda one: one.reason)
    found = [(reason, list(ones)) for reason, ones in by_reason]
    return [
        Stuck(reason, len(ones), moment(min(one.quarantined_at_s for one in ones)))
        for reason, ones in sorted(found, key=lambda pair: -len(pair[1]))
    ]
