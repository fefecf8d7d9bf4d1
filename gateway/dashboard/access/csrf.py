"""Proof that a change comes from a page of ours, and not from one that only knows our address."""

from __future__ import annotations

import hashlib
import hmac

from starlette.requests import HTTPConnection

SESSION_COOKIE = "etalage_session"
HEADER = "x-csrf-token"
FIELD = "csrf"
_LABEL = b"etalage csrf"


def csrf_token(session: str) -> str:
    """Return what a page sends along with a change: a hash of the browser's session, so it outlives a restart of the gateway."""
    return hmac.new(_LABEL, session.encode(), hashlib.sha256).hexdigest()


def comes_from_our_page(request: HTTPConnection, shown: str) -> bool:
    """Tell whether the request has a session, that session's token, and an Origin that is the address it was sent to."""
    session = request.cookies.get(SESSION_COOKIE, "")
    origin = f"{request.url.scheme}://{request.headers.get('host', '')}"
    own = hmac.compare_digest(shown.encode(), csrf_token(session).encode())
    return bool(session) and own and request.headers.get("origin") == origin
