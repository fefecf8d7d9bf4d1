"""The page that says where the store app listens: tried before it is kept, with the words of what is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Protocol
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, Field, StringConstraints

from gateway.box_settings import Value
from gateway.dashboard.access.callers import Caller, require
from gateway.dashboard.forms import Choice, Control, FieldRefused
from gateway.dashboard.kept_settings import KeptSettings
from gateway.dashboard.languages import language_of
from gateway.dashboard.pages.settings import Keep
from gateway.dashboard.pages.sheets import Sheet, sent, show
from gateway.settings import LOOPBACK, MqttSettings
from gateway.storage.users import Role
from rules.texts import N_, Language, text

Admin = Annotated[Caller, Depends(require(Role.ADMIN))]
SAFE, PLAIN = "tls", "plain"


class BrokerStep(Protocol):
    """One step on the way to a broker."""

    @property
    def name(self) -> str:
        """Return name, port, certificate or password."""

    @property
    def well(self) -> bool:
        """Tell whether it went well."""

    @property
    def detail(self) -> str:
        """Return why not, or until when, for a technician."""


class TryBroker(Protocol):
    """Tries a broker; blocks for some seconds at most."""

    def __call__(
        self, host: str, port: int, *, tls: bool, user: str = "", password: str = "", ca_file: str | None = None
    ) -> Sequence[BrokerStep]: ...


WORDS: dict[tuple[str, bool], str] = {
    ("name", True): N_("The name is known."),
    ("name", False): N_("There is no such name in the network. Check the spelling, or type the address in numbers."),
    ("port", True): N_("Something answers at the port."),
    ("port", False): N_("Nothing answers there. Is the broker switched on, and is it this port?"),
    ("certificate", True): N_("The certificate is good until {detail}."),
    ("certificate", False): N_("The certificate can't be trusted ({detail}). Ask whoever runs the app for the right address."),
    ("password", True): N_("The broker lets the box in."),
    ("password", False): N_("The broker doesn't know this name with this password ({detail}). Ask whoever runs the app for them."),
}
FIELDS = {"name": "host", "port": "port", "certificate": "security", "password": "password"}
"""Where a step that fails is mended."""


class BrokerForm(BaseModel):
    """Where the store app listens."""

    host: Annotated[
        str,
        StringConstraints(pattern=r"^[A-Za-z0-9.:_-]{1,253}$"),
        Control(N_("Address"), N_("A name like mqtt.shop.example, or numbers; 127.0.0.1 is this box itself.")),
    ]
    port: Annotated[int, Field(ge=1, le=65535), Control(N_("Port"), N_("Mostly 8883, or 1883 without TLS."), kind="number")]
    security: Annotated[
        str,
        StringConstraints(pattern="^(tls|plain)$"),
        Control(
            N_("Connection"),
            kind="radio",
            choices=(Choice(SAFE, N_("Safe (TLS)")), Choice(PLAIN, N_("Plain: who listens in the network can read along"))),
        ),
    ]
    user: Annotated[str, StringConstraints(max_length=200), Control(N_("Name"), autocomplete="off")] = ""
    password: Annotated[
        str,
        StringConstraints(max_length=500),
        Control(N_("Password"), N_("Empty: as it was."), kind="password", autocomplete="off", kept=False),
    ] = ""


def router(kept: KeptSettings, try_broker: TryBroker, keep: Keep) -> APIRouter:
    """The page at /shop/settings/broker."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/shop/settings/broker")
    async def broker_page(request: Request, _caller: Admin, found: bool = False) -> HTMLResponse:
        """Show where the box connects to; `found`: filled in with the broker on this box."""
        values = {"host": "127.0.0.1", "port": "1883", "security": PLAIN} if found else None
        return show(request, _sheet(kept), values, template="broker_form.html", trial=[])

    @routes.post("/shop/settings/broker")
    async def broker(request: Request, caller: Admin) -> Response:
        """Try it; keep it if it lets the box in."""
        language, steps = language_of(request), list[BrokerStep]()

        async def take(form: BrokerForm) -> Response:
            settings = kept.now().mqtt
            password = form.password or _known_password(settings)
            ca_file = None if settings.ca_file is None else str(settings.ca_file)
            trying = {"tls": form.security == SAFE, "user": form.user, "password": password, "ca_file": ca_file}
            steps.extend(await asyncio.to_thread(try_broker, form.host, form.port, **trying))  # type: ignore[arg-type]
            failed = next((step for step in steps if not step.well), None)
            if failed is not None:
                raise FieldRefused(FIELDS[failed.name], WORDS[failed.name, False], detail=failed.detail)
            return await keep(caller, "mqtt", await asyncio.to_thread(_as_kept, kept, form), "host")

        return await sent(request, _sheet(kept), take, "broker_form.html", lambda: {"trial": _said(steps, language)})

    return routes


def _sheet(kept: KeptSettings) -> Sheet[BrokerForm]:
    settings = kept.now().mqtt
    parts = urlsplit(settings.brokers[0])
    tls = parts.scheme == "mqtts"
    fixed = ["host", "port", "security"] if "mqtt.brokers" in kept.fixed else []
    fixed += ["user"] if "mqtt.user" in kept.fixed else []
    return Sheet(
        BrokerForm,
        N_("Where does the store app listen?"),
        N_("Test and save"),
        cancel="/shop/settings",
        fixed=fixed,
        now={
            "host": parts.hostname or "",
            "port": str(parts.port or (8883 if tls else 1883)),
            "security": SAFE if tls else PLAIN,
            "user": settings.user or "",
        },
        version=kept.version,
    )


def _as_kept(kept: KeptSettings, form: BrokerForm) -> dict[str, Value | None]:
    host = f"[{form.host}]" if ":" in form.host else form.host
    plain = form.security == PLAIN
    values: dict[str, Value | None] = {
        "brokers": [f"{'mqtt' if plain else 'mqtts'}://{host}:{form.port}"],
        "allow_plain": True if plain and form.host not in LOOPBACK else None,
        "user": form.user or None,
    }
    return values | ({"password_file": kept.put_password(form.password)} if form.password else {})


def _known_password(settings: MqttSettings) -> str:
    """Return the password that is kept already; empty where there is none that can be read."""
    try:
        text = settings.password_file.read_text(encoding="utf-8") if settings.password_file is not None else ""
    except (OSError, UnicodeDecodeError):
        return ""
    return text.partition("\n")[0].strip()


def _said(steps: Sequence[BrokerStep], language: Language) -> list[tuple[bool, str]]:
    return [(step.well, text(language, WORDS[step.name, step.well], detail=step.detail)) for step in steps]
