"""HEAD wherever GET is; static files may be kept, are asked for by their ETag, and come compressed."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

pytestmark = pytest.mark.anyio
Client = Callable[..., httpx.AsyncClient]


@pytest.mark.parametrize("path", ["/api/v1/health", "/api/v1/zones", "/api/v1/live", "/healthz", "/static/shop.js"])
async def test_head_is_answered_as_get_without_a_body(client: Client, path: str) -> None:
    async with client() as browser:
        answer = await browser.head(path)
    assert answer.status_code == 200
    assert answer.content == b""
    assert answer.headers["content-type"]


async def test_a_static_file_is_kept_and_asked_for_by_its_etag(client: Client) -> None:
    async with client() as browser:
        first = await browser.get("/static/etalage.css")
        again = await browser.get("/static/etalage.css", headers={"If-None-Match": first.headers["etag"]})
    assert first.headers["cache-control"] == "no-cache"
    assert first.headers["content-encoding"] == "gzip"
    assert (again.status_code, again.content) == (304, b"")


async def test_a_page_with_a_secret_in_it_is_neither_kept_nor_compressed(client: Client) -> None:
    async with client() as browser:
        page = await browser.get("/")
    assert page.headers["cache-control"] == "no-store"
    assert "content-encoding" not in page.headers
