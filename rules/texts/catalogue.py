"""The one way this product speaks languages: English where the code says it, every other language in a catalogue.

A language is a value: whoever speaks to somebody says in which. To add one, add its line to `Language` and its catalogue in
`locale/<language>/LC_MESSAGES/etalage.po` (docs/dashboard.md, "Texts"). What its catalogue lacks is said in English.
"""

from __future__ import annotations

import gettext
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeVar

T = TypeVar("T")

_FOLDER = Path(__file__).parent / "locale"


class Language(StrEnum):
    """A language that the product speaks, by its ISO 639-1 code."""

    NL = "nl"
    EN = "en"


LANGUAGES: tuple[Language, ...] = tuple(Language)
WRITTEN: tuple[Language, ...] = (Language.NL, Language.EN)
"""The languages in which a shop writes its rule books; who speaks another one reads English."""


class Counted(NamedTuple):
    """A message in the singular and the plural; the number `count` among its values says which it is."""

    one: str
    many: str


Message = str | Counted
Words = dict[Language, str]
"""One text in every language."""


def N_(message: str) -> str:  # noqa: N802 - gettext's own name for it, which the tool that gathers texts knows
    """Mark a message for the catalogue where it is written; `text` translates it where it is said."""
    return message


def ngettext(one: str, many: str) -> Counted:
    """Mark a message that counts something, in both its forms, as `N_` marks others; the name is gettext's own, too."""
    return Counted(one, many)


@cache
def catalogue(language: Language) -> gettext.NullTranslations:
    """Return the translations into a language; none for English, whose messages are the keys."""
    if language == Language.EN:
        return gettext.NullTranslations()
    return gettext.translation("etalage", _FOLDER, [language])


def unfilled(language: Language, message: str) -> str:
    """Return a message in a language with its {places} still open, for a script to fill."""
    return catalogue(language).gettext(message)


def text(language: Language, message: Message, /, **values: object) -> str:
    """Say a message in a language, with `values` in its {places}."""
    said = unfilled(language, message) if isinstance(message, str) else _form(language, message, values["count"])
    return said.format(**values)


def _form(language: Language, message: Counted, count: object) -> str:
    """Return the form for a number; what isn't whole is many in every language spoken here."""
    number = float(str(count))
    return catalogue(language).ngettext(*message, int(number) if number.is_integer() else 2)


def in_all(message: Message, /, **values: object) -> Words:
    """Say a message in every language at once."""
    return in_each(lambda language: text(language, message, **values))


def in_each(say: Callable[[Language], T]) -> dict[Language, T]:
    """Return what `say` gives for each language."""
    return {language: say(language) for language in LANGUAGES}


def spoken(written: Mapping[Language, T], language: Language) -> T:
    """Return what a shop wrote in a language, or in English where it wrote nothing in that one."""
    return written.get(language, written[Language.EN])


def known_language(code: str) -> Language:
    """Return the language of a code, or the first one for a code that isn't spoken here."""
    return Language(code) if code in LANGUAGES else LANGUAGES[0]


def own_name(language: Language) -> str:
    """Return what a language calls itself; its catalogue says it as the translation of "English"."""
    return text(language, N_("English"))
