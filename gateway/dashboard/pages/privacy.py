"""The page that says what is collected about shoppers, why, and how long it is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from gateway.dashboard.access.callers import require
from gateway.dashboard.languages import language_of
from gateway.dashboard.pages.rendering import render
from gateway.privacy.consent_record import PURPOSE_WORDS
from gateway.privacy.report import privacy_report
from gateway.settings import Settings
from gateway.storage import Store
from gateway.storage.users import Role
from rules import Book
from rules.texts import text


def router(store: Store, settings: Settings, live_books: Callable[[], Sequence[Book]], now_s: Callable[[], float]) -> APIRouter:
    """The page at /shop/privacy."""
    routes = APIRouter(include_in_schema=False, dependencies=[Depends(require(Role.VIEWER))])

    @routes.get("/shop/privacy")
    def privacy_page(request: Request) -> HTMLResponse:
        """Show the report: collected, why, from, read by, kept."""
        language = language_of(request)
        with store.read() as connection:
            report = privacy_report(connection, live_books(), settings, now_s(), language)
        purposes = [(text(language, PURPOSE_WORDS[purpose]), count) for purpose, count in report.by_purpose.items()]
        return render(request, "privacy.html", report=report, purposes=purposes)

    return routes
