"""Templates, and what every page needs: language, session, CSRF token."""

from __future__ import annotations

import secrets
from functools import cache
from pathlib import Path

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gateway.dashboard.auth import SESSION_COOKIE, Csrf
from gateway.dashboard.languages import COOKIE, LANGUAGES, NAMES, Language, catalogue, language_of

YEAR_S = 365 * 24 * 3600


@cache
def _environment(language: Language) -> Environment:
    """The templates in one language; texts are translated as they are written out."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent.parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(catalogue(language), newstyle=True)  # type: ignore[attr-defined]  # the extension adds it
    return environment


def render(request: Request, csrf: Csrf, template: str, status: int = 200, **context: object) -> HTMLResponse:
    """The page, in the reader's language, with a session for the changes it may send."""
    language = language_of(request)
    session = request.cookies.get(SESSION_COOKIE) or secrets.token_urlsafe(32)
    html = (
        _environment(language)
        .get_template(template)
        .render(
            language=language,
            languages=[(other, NAMES[other]) for other in LANGUAGES],
            path=request.url.path,
            csrf_token=csrf.token(session),
            **context,
        )
    )
    response = HTMLResponse(html, status, {"Content-Language": language, "Vary": "Accept-Language, Cookie"})
    secure = request.url.scheme == "https"
    response.set_cookie(SESSION_COOKIE, session, httponly=True, samesite="strict", secure=secure)
    if request.query_params.get("lang") == language:
        response.set_cookie(COOKIE, language, max_age=YEAR_S, httponly=True, samesite="lax", secure=secure)
    return response
