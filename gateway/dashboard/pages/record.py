"""The page that shows who did what."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from gateway.dashboard.access.callers import require
from gateway.dashboard.languages import language_of
from gateway.dashboard.pages.rendering import render
from gateway.dashboard.sentences import local_moment
from gateway.storage import Store, audit
from gateway.storage.users import Role
from rules.texts import N_, text

ROWS_A_PAGE = 50
DEEDS: dict[str, str] = {
    "claimed": N_("took this box into use"),
    "signed_in": N_("signed in"),
    "signed_out": N_("signed out"),
    "changed_password": N_("changed a password"),
    "invited": N_("invited {object}"),
    "changed_role": N_("gave somebody another role: {object}"),
    "removed_account": N_("removed the account of {object}"),
    "made_token": N_("made the token {object}"),
    "changed_settings": N_("changed the settings: {object}"),
    "restarted": N_("started the gateway anew"),
    "made_backup": N_("made the backup {object}"),
    "took_backup": N_("downloaded the backup {object}"),
    "took_support_bundle": N_("downloaded a support bundle"),
    "retried_messages": N_("let stuck messages go again: {object}"),
    "put_plan_to_work": N_("put plan {object} to work"),
    "used_calibration": N_("put the measurement of a walk to work"),
    "revoked_token": N_("revoked the token {object}"),
}
"""What each deed says, after the name of who did it."""


def router(store: Store, timezone: str) -> APIRouter:
    """The page at /shop/audit."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/shop/audit", dependencies=[Depends(require(Role.ADMIN))])
    def audit_page(request: Request, who: str = "", before: int | None = None) -> HTMLResponse:
        """Show who did what, newest first."""
        language = language_of(request)
        with store.read() as connection:
            found = audit.page(connection, who=who or None, before=before, limit=ROWS_A_PAGE + 1)
        rows = [
            (local_moment(row.at_s, timezone, language), row.who, text(language, DEEDS.get(row.deed, row.deed), object=row.object))
            for row in found[:ROWS_A_PAGE]
        ]
        older = found[ROWS_A_PAGE - 1].seq if len(found) > ROWS_A_PAGE else None
        return render(request, "audit.html", rows=rows, who=who, older=older)

    return routes
