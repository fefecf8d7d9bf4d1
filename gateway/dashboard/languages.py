"""Which language a request wants; what is said in it stands in rules/texts."""

from __future__ import annotations

from starlette.requests import HTTPConnection

from rules.texts import LANGUAGES, Language

COOKIE = "etalage_language"


def language_of(request: HTTPConnection) -> Language:
    """What the address asks for, else what was chosen before, else what the browser prefers, else what the shop speaks."""
    default: Language = request.app.state.settings.language
    asked = [request.query_params.get("lang"), request.cookies.get(COOKIE), *_accepted(request)]
    return next((language for word in asked for language in LANGUAGES if word == language), default)


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
