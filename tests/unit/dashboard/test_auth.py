"""The door: who is let in, from where, and what every answer carries."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI

from gateway.dashboard.access.callers import RIGHTS, Caller, require
from gateway.dashboard.access.middleware import FORM_BYTES_MAX
from gateway.dashboard.app import create_app
from gateway.settings import DashboardSettings
from gateway.storage import Store
from gateway.storage.users import Role, revoke_token
from tests.support.pretend_view import PretendView

pytestmark = pytest.mark.anyio

ELSEWHERE = "192.0.2.7"
Client = Callable[..., httpx.AsyncClient]
MakeToken = Callable[[Role], str]


@pytest.fixture
def app(view: PretendView, store: Store) -> FastAPI:
    """The application with one call for each role."""
    routes = APIRouter()

    def add(role: Role) -> None:
        @routes.api_route(f"/for/{role}", methods=["GET", "POST"], name=role)
        def call(caller: Caller = Depends(require(role))) -> str:  # noqa: B008
            return caller.name

    for role in Role:
        add(role)
    return create_app(view, settings=DashboardSettings(hosts=("shop.local",)), store=store, routers=[routes])


@pytest.mark.parametrize(
    "path", ["/", "/api/v1/health", "/api/v1/zones", "/api/v1/events", "/metrics", "/healthz", "/static/etalage.css"]
)
async def test_a_caller_on_the_box_may_look_without_a_token(client: Client, path: str) -> None:
    async with client() as browser:
        assert (await browser.get(path)).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/", "/api/v1/health", "/api/v1/live", "/api/v1/openapi.json", "/metrics", "/healthz", "/shop", "/nowhere"],
)
async def test_nothing_answers_a_caller_from_elsewhere_without_a_token(client: Client, path: str) -> None:
    async with client(ELSEWHERE, "192.0.2.1:8080") as browser:
        answer = await browser.get(path)
    assert answer.status_code == 401
    assert answer.json()["type"] == "urn:etalage:problem:token_needed"
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
async def test_a_request_through_a_proxy_on_the_box_is_from_elsewhere(client: Client, header: str) -> None:
    async with client() as browser:
        assert (await browser.get("/api/v1/health", headers={header: "127.0.0.1"})).status_code == 401


async def test_behind_a_proxy_the_box_itself_is_asked_for_a_token_too(view: PretendView) -> None:
    app = create_app(view, settings=DashboardSettings(trust_this_box=False))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1") as browser:
        assert (await browser.get("/")).status_code == 401


@pytest.mark.parametrize("held", [role for role in Role if role is not Role.OWNER])  # an owner is a person, never a token
async def test_a_token_opens_what_its_role_may_and_nothing_else(client: Client, token: MakeToken, held: Role) -> None:
    async with client(ELSEWHERE, "192.0.2.1:8080", Authorization=f"Bearer {token(held)}") as caller:
        opened = {asked for asked in Role if (await caller.post(f"/api/v1/for/{asked}")).status_code == 200}
        assert opened == RIGHTS[held]
        refused = [await caller.get(f"/api/v1/for/{asked}") for asked in Role if asked not in opened]
    assert all(answer.json()["type"] == "urn:etalage:problem:not_allowed" for answer in refused)


async def test_a_till_sees_neither_the_page_nor_the_zones(client: Client, token: MakeToken) -> None:
    async with client(ELSEWHERE, "192.0.2.1:8080", Authorization=f"Bearer {token(Role.TILL)}") as till:
        assert [(await till.get(path)).status_code for path in ("/", "/api/v1/zones", "/metrics")] == [403] * 3


async def test_a_revoked_token_opens_nothing_any_more(client: Client, token: MakeToken, store: Store) -> None:
    secret = token(Role.ADMIN)
    async with client(ELSEWHERE, "192.0.2.1:8080", Authorization=f"Bearer {secret}") as caller:
        assert (await caller.get("/api/v1/health")).status_code == 200
        store.writer.submit(lambda connection: revoke_token(connection, name="admin-1", at_s=1.0)).result()
        assert (await caller.get("/api/v1/health")).status_code == 401


@pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer", "Basic YTpi", "Bearer " + "x" * 5000, "nonsense"])
async def test_a_wrong_token_is_refused_on_the_box_too(client: Client, header: str) -> None:
    async with client(Authorization=header) as caller:
        answer = await caller.get("/api/v1/health")
    assert answer.status_code == 401
    assert "x" * 10 not in answer.text


async def test_who_sits_at_the_box_without_signing_in_may_look_and_nothing_else(client: Client) -> None:
    async with client() as browser:
        allowed = {role for role in Role if (await browser.get(f"/api/v1/for/{role}")).status_code == 200}
    assert allowed == {Role.VIEWER}


async def test_a_change_without_a_token_needs_a_page_of_ours(client: Client) -> None:
    origin = "http://127.0.0.1:8080"
    async with client() as browser:
        page = await browser.get("/")
        csrf = re.search(r'name="csrf-token" content="(\w+)"', page.text)
        assert csrf is not None
        good = {"X-CSRF-Token": csrf[1], "Origin": origin}
        assert (await browser.post("/api/v1/for/viewer", headers=good)).status_code == 200
        assert (await browser.post("/api/v1/for/viewer", headers={"Origin": origin}, data={"csrf": csrf[1]})).status_code == 200
        for bad in ({}, {"Origin": origin}, good | {"Origin": "http://evil.example"}, good | {"X-CSRF-Token": "0" * 64}):
            answer = await browser.post("/api/v1/for/viewer", headers=bad)
            assert (answer.status_code, answer.json()["type"]) == (403, "urn:etalage:problem:not_our_page")
        browser.cookies.clear()
        assert (await browser.post("/api/v1/for/viewer", headers=good)).status_code == 403


async def test_a_form_without_an_end_is_cut_off(client: Client) -> None:
    async with client() as browser:
        answer = await browser.post(
            "/sign-in", data={"name": "x" * (FORM_BYTES_MAX + 1)}, headers={"Origin": "http://127.0.0.1:8080"}
        )
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8080",
        "127.0.0.1.evil.example",
        "",
        "shop.local.evil.example",
        "[::1].evil.example",
        "[::1]evil.example:8080",
        "[::1]:8080.evil.example",
        "127.0.0.1:8080.evil.example",
        "[::1",
    ],
)
async def test_a_foreign_name_pointed_at_the_box_is_refused(client: Client, host: str) -> None:
    async with client() as browser:
        answer = await browser.get("/api/v1/health", headers={"Host": host})
    assert answer.status_code == 421
    assert answer.json()["type"] == "urn:etalage:problem:unknown_host"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost:8080", "LOCALHOST", "[::1]:8080", "192.168.1.20:8080", "shop.local", "Shop.Local:8080"]
)
async def test_the_box_answers_to_its_addresses_and_its_own_names(client: Client, host: str) -> None:
    async with client() as browser:
        assert (await browser.get("/api/v1/health", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize("path", ["/", "/static/shop.js", "/api/v1/health", "/nowhere"])
async def test_every_answer_carries_the_security_headers(client: Client, path: str) -> None:
    async with client() as browser:
        headers = (await browser.get(path)).headers
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in headers
    assert "server" not in headers


async def test_the_session_cookie_is_out_of_reach_for_scripts_and_other_sites(client: Client) -> None:
    async with client() as browser:
        cookie = (await browser.get("/")).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
