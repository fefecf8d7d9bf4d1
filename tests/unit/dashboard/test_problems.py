"""Every error is problem details: what, where, what to do; in the reader's language, and without our insides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel, Field

from gateway.dashboard.app import create_app
from gateway.dashboard.problems import MEDIA_TYPE, Problem
from gateway.settings import DashboardSettings
from gateway.storage import NotInTime
from tests.support.pretend_view import PretendView

pytestmark = pytest.mark.anyio
JSON = {"Content-Type": "application/json"}
Client = Callable[..., httpx.AsyncClient]


class Body(BaseModel):
    name: Annotated[str, Field(min_length=3, max_length=5, pattern="^[a-z]+$")]
    kind: Literal["a", "b"]
    parts: Annotated[list[int], Field(min_length=1)]


@pytest.fixture
def app(view: PretendView) -> FastAPI:
    routes = APIRouter()

    @routes.get("/taken")
    async def taken() -> None:
        raise Problem(409, "taken", "{name} is taken.", "Choose another than {name}.", name="{odd}")

    @routes.get("/broken")
    async def broken() -> None:
        raise RuntimeError("a secret of ours")

    @routes.get("/full")
    async def full() -> None:
        raise NotInTime(30.0)

    @routes.put("/body")
    async def put(body: Body) -> Body:
        return body

    return create_app(view, settings=DashboardSettings(language="en"), routers=[routes])


async def test_what_the_database_does_not_take_in_time_is_to_be_asked_again(client: Client) -> None:
    async with client() as caller:
        answer = await caller.get("/api/v1/full", headers={"Accept-Language": "en"})
    assert answer.status_code == 503
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.json()["type"] == "urn:etalage:problem:not_written"
    assert "ask again" in answer.json()["detail"]


async def test_a_problem_says_what_where_and_what_to_do(client: Client) -> None:
    async with client() as caller:
        answer = await caller.get("/api/v1/taken", headers={"Accept-Language": "en"})
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.json() == {
        "type": "urn:etalage:problem:taken",
        "title": "{odd} is taken.",
        "status": 409,
        "instance": "/api/v1/taken",
        "detail": "Choose another than {odd}.",
        "errors": [],
    }


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nowhere", 404), ("GET", "/api/v1/nowhere", 404), ("DELETE", "/", 403)]
)
async def test_what_the_framework_refuses_looks_the_same(client: Client, method: str, path: str, status: int) -> None:
    async with client() as caller:
        answer = await caller.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, MEDIA_TYPE)
    assert answer.json()["instance"] == path


async def test_a_person_in_a_browser_gets_a_page(client: Client) -> None:
    async with client(**{"Accept": "text/html,*/*;q=0.8", "Accept-Language": "nl"}) as browser:
        answer = await browser.get("/<script>")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "Op dit adres is niets." in answer.text
    assert "script>" not in answer.text


async def test_who_prefers_neither_language_is_answered_in_the_shop_s(client: Client) -> None:
    async with client(**{"Accept-Language": "fr"}) as caller:
        assert (await caller.get("/nowhere")).json()["title"] == "There is nothing at this address."


async def test_a_fault_of_our_own_tells_nothing_of_our_insides(client: Client) -> None:
    async with client() as caller:
        answer = await caller.get("/api/v1/broken", headers={"Accept-Language": "nl"})
    assert answer.status_code == 500
    assert answer.json()["title"] == "In het kastje zelf ging iets mis."
    assert "secret" not in answer.text


@pytest.mark.parametrize(("language", "text"), [("en", "This must be 50 or less."), ("nl", "Dit moet 50 of minder zijn.")])
async def test_each_fault_in_a_request_is_named_with_its_place(client: Client, language: str, text: str) -> None:
    async with client(**{"Accept-Language": language}) as caller:
        answer = await caller.get("/api/v1/events?limit=51")
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"path": "query.limit", "code": "less_than_equal", "text": text}]


async def test_a_body_s_faults_are_all_listed_in_dutch(client: Client, app: FastAPI) -> None:
    # Changes need a page of ours or a token; what is tested here stands behind the door.
    app.user_middleware.clear()
    body = {"name": "A", "kind": "c", "parts": []}
    async with client(**{"Accept-Language": "nl"}) as caller:
        errors = (await caller.put("/api/v1/body", json=body)).json()["errors"]
        garbage = (await caller.put("/api/v1/body", content="{", headers=JSON)).json()["errors"]
        wrong = (await caller.put("/api/v1/body", json={"name": 1, "kind": "a", "parts": [1, "x", None]})).json()["errors"]
    assert [(error["path"], error["text"]) for error in errors] == [
        ("body.name", "Dit moet minstens 3 tekens hebben."),
        ("body.kind", "Dit moet een van deze zijn: 'a', 'b'."),
        ("body.parts", "Dit moet minstens één onderdeel hebben."),
    ]
    assert garbage[0]["text"] == "Dit is geen geldige JSON."
    assert [error["path"] for error in wrong] == ["body.name", "body.parts[1]", "body.parts[2]"]
