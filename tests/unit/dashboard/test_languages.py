"""Which language a browser gets, and what it gets in it."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

pytestmark = pytest.mark.anyio

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
