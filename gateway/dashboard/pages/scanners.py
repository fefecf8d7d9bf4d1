"""The pages about who hears: every scanner with its last day, and one of them from close by."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from gateway.dashboard.access.callers import require
from gateway.dashboard.charts import Bar, Chart, hours_chart
from gateway.dashboard.languages import language_of
from gateway.dashboard.naming import scanner_name
from gateway.dashboard.pages.rendering import render
from gateway.dashboard.problems import Problem
from gateway.dashboard.sentences import duration
from gateway.dashboard.view import ScannerNow, View
from gateway.storage.users import Role
from rules.texts import N_, Language, text

STEP_NAMES = {"restart": N_("restarted"), "power_cycle": N_("powered off and on"), "reset": N_("reset")}


def router(view: View) -> APIRouter:
    """The pages under /shop/scanners."""
    routes = APIRouter(include_in_schema=False, dependencies=[Depends(require(Role.VIEWER))])

    @routes.get("/shop/scanners")
    async def scanners_page(request: Request) -> HTMLResponse:
        """Show every scanner, those that need somebody first."""
        language = language_of(request)
        found = sorted(view.health().scanners, key=lambda scanner: scanner.well)
        rows = [(scanner, _name(view, scanner, language), _chart(view, scanner, language)) for scanner in found]
        return render(request, "scanners.html", rows=rows, well=sum(scanner.well for scanner in found))

    @routes.get("/shop/scanners/{id}")
    async def scanner_page(request: Request, id: str) -> HTMLResponse:
        """Show one scanner: its day in hours, and what a technician asks for."""
        language = language_of(request)
        scanner = next((one for one in view.health().scanners if one.scanner == id), None)
        if scanner is None:
            raise Problem(
                404, "no_such_scanner", N_("The plan has no such scanner."), N_("See which there are under Shop, Scanners.")
            )
        chart = _chart(view, scanner, language)
        return render(
            request,
            "scanner.html",
            name=_name(view, scanner, language),
            scanner=scanner,
            chart=chart,
            facts=_facts(scanner, language),
        )

    return routes


def _name(view: View, scanner: ScannerNow, language: Language) -> str:
    return scanner_name(view.plan, scanner.scanner, language)


def _chart(view: View, scanner: ScannerNow, language: Language) -> Chart | None:
    """Return the scanner's day; None for one that isn't in the plan, of which nothing is remembered."""
    if not scanner.in_plan:
        return None
    bars: Sequence[Bar] = [Bar(hour.starts_at_s, hour.quality) for hour in view.scanner_day(scanner.scanner)]
    return hours_chart(bars, view.plan.timezone, language)


def _facts(scanner: ScannerNow, language: Language) -> list[tuple[str, str]]:
    """Return what a technician asks for, as pairs of name and value."""
    heard = scanner.heard_share
    steps = ", ".join(f"{text(language, STEP_NAMES[step])} {times}×" for step, times in scanner.steps.items() if times)
    facts = {
        N_("Kind"): scanner.kind,
        N_("Messages a second"): f"{scanner.adverts_per_s:.0f}",
        N_("Of what beacons send it hears"): "" if heard is None else f"{100 * heard:.0f}%",
        N_("Last heard something"): ""
        if scanner.silent_s is None
        else text(language, N_("{long} ago"), long=duration(scanner.silent_s)),
        N_("Recovered since the start"): f"{scanner.recoveries}×",
        N_("What was tried"): steps,
        N_("Why, last time"): scanner.reason,
    }
    return [(text(language, name), value) for name, value in facts.items() if value]
