"""Every route of the whole application, walked by every kind of caller: none is forgotten."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant

from gateway.dashboard.access.callers import RIGHTS
from gateway.dashboard.access.middleware import OPEN
from gateway.dashboard.api.rooms import calls
from gateway.dashboard.app import create_app
from gateway.dashboard.kept_settings import KeptSettings
from gateway.dashboard.pages.rooms import pages
from gateway.dashboard.plan_desk import PlanDesk
from gateway.dashboard.view import View
from gateway.settings import DashboardSettings, Settings
from gateway.storage import Store
from gateway.storage.users import Role

pytestmark = pytest.mark.anyio

ELSEWHERE = {"address": "192.0.2.7", "host": "192.0.2.1:8080"}
TOKENS = [role for role in Role if role is not Role.OWNER]
MakeToken = Callable[[Role], str]
Client = Callable[..., httpx.AsyncClient]


@pytest.fixture
def app(view: View, store: Store) -> FastAPI:
    """The application with every room's calls. Nobody who is refused reaches a room, so none stands behind them."""
    no_room: Any = None
    rooms = calls(store, Settings(), ("wine",), no_room, no_room, no_room, lambda: (), time.time)
    kept = KeptSettings(None, Settings())
    shown = pages(view, store, kept, no_room, lambda: (), time.time, no_room, no_room)
    desk = PlanDesk(no_room, no_room, view, store, time.time, no_room, no_room)
    return create_app(view, settings=DashboardSettings(), store=store, routers=rooms, pages=shown, plan_desk=desk)


@dataclass(frozen=True, slots=True)
class Walked:
    """One route: where it answers, by which methods, and what must hold before it does."""

    path: str
    methods: frozenset[str]
    dependant: Dependant


def routes(app: FastAPI) -> Iterator[Walked]:
    """Every route that a function of ours answers, but those that let people in."""
    for included in app.routes:
        for route in getattr(included, "effective_route_contexts", list)():  # FastAPI keeps included routers whole
            if not route.path.startswith(OPEN):
                yield Walked(route.path, frozenset(route.methods), route.dependant)


def asked_of(route: Walked) -> Role | None:
    """The role that a route asks for, as its dependencies say it."""
    waiting = [route.dependant]
    while waiting:
        dependant = waiting.pop()
        waiting += dependant.dependencies
        role = getattr(dependant.call, "role", None)
        if isinstance(role, Role):
            return role
    return None


def address(route: Walked) -> str:
    """An address that the route answers at."""
    return re.sub(r"\{\w+(:path)?\}", "1", route.path)


async def test_every_route_asks_for_a_role(app: FastAPI) -> None:
    assert [route.path for route in routes(app) if asked_of(route) is None] == []
    assert len(list(routes(app))) > 20


async def test_a_stranger_is_let_in_nowhere(app: FastAPI, client: Client) -> None:
    async with client(**ELSEWHERE) as caller:
        for route in routes(app):
            for method in route.methods:
                answer = await caller.request(method, address(route))
                assert answer.status_code in (401, 403), (method, route.path, answer.status_code)


@pytest.mark.parametrize("role", TOKENS)
async def test_a_role_is_refused_wherever_it_has_no_right(app: FastAPI, client: Client, token: MakeToken, role: Role) -> None:
    async with client(**ELSEWHERE, Authorization=f"Bearer {token(role)}") as caller:
        for route in routes(app):
            asked = asked_of(route)
            if asked is None or asked in RIGHTS[role]:
                continue
            for method in route.methods:
                answer = await caller.request(method, address(route))
                assert answer.status_code == 403, (method, route.path, answer.status_code)
