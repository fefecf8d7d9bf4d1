"""Which language a request wants; what is said in it stands in rules/texts."""

from __future__ import annotations

from starlette.requests import HTTPConnection

from rules.texts import LANGUAGES, Language

COOKIE = "etalage_language"


def language_of(request: HTTPConnection) -> Language:
    """Return what the address asks for, else was chosen before, else the account reads, the browser prefers, the shop speaks."""
    default: Language = request.app.state.settings.language
    asked = [request.query_params.get("lang"), request.cookies.get(COOKIE), _of_account(request), *_accepted(request)]
    return next((language for word in asked for language in LANGUAGES if word == language), default)


def _of_account(request: HTTPConnection) -> str | None:
    """Return the language of whoever signed in; None on the pages before that."""
    caller = request.scope.get("state", {}).get("caller")
    return None if caller is None else caller.language


def _accepted(request: HTTPConnection) -> list[str]:
    """The browser's languages, best first, without their countries."""
    ranked: list[tuple[float, str]] = []
    for item in request.headers.get("accept-language", "")[:200].split(","):
        tag, _, weight = item.strip().partition(";q=")
        try:
            ranked.append((-float(weight or 1), tag.split("-")[0].lower()))
        except ValueError:
            continue
    return [tag for _, tag in sorted(ranked, key=lambda pair: pair[0])]
