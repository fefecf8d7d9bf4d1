"""Dutch and English: which one a request wants, and the catalogue for it. The English texts are the keys."""

from __future__ import annotations

import gettext
from functools import cache
from pathlib import Path
from typing import Literal

from starlette.requests import HTTPConnection

Language = Literal["nl", "en"]
LANGUAGES: tuple[Language, ...] = ("nl", "en")
NAMES: dict[Language, str] = {"nl": "Nederlands", "en": "English"}
COOKIE = "etalage_language"
_FOLDER = Path(__file__).parent / "locale"


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for it, which the tool that gathers texts knows
    """Mark a text for the catalogue where it is written; it is translated where it is shown."""
    return text


@cache
def catalogue(language: Language) -> gettext.NullTranslations:
    """The texts of a language."""
    if language == "en":
        return gettext.NullTranslations()
    return gettext.translation("etalage", _FOLDER, [language])


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
