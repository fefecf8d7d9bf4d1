"""The shop's own part of the dashboard: a card for each thing that can be looked after."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from gateway.dashboard.access.callers import Caller, require
from gateway.dashboard.languages import language_of
from gateway.dashboard.pages.rendering import render
from gateway.storage.users import Role
from rules.texts import N_, text

CARDS: tuple[tuple[str, str, str, Role], ...] = (
    ("/shop/plan", N_("Plan"), N_("Zones, scanners and walls; draw it, and see where scanners do best."), Role.VIEWER),
    ("/shop/facts", N_("Today"), N_("Weather, stock: what the offers ask the shop itself."), Role.STAFF),
    ("/shop/scanners", N_("Scanners"), N_("Who hears, how well, and what to do."), Role.VIEWER),
    ("/shop/broker", N_("Connection"), N_("The way to the store app: what waits, and what is stuck."), Role.STAFF),
    ("/shop/privacy", N_("Privacy"), N_("What is collected, why, and how long it is kept."), Role.VIEWER),
    ("/shop/settings", N_("Settings"), N_("Name, hours, connection: the few things to set."), Role.ADMIN),
    ("/shop/backup", N_("Backups"), N_("Made here, proven by a test restore, to take elsewhere."), Role.STAFF),
    ("/shop/support", N_("Support"), N_("One file for whoever helps from afar."), Role.ADMIN),
    ("/shop/users", N_("Users, tills and tokens"), N_("Who may come in, and what each may do."), Role.OWNER),
    ("/shop/audit", N_("Who did what"), N_("The record of deeds; nobody can change it."), Role.ADMIN),
)
"""Address, name and sentence of each card, and who may open it."""


def router() -> APIRouter:
    """The page at /shop."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/shop")
    def shop(request: Request, caller: Annotated[Caller, Depends(require(Role.VIEWER))]) -> HTMLResponse:
        """Show what there is to look after, as far as the caller may."""
        language = language_of(request)
        cards = [(path, text(language, name), text(language, lead)) for path, name, lead, role in CARDS if caller.may(role)]
        return render(request, "shop.html", cards=cards)

    return routes
