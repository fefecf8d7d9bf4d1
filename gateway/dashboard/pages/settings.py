"""The pages that set the few things a shop needs. What the administrator's file sets is shown, and can't be changed here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated
from zoneinfo import available_timezones

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, StringConstraints
from starlette.background import BackgroundTask

from gateway.box_settings import BoxSettingsError, Value
from gateway.dashboard.access.callers import Caller, require
from gateway.dashboard.forms import Control, FieldRefused
from gateway.dashboard.kept_settings import KeptSettings
from gateway.dashboard.languages import language_of
from gateway.dashboard.pages.rendering import render, see_other
from gateway.dashboard.pages.sheets import Sheet, sent, show
from gateway.dashboard.pages.shop_form import DAYS, ShopForm, now_of
from gateway.dashboard.view import View
from gateway.settings import SettingsError, ShopSettings
from gateway.storage import Store, audit
from gateway.storage.users import Role
from gateway.zones.plan import PlanError, with_shop
from rules.texts import N_, text

Admin = Annotated[Caller, Depends(require(Role.ADMIN))]
KEPT_FOR_NEXT_START = N_("Saved. It counts from the next start.")


class ContactForm(BaseModel):
    """Who answers for shoppers' data."""

    controller: Annotated[
        str,
        StringConstraints(max_length=200),
        Control(N_("Who answers for the data"), N_("Name and address, as in the privacy statement."), autocomplete="organization"),
    ] = ""
    contact: Annotated[
        str, StringConstraints(max_length=200), Control(N_("Where shoppers turn to"), N_("An e-mail address or a web page."))
    ] = ""


def router(view: View, store: Store, kept: KeptSettings, now_s: Callable[[], float], start_anew: Callable[[], None]) -> APIRouter:
    """The pages under /shop/settings, and the way to a new start."""
    routes = APIRouter(include_in_schema=False)
    keep = keeper(store, kept, now_s)

    @routes.get("/shop/settings")
    def settings_page(request: Request, _caller: Admin) -> HTMLResponse:
        """Show what can be set."""
        language = language_of(request)
        groups = [(path, text(language, name), text(language, lead)) for path, name, lead in GROUPS]
        return render(request, "settings.html", groups=groups, waits=kept.waits)

    @routes.get("/shop/settings/shop")
    def shop_page(request: Request, _caller: Admin) -> HTMLResponse:
        """The shop's name, time zone and hours."""
        return show(request, _shop(view, kept))

    @routes.post("/shop/settings/shop")
    async def shop(request: Request, caller: Admin) -> Response:
        """Keep them."""

        async def take(form: ShopForm) -> Response:
            if form.timezone not in available_timezones():
                raise FieldRefused("timezone", N_("There is no such time zone. Write one like Europe/Amsterdam."))
            hours = form.hours()
            try:
                with_shop(view.plan, ShopSettings(name=form.name, timezone=form.timezone, hours=hours))
            except PlanError as error:
                day = next((day for day in DAYS if f"hours.{day}" in str(error)), "mon")
                raise FieldRefused(day, N_("A shop doesn't close at the minute it opens.")) from error
            values: dict[str, Value | None] = {"name": form.name, "timezone": form.timezone, "hours": hours or None}
            return await keep(caller, "shop", values, "name")

        return await sent(request, _shop(view, kept), take)

    @routes.get("/shop/settings/contact")
    def contact_page(request: Request, _caller: Admin) -> HTMLResponse:
        """Show who answers for the data."""
        return show(request, _contact(kept))

    @routes.post("/shop/settings/contact")
    async def contact(request: Request, caller: Admin) -> Response:
        """Keep it."""

        async def take(form: ContactForm) -> Response:
            return await keep(caller, "shoppers", {"controller": form.controller, "contact": form.contact}, "controller")

        return await sent(request, _contact(kept), take)

    @routes.post("/shop/restart")
    async def restart(request: Request, caller: Admin) -> HTMLResponse:
        """Start the gateway anew; the page waits for it."""
        await store.writer.write(lambda connection: audit.note(connection, now_s(), caller.name, "restarted"))
        page = render(request, "restarting.html", framed=False)
        page.background = BackgroundTask(start_anew)  # once the page is out
        return page

    return routes


GROUPS = (
    ("/shop/settings/shop", N_("The shop"), N_("Name, time zone, opening hours.")),
    ("/shop/settings/broker", N_("Connection"), N_("Where the store app listens.")),
    ("/shop/settings/contact", N_("Privacy"), N_("Who answers for the data, and where shoppers turn to.")),
)
Keep = Callable[[Caller, str, Mapping[str, Value | None], str], Awaitable[Response]]


def keeper(store: Store, kept: KeptSettings, now_s: Callable[[], float]) -> Keep:
    """Return what keeps settings, writes down who set them, and leads back."""

    async def keep(caller: Caller, section: str, values: Mapping[str, Value | None], field: str) -> Response:
        free = {name: value for name, value in values.items() if f"{section}.{name}" not in kept.fixed}
        try:
            await asyncio.to_thread(kept.put, section, free)
        except (SettingsError, BoxSettingsError) as error:
            raise FieldRefused(field, N_("This can't be kept: {why}"), why=error) from error
        except OSError as error:
            raise FieldRefused(
                field, N_("Not saved: the box can't write it ({why}). See whether its disk is full."), why=error.strerror
            ) from error
        await store.writer.write(lambda connection: audit.note(connection, now_s(), caller.name, "changed_settings", section))
        return see_other("/shop/settings", KEPT_FOR_NEXT_START)

    return keep


def _shop(view: View, kept: KeptSettings) -> Sheet[ShopForm]:
    settings = kept.now().shop
    fixed = [name for name in ("name", "timezone") if f"shop.{name}" in kept.fixed]
    fixed += DAYS if "shop.hours" in kept.fixed else ()
    return Sheet(
        ShopForm,
        N_("The shop"),
        N_("Save"),
        cancel="/shop/settings",
        fixed=fixed,
        now=now_of(with_shop(view.plan, settings)),
        version=kept.version,
    )


def _contact(kept: KeptSettings) -> Sheet[ContactForm]:
    settings = kept.now().shoppers
    return Sheet(
        ContactForm,
        N_("Who answers for the data"),
        N_("Save"),
        N_("This stands in the privacy statement that the box writes."),
        "/shop/settings",
        fixed=[name for name in ContactForm.model_fields if f"shoppers.{name}" in kept.fixed],
        now={"controller": settings.controller, "contact": settings.contact},
        version=kept.version,
    )
