"""The way from an unpacked box to a shop that speaks to its shoppers: steps that can be left and taken up at any time.

Where one stands is worked out from what is there, never remembered: another browser, a restart or a file that somebody wrote all
lead to the first step that isn't done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import HTMLResponse

from gateway.dashboard.access.callers import Caller, require
from gateway.dashboard.kept_settings import KeptSettings
from gateway.dashboard.languages import language_of
from gateway.dashboard.pages.rendering import render
from gateway.dashboard.view import View
from gateway.storage import Store, books
from gateway.storage.users import Role
from gateway.zones.plan_in_force import plan_in_force
from rules.texts import N_, text

Admin = Annotated[Caller, Depends(require(Role.ADMIN))]
MINUTES_A_STEP = 2


@dataclass(frozen=True, slots=True)
class SetupStep:
    """One step. Texts are keys of the catalogue."""

    path: str
    name: str
    why: str
    without: str
    """What it means to leave it out."""
    done: bool


def router(view: View, store: Store, kept: KeptSettings) -> APIRouter:
    """The page at /setup."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/setup")
    def setup_page(request: Request, _caller: Admin) -> HTMLResponse:
        """Show all steps, and lead to the first that isn't done."""
        language, steps = language_of(request), setup_steps(view, store, kept)
        left = [step for step in steps if not step.done]
        return render(
            request,
            "setup.html",
            steps=[
                (number, step, text(language, step.name), text(language, step.why), text(language, step.without))
                for number, step in enumerate(steps, 1)
            ],
            left=len(left),
            minutes=len(left) * MINUTES_A_STEP,
            following=left[0] if left else None,
            waits=kept.waits,
            built=_addresses(request.app),
        )

    return routes


def setup_steps(view: View, store: Store, kept: KeptSettings) -> list[SetupStep]:
    """Return the steps in their order, each done or not by what is there now. Reads files and the database."""
    settings, health = kept.now(), view.health()
    place = plan_in_force(settings)
    with store.read() as connection:
        has_book = bool(books.live(connection))
    return [
        SetupStep(
            "/shop/settings/shop",
            N_("Shop"),
            N_("What it is called, and when it is open."),
            N_("Without hours no offer can wait for opening time."),
            bool(settings.shop.name) or place.source == "file",
        ),
        SetupStep(
            "/shop/plan",
            N_("Plan"),
            N_("Draw the zones, and put the scanners where they hang."),
            N_("Without a plan the box only knows whether somebody is in the shop."),
            place.source != "none",
        ),
        SetupStep(
            "/shop/settings/broker",
            N_("Connection"),
            N_("Where the store app listens."),
            N_("Without a connection nothing reaches a phone; promises are kept until there is one."),
            health.link.connected,
        ),
        SetupStep(
            "/shop/scanners",
            N_("Scanners"),
            N_("Each must hear before its zones are known."),
            N_("What no scanner hears is unknown, never empty."),
            any(scanner.in_plan for scanner in health.scanners) and all(one.well for one in health.scanners if one.in_plan),
        ),
        SetupStep(
            "/shop/walk",
            N_("Walk"),
            N_("Walk through the zones with a tag, so that the box learns how they sound."),
            N_("Without the walk the box goes by the drawing alone."),
            place.calibration is not None,
        ),
        SetupStep(
            "/offers",
            N_("First offer"),
            N_("Say what a shopper gets, and where."),
            N_("Without an offer nothing is ever promised."),
            has_book,
        ),
    ]


def _addresses(app: FastAPI) -> frozenset[str]:
    """Return the addresses that this dashboard serves: a step whose page isn't there is said to be done elsewhere."""
    included = (getattr(one, "effective_route_contexts", None) for one in app.routes)
    return frozenset(route.path for contexts in included if contexts is not None for route in contexts())
