"""docs/dashboard.md tells what is so."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from gateway.settings import DashboardSettings
from gateway.storage.users import Role

pytestmark = pytest.mark.anyio
DOCS = Path(__file__).parents[3] / "docs" / "dashboard.md"
Client = Callable[..., httpx.AsyncClient]


@pytest.fixture(scope="module")
def told() -> str:
    return DOCS.read_text(encoding="utf-8")


async def test_the_problem_shown_is_the_one_that_is_answered(told: str, client: Client) -> None:
    shown = re.search(r"```json\n(.*?)```", told, re.DOTALL)
    assert shown is not None
    async with client("192.0.2.7", "192.0.2.1", **{"Accept-Language": "en"}) as caller:
        assert (await caller.get("/api/v1/zones")).json() == json.loads(shown[1])


def test_every_call_of_the_first_page_is_listed_and_exists(told: str, app: FastAPI) -> None:
    listed = set(re.findall(r"`GET (/api/v1/[a-z/{}]+)", told))
    assert listed - {"/api/v1/openapi"} == set(app.openapi()["paths"])


def test_every_role_and_every_named_setting_exists(told: str) -> None:
    assert {role for role in Role if f"| `{role}` |" in told} == set(Role)
    named = set(re.findall(r"`dashboard\.(\w+)", told))
    assert named
    assert named <= set(DashboardSettings.model_fields)
