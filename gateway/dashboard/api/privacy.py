"""What is collected, why and read by whom, and the papers that go with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fastapi import APIRouter, Depends
from fastapi.responses import PlainTextResponse

from gateway.dashboard.access.callers import require
from gateway.dashboard.problems import RESPONSES
from gateway.privacy.papers import impact_assessment, privacy_statement
from gateway.privacy.report import Report, privacy_report
from gateway.settings import Settings
from gateway.storage import Store
from gateway.storage.users import Role
from rules.engine.book import Book
from rules.texts import Language


def router(store: Store, settings: Settings, books: Callable[[], Sequence[Book]], clock: Callable[[], float]) -> APIRouter:
    """The privacy report and papers. `books`: those that are live now."""
    routes = APIRouter(tags=["privacy"], responses=RESPONSES, dependencies=[Depends(require(Role.VIEWER))])

    def made(language: Language) -> Report:
        with store.read() as connection:
            return privacy_report(connection, books(), settings, clock(), language)

    @routes.get("/privacy/report")
    def get_privacy_report(language: Language = Language.NL) -> dict[str, object]:
        """Report what is collected, why and read by what; how many consented; how long everything is kept."""
        return made(language).as_dict()

    @routes.get("/privacy/statement.md", response_class=PlainTextResponse)
    def get_privacy_statement(language: Language = Language.NL) -> str:
        """Write the draft of a privacy statement, filled in."""
        return privacy_statement(made(language), settings)

    @routes.get("/privacy/dpia.md", response_class=PlainTextResponse)
    def get_dpia(language: Language = Language.NL) -> str:
        """Write the data protection impact assessment's template, filled in as far as the gateway knows."""
        return impact_assessment(made(language), settings)

    return routes
