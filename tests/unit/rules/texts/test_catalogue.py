"""Every language, whole: each text of the product has its translation, and the compiled catalogue is the written one."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from rules.texts import LANGUAGES, Counted, Language, known_language, own_name, spoken, text

ROOT = Path(__file__).parents[4]
TEXTS = ROOT / "rules" / "texts"
PLACEHOLDER = re.compile(r"\{\w+\}|%\(\w+\)s")
TRANSLATED = [language for language in LANGUAGES if language is not Language.EN]


def catalogue_file(language: Language) -> Path:
    return TEXTS / "locale" / language / "LC_MESSAGES" / "etalage"


@pytest.fixture(scope="module", params=TRANSLATED)
def written(request: pytest.FixtureRequest) -> Catalog:
    return read_po(catalogue_file(request.param).with_suffix(".po").open("rb"), locale=request.param)


def texts_in_the_source() -> set[str]:
    with (TEXTS / "babel.cfg").open() as mapping:
        methods, options = parse_mapping_cfg(mapping)  # type: ignore[no-untyped-call]  # Babel leaves this one untyped
    found = [one for room in ("rules", "gateway", "firmware_sim") for one in extract_from_dir(ROOT / room, methods, options)]
    return {said for _file, _line, message, *_rest in found for said in ([message] if isinstance(message, str) else message)}


def test_every_text_has_its_translation_and_none_is_left_over(written: Catalog) -> None:
    ids = [[message.id] if isinstance(message.id, str) else message.id for message in written if message.id and message.string]
    assert {one for forms in ids for one in forms} == texts_in_the_source()
    assert not any(message.fuzzy for message in written if message.id)


def test_a_translation_keeps_every_placeholder(written: Catalog) -> None:
    for message in written:
        assert sorted(PLACEHOLDER.findall(str(message.id))) == sorted(PLACEHOLDER.findall(str(message.string))), message.id


def test_the_compiled_catalogue_says_what_the_written_one_says(written: Catalog) -> None:
    compiled = io.BytesIO()
    write_mo(compiled, written)
    path = catalogue_file(Language(str(written.locale))).with_suffix(".mo")
    assert path.read_bytes() == compiled.getvalue(), "compile it again: make texts"


def test_a_text_is_said_in_each_language() -> None:
    assert text(Language.EN, "All is well") == "All is well"
    assert text(Language.NL, "All is well") == "Alles gaat goed"
    assert text(Language.NL, "{long} ago", long="3 d") == "3 d geleden"


@pytest.mark.parametrize(
    ("count", "english", "dutch"),
    [
        (0, "0 days", "0 dagen"),
        (1, "1 day", "1 dag"),
        (1.0, "1 day", "1 dag"),
        (0.5, "0.5 days", "0.5 dagen"),
        (2, "2 days", "2 dagen"),
    ],
)
def test_what_is_counted_is_said_in_the_singular_or_the_plural(count: float, english: str, dutch: str) -> None:
    message = Counted("{days} day", "{days} days")
    assert text(Language.EN, message, count=count, days=f"{count:g}") == english
    assert text(Language.NL, message, count=count, days=f"{count:g}") == dutch


def test_a_language_calls_itself_by_its_own_name() -> None:
    assert [own_name(language) for language in (Language.NL, Language.EN)] == ["Nederlands", "English"]


def test_a_text_that_no_catalogue_has_is_said_in_english() -> None:
    assert text(Language.NL, "Nobody translated {this}", this="it") == "Nobody translated it"


def test_what_a_shop_wrote_in_two_languages_is_read_in_english_by_others() -> None:
    written = {Language.EN: "wine"}
    assert (spoken(written, Language.EN), spoken(written, Language.NL)) == ("wine", "wine")


@pytest.mark.parametrize(("code", "language"), [("en", Language.EN), ("nl", Language.NL), ("tlh", Language.NL), ("", Language.NL)])
def test_a_code_that_is_not_spoken_here_is_the_first_language(code: str, language: Language) -> None:
    assert known_language(code) is language
