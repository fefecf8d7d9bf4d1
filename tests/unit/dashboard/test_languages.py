"""Both languages, whole: every text the dashboard can show has its Dutch, and the compiled catalogue is the written one."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

import gateway.dashboard.app as dashboard_app
from gateway.dashboard.languages import catalogue

pytestmark = pytest.mark.anyio

FOLDER = Path(dashboard_app.__file__).parent
DUTCH = FOLDER / "locale" / "nl" / "LC_MESSAGES" / "etalage"
PLACEHOLDER = re.compile(r"\{\w+\}|%\(\w+\)s")


@pytest.fixture(scope="module")
def written() -> Catalog:
    return read_po(DUTCH.with_suffix(".po").open("rb"), locale="nl")


def texts_in_the_source() -> set[str]:
    with (FOLDER / "locale" / "babel.cfg").open() as mapping:
        methods, options = parse_mapping_cfg(mapping)  # type: ignore[no-untyped-call]  # Babel leaves this one untyped
    found = extract_from_dir(FOLDER, methods, options)
    return {text for _file, _line, message, *_rest in found for text in ([message] if isinstance(message, str) else message)}


def test_every_text_has_its_dutch_and_no_dutch_is_left_over(written: Catalog) -> None:
    assert {str(message.id) for message in written if message.id and message.string} == texts_in_the_source()
    assert not any(message.fuzzy for message in written if message.id)


def test_a_translation_keeps_every_placeholder(written: Catalog) -> None:
    for message in written:
        assert sorted(PLACEHOLDER.findall(str(message.id))) == sorted(PLACEHOLDER.findall(str(message.string))), message.id


def test_the_compiled_catalogue_says_what_the_written_one_says(written: Catalog) -> None:
    compiled = io.BytesIO()
    write_mo(compiled, written)
    assert DUTCH.with_suffix(".mo").read_bytes() == compiled.getvalue(), "compile it again: docs/dashboard.md, 'Languages'"


def test_english_needs_no_catalogue() -> None:
    assert catalogue("en").gettext("All is well") == "All is well"
    assert catalogue("nl").gettext("All is well") == "Alles gaat goed"


Client = Callable[..., httpx.AsyncClient]


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("nl-NL,nl;q=0.9,en;q=0.8", "nl"),
        ("en-GB,en;q=0.9", "en"),
        ("de,en;q=0.5,nl;q=0.7", "nl"),
        ("de-DE", "nl"),
        ("", "nl"),
        (";;;q=x,=,en;q=.", "nl"),
        ("en;q=nonsense", "nl"),
    ],
)
async def test_the_page_is_in_the_language_the_browser_prefers(client: Client, accepted: str, language: str) -> None:
    async with client(**{"Accept-Language": accepted}) as browser:
        page = await browser.get("/")
    assert f'<html lang="{language}">' in page.text
    assert page.headers["content-language"] == language


async def test_a_chosen_language_is_remembered(client: Client) -> None:
    async with client(**{"Accept-Language": "nl"}) as browser:
        await browser.get("/?lang=en")
        assert '<html lang="en">' in (await browser.get("/")).text
        assert '<html lang="en">' in (await browser.get("/?lang=klingon")).text
        await browser.get("/?lang=nl")
        assert '<html lang="nl">' in (await browser.get("/")).text
