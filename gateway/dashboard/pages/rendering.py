"""What every page needs: the reader's language, a session, and that session's CSRF token."""

from __future__ import annotations

import secrets

from fastapi import Request
from fastapi.responses import HTMLResponse

from gateway.dashboard.auth import SESSION_COOKIE, Csrf
from gateway.dashboard.languages import COOKIE, language_of
from gateway.dashboard.templating import html

YEAR_S = 365 * 24 * 3600


def render(request: Request, csrf: Csrf, template: str, **context: object) -> HTMLResponse:
    """The page, in the reader's language, with a session for the changes it may send."""
    language = language_of(request)
    session = request.cookies.get(SESSION_COOKIE) or secrets.token_urlsafe(32)
    page = html(language, template, path=request.url.path, csrf_token=csrf.token(session), **context)
    response = HTMLResponse(page, headers={"Content-Language": language, "Vary": "Accept-Language, Cookie"})
    secure = request.url.scheme == "https"
    response.set_cookie(SESSION_COOKIE, session, httponly=True, samesite="strict", secure=secure)
    if request.query_params.get("lang") == language:
        response.set_cookie(COOKIE, language, max_age=YEAR_S, httponly=True, samesite="lax", secure=secure)
    return response
