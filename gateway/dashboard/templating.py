"""The templates, one set for each language."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from rules.texts import LANGUAGES, Language, catalogue, own_name

_FOLDER = Path(__file__).parent / "templates"


@cache
def _environment(language: Language) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(catalogue(language), newstyle=True)  # type: ignore[attr-defined]  # the extension adds it
    environment.globals |= {"language": language, "places": [], "signed_in": "", "notice": ""}
    environment.globals["languages"] = [(other.value, own_name(other)) for other in LANGUAGES]
    return environment


def html(language: Language, template: str, **context: object) -> str:
    """A template filled in; its texts are in `language`."""
    return _environment(language).get_template(template).render(**context)
