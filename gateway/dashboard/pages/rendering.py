"""What every page needs: the reader's language, a session with its CSRF token, and the frame around it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse

from gateway.dashboard.access.callers import Caller
from gateway.dashboard.access.csrf import SESSION_COOKIE, csrf_token
from gateway.dashboard.languages import COOKIE, language_of
from gateway.dashboard.templating import html
from gateway.storage.users import Role
from rules.texts import N_, Language, text

YEAR_S = 365 * 24 * 3600
NOTICE_COOKIE = "etalage_notice"


@dataclass(frozen=True, slots=True)
class Place:
    """A part of the dashboard that the main menu leads to."""

    path: str
    icon: str
    name: str
    role: Role


PLACES = (
    Place("/", "now", N_("Now"), Role.VIEWER),
    Place("/shop", "shop", N_("Shop"), Role.VIEWER),
)


def render(
    request: Request,
    template: str,
    *,
    status: int = 200,
    framed: bool = True,
    **context: object,
) -> HTMLResponse:
    """Return a page in the reader's language. `framed`: with the main menu; without it for the pages that let people in."""
    language = language_of(request)
    caller: Caller | None = request.state.caller
    session = request.cookies.get(SESSION_COOKIE) or secrets.token_urlsafe(32)
    page = html(
        language,
        template,
        path=request.url.path,
        csrf_token=csrf_token(session),
        places=_places(caller, request.url.path, language) if framed and caller is not None else [],
        signed_in=caller.name if caller is not None and caller.session is not None else "",
        notice=_notice(request, language),
        **context,
    )
    response = HTMLResponse(page, status, headers={"Content-Language": language, "Vary": "Accept-Language, Cookie"})
    if SESSION_COOKIE not in request.cookies:
        set_session(request, response, session)
    if NOTICE_COOKIE in request.cookies:
        response.delete_cookie(NOTICE_COOKIE)
    if request.query_params.get("lang") == language:
        secure = request.url.scheme == "https"
        response.set_cookie(COOKIE, language, max_age=YEAR_S, httponly=True, samesite="lax", secure=secure)
    return response


def set_session(request: Request, response: HTMLResponse | RedirectResponse, session: str, lasts_s: float | None = None) -> None:
    """Give the browser a session: until it is closed, or for as long as a signed-in one may last unused."""
    max_age = None if lasts_s is None else int(lasts_s)
    secure = request.url.scheme == "https"
    response.set_cookie(SESSION_COOKIE, session, max_age=max_age, httponly=True, samesite="lax", secure=secure)


def see_other(path: str, notice: str = "", values: Mapping[str, str] | None = None) -> RedirectResponse:
    """Return the way on after a change that was made; the next page says `notice`, a key of the catalogue, once."""
    response = RedirectResponse(path, 303)
    if notice:
        said = quote("\n".join([notice, *(f"{name}={value}" for name, value in (values or {}).items())]))
        response.set_cookie(NOTICE_COOKIE, said, max_age=60, httponly=True, samesite="lax")
    return response


def own_path(wanted: str | None) -> str:
    """Return where to go on, if it is a page of ours; the first page otherwise: a link must not lead elsewhere."""
    if wanted is None or not wanted.startswith("/") or wanted[1:2] in ("/", "\\") or any(ord(sign) < 0x20 for sign in wanted):
        return "/"
    return wanted


def _places(caller: Caller, path: str, language: Language) -> list[dict[str, object]]:
    allowed = [place for place in PLACES if caller.may(place.role)]
    return [
        {
            "path": place.path,
            "icon": place.icon,
            "name": text(language, place.name),
            "here": path == place.path or (place.path != "/" and path.startswith(place.path + "/")),
        }
        for place in allowed
    ]


def _notice(request: Request, language: Language) -> str:
    """Return what the change before this page came to. The cookie is the reader's own: its words are looked up, and escaped."""
    message, *values = unquote(request.cookies.get(NOTICE_COOKIE, "")).split("\n")
    try:
        return text(language, message, **dict(value.split("=", 1) for value in values)) if message else ""
    except (ValueError, KeyError, IndexError):
        return ""
