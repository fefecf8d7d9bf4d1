"""A plan that is put to work in the dashboard: the gateway that runs ends every visit and goes on with the new one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from gateway.app import Gateway, run_and_renew
from gateway.model import Move, Sighting
from gateway.settings import DashboardSettings, MqttSettings, RadioSettings, Settings, StorageSettings
from gateway.storage.users import Role, create_token
from gateway.zones.visits import Visit
from tests.support.drawing import two_zones

pytestmark = pytest.mark.anyio
PATIENCE_S = 60.0


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def settings(tmp_path: Path) -> Settings:
    return Settings(
        radio=RadioSettings(adapters={}),
        mqtt=MqttSettings(brokers=("mqtt://127.0.0.1:1",)),
        storage=StorageSettings(path=tmp_path / "etalage.db"),
        dashboard=DashboardSettings(port=0),
    )


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110  # the gateway sets no event for this
            await asyncio.sleep(0.02)


async def test_a_plan_put_to_work_is_taken_up_by_the_gateway_that_runs_and_visits_end_cleanly(tmp_path: Path) -> None:
    gateway, stop, followers = Gateway(settings(tmp_path)), asyncio.Event(), list[Gateway]()
    moves: list[tuple[str, bool]] = []
    assert gateway.listener is not None
    base = gateway.listener.url
    made = gateway.store.writer.submit(
        lambda connection: create_token(connection, name="it", role=Role.ADMIN, at_s=gateway.clock.now_s())
    )
    tell = gateway.line.on_move

    def note(move: Move, visit: Visit) -> None:
        moves.append((move.event.value, visit.over))
        tell(move, visit)

    gateway.line.on_move = note
    running = asyncio.create_task(run_and_renew(gateway, stop, followers.append))
    secret = await asyncio.wait_for(asyncio.wrap_future(made), PATIENCE_S)
    headers = {"Authorization": f"Bearer {secret}"}
    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=PATIENCE_S) as caller:
        assert (await caller.get("/api/v1/plan")).json()["source"] == "none"
        await until(lambda: _somebody_is_here(gateway))
        tag = (await caller.get("/api/v1/plan/draft")).headers["etag"]
        saved = await caller.put("/api/v1/plan/draft", json={"plan": two_zones()}, headers={"If-Match": tag})
        live = await caller.post("/api/v1/plan/live", headers={"If-Match": saved.headers["etag"]})
        assert live.status_code == 200, live.text
        await until(lambda: bool(followers))
        assert moves[-1] == ("exit", True)
        after = await _answered(caller)
        assert (after["source"], after["version"]) == ("dashboard", 1)
        assert followers[0].rooms.plan.zone_ids == ("wine", "bread")
    stop.set()
    await asyncio.wait_for(running, PATIENCE_S)
    kept = json.loads((tmp_path / "etalage.plan" / "v1.json").read_text())
    assert kept["plan"]["store"] == "demo"


def _somebody_is_here(gateway: Gateway) -> bool:
    gateway.line.see(Sighting(gateway.clock.now_s(), "s-1", "pi-1", -50))
    return bool(gateway.rooms.tracker.present())


async def _answered(caller: httpx.AsyncClient) -> dict[str, object]:
    """Ask until the new gateway answers at the address of the old one."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return dict((await caller.get("/api/v1/plan")).json())
            except httpx.TransportError:
                await asyncio.sleep(0.05)
