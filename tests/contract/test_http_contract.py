"""The HTTP API keeps to its own OpenAPI document, whatever it is asked."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance

from gateway.books.shop_facts import ShopFacts
from gateway.dashboard.api import books, consents, decisions, privacy, promises, quarantine, redemptions, shop
from gateway.dashboard.app import create_app
from gateway.dashboard.hub import Hub, Snapshot
from gateway.offers.ledger import Ledger
from gateway.settings import DashboardSettings, Settings, StorageSettings
from gateway.shoppers.identities import Identities
from gateway.shoppers.people import People
from gateway.storage import open_store
from gateway.storage.keys import Keys
from gateway.storage.users import Role, create_token
from gateway.zones.plan import load_plan, parse_plan
from rules import books as example_books
from rules import load_book
from tests.support.drawing import Desk, two_zones
from tests.support.pretend_view import PretendView
from tests.support.supermarket import PLAN_FILE

SUPERMARKET = load_book(Path(example_books.__path__[0]) / "supermarket.yaml")


def clock() -> float:
    return 1_795_255_200.0


def make_view() -> PretendView:
    view = PretendView(load_plan(PLAN_FILE))
    view.come([f"s-{number}" for number in range(12)])
    view.wander(30)
    return view


@pytest.fixture(scope="module")
def called(tmp_path_factory: pytest.TempPathFactory) -> tuple[FastAPI, str]:
    """The application with every room's calls, and a token that opens all of it."""
    folder = tmp_path_factory.mktemp("http")
    store = open_store(StorageSettings(path=folder / "etalage.db"))
    view, settings = make_view(), Settings()
    people = People(store, Identities("demo"), Keys(folder / "etalage.keys"), clock)
    ledger = Ledger(store, "etalage/demo-chain/demo/gw-1")
    routers = [
        books.router(store, view.plan.zone_ids, clock),
        consents.router(people, store, settings, clock),
        decisions.router(store),
        privacy.router(store, settings, list, clock),
        promises.router(store, ledger, clock),
        quarantine.router(store),
        redemptions.router(ledger, store, clock),
        shop.router(ShopFacts(store, view.plan.open_at), lambda: [SUPERMARKET], clock),
    ]
    token = store.writer.submit(lambda connection: create_token(connection, name="all", role=Role.ADMIN, at_s=0.0)).result()
    desk = Desk(folder / "etalage.plan", view, store, view.plan).open()
    drawn = parse_plan(two_zones())
    desk.folder.put_to_work(drawn, "Sanne", 0.0)
    app_settings = DashboardSettings(hosts=("testserver",))
    return create_app(view, settings=app_settings, store=store, routers=routers, plan_desk=desk), token


def test_every_answer_is_one_the_document_describes(called: tuple[FastAPI, str]) -> None:
    app, token = called
    key = {"Authorization": f"Bearer {token}"}
    document = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app, headers=key)
    tried = []
    # The live stream has no end, and a test of its own below.
    for found in document.exclude(path="/api/v1/live").get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()

        @given(operation.as_strategy())
        @hypothesis.settings(max_examples=20, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        def keeps_to_the_document(case: Any) -> None:
            # What a document inside a request says is judged by its own room, beyond any schema: 422 is a fair answer to it.
            case.call_and_validate(headers=key, excluded_checks=[positive_data_acceptance])

        keeps_to_the_document()
        tried.append(operation.path)
    assert {"/api/v1/health", "/api/v1/zones", "/api/v1/events"} <= set(tried)


def test_the_document_is_openapi_and_names_every_call_s_errors(called: tuple[FastAPI, str]) -> None:
    found = called[0].openapi()
    assert found["openapi"].startswith("3.1")
    paths = found["paths"]
    assert {"/api/v1/health", "/api/v1/zones", "/api/v1/events", "/api/v1/live"} <= paths.keys()
    for path, calls in paths.items():
        for call in calls.values():
            assert call["description"], path
            assert list(call["responses"]["4XX"]["content"]) == ["application/problem+json"], path
            assert list(call["responses"]["503"]["content"]) == ["application/problem+json"], path


def test_the_document_says_who_may_call_what_each_call_does_and_where(called: tuple[FastAPI, str]) -> None:
    found = called[0].openapi()
    calls = [call for path in found["paths"].values() for call in path.values()]
    ids = [call["operationId"] for call in calls]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch("[a-z]+(_[a-z]+)+", one) for one in ids)
    assert {"list_zones", "redeem_voucher", "recall_offer", "stream_live"} <= set(ids)
    assert all(call["summary"] and call["summary"] != call["operationId"].replace("_", " ").title() for call in calls)
    assert {call["x-role"] for call in calls} == {"viewer", "staff", "marketeer", "admin", "till"}
    assert all(f"Needs the role {call['x-role']};" in call["description"] for call in calls)
    assert all(call["security"] == [{"token": []}, {"session": []}] for call in calls)
    assert found["components"]["securitySchemes"].keys() == {"token", "session"}
    assert found["servers"][0]["url"] == "/"


def test_the_document_s_models_have_one_name_each_and_no_property_has_a_title(called: tuple[FastAPI, str]) -> None:
    """A generator makes a type of each title; one called Promise would stand in the way of JavaScript's own."""
    models = called[0].openapi()["components"]["schemas"]
    assert "Promise" not in models
    assert len({name.lower() for name in models}) == len(models)
    assert [name for name in models if "__" in name or name.endswith(("-Input", "-Output"))] == []
    titled = [
        f"{name}.{field}"
        for name, model in models.items()
        for field, part in model.get("properties", {}).items()
        if "title" in part
    ]
    assert titled == []


def test_the_stream_s_events_are_described(called: tuple[FastAPI, str]) -> None:
    found = called[0].openapi()
    content = found["paths"]["/api/v1/live"]["get"]["responses"]["200"]["content"]["text/event-stream"]
    assert content["x-item-schema"] == {"$ref": "#/components/schemas/LiveEvent"}
    judge = Draft202012Validator({**content["x-item-schema"], "components": found["components"]})

    async def first() -> bytes:
        return await anext(Hub(make_view()).stream())

    fields = dict(line.split(": ", 1) for line in asyncio.run(first()).decode().split("\n") if line)
    judge.validate({"event": fields["event"], "data": json.loads(fields["data"])})
    assert not judge.is_valid({"event": "frame", "data": {}})


def test_errors_keep_to_the_problem_schema(called: tuple[FastAPI, str]) -> None:
    app, token = called
    components = app.openapi()["components"]
    problem = Draft202012Validator({"$ref": "#/components/schemas/ProblemDetails", "components": components})

    async def answers() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=app, client=("192.0.2.7", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as caller:
            known = {"Authorization": f"Bearer {token}"}
            return [
                await caller.get("/api/v1/health"),
                await caller.get("/api/v1/nowhere", headers=known),
                await caller.post("/api/v1/health", headers=known),
                await caller.get("/api/v1/events?limit=0&after=x", headers=known),
                await caller.get("/api/v1/health", headers={"Host": "evil.example"}),
            ]

    found = asyncio.run(answers())
    assert [answer.status_code for answer in found] == [401, 404, 405, 422, 421]
    for answer in found:
        problem.validate(answer.json())


def test_the_live_stream_s_messages_keep_to_their_schema() -> None:
    async def first() -> bytes:
        return await anext(Hub(make_view()).stream())

    fields = dict(line.split(": ", 1) for line in asyncio.run(first()).decode().split("\n") if line)
    assert fields["event"] == "snapshot"
    Draft202012Validator(TypeAdapter(Snapshot).json_schema(mode="serialization")).validate(json.loads(fields["data"]))
