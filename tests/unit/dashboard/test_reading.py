"""HEAD and OPTIONS wherever GET is; what programs read comes compressed; static files are kept and asked for by their ETag."""

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


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/v1/zones", "GET, HEAD, OPTIONS"),
        ("/api/v1/scanners/pi-1/quality", "GET, HEAD, OPTIONS"),
        ("/", "GET, HEAD, OPTIONS"),
        ("/static/shop.js", "GET, HEAD, OPTIONS"),
        ("/sign-out", "OPTIONS, POST"),
    ],
)
async def test_options_says_what_an_address_takes(client: Client, path: str, allowed: str) -> None:
    async with client() as browser:
        answer = await browser.options(path)
    assert (answer.status_code, answer.headers["allow"], answer.content) == (204, allowed, b"")


async def test_options_of_nothing_is_a_problem_and_a_stranger_learns_nothing(client: Client) -> None:
    async with client() as browser:
        assert (await browser.options("/api/v1/nowhere")).status_code in (404, 405)
    async with client(address="192.0.2.7", host="192.0.2.1:8080") as stranger:
        answer = await stranger.options("/api/v1/zones")
    assert (answer.status_code, "allow" in answer.headers) == (401, False)


async def test_what_programs_read_is_compressed_but_the_stream_isnt(client: Client) -> None:
    async with client() as browser:
        for path in ("/api/v1/zones", "/api/v1/health", "/metrics"):
            answer = await browser.get(path)
            assert answer.headers["content-encoding"] == "gzip", path
            assert answer.headers["vary"] == "Accept-Encoding"
        head = await browser.head("/api/v1/live")
    assert "content-encoding" not in head.headers
