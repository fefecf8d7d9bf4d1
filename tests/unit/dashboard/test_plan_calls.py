"""The calls about the plan: a draft that two tabs share, checks, putting to work, pictures."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from gateway.dashboard.app import create_app
from gateway.dashboard.limits import PICTURE_MAX_BYTES
from gateway.settings import DashboardSettings
from gateway.storage import Store, audit
from gateway.storage.users import Role
from gateway.zones.plan import StorePlan
from tests.support.drawing import Desk, png, two_zones
from tests.support.pretend_view import PretendView

pytestmark = pytest.mark.anyio


@pytest.fixture
def desk(tmp_path: Path, view: PretendView, store: Store, plan: StorePlan) -> Desk:
    return Desk(tmp_path / "etalage.plan", view, store, plan)


@pytest.fixture
def app(desk: Desk, view: PretendView, store: Store) -> FastAPI:
    return create_app(view, settings=DashboardSettings(), store=store, plan_desk=desk.open())


@pytest.fixture
async def admin(client: Callable[..., httpx.AsyncClient], token: Callable[[Role], str]) -> AsyncIterator[httpx.AsyncClient]:
    async with client(Authorization=f"Bearer {token(Role.ADMIN)}") as caller:
        yield caller


async def save(admin: httpx.AsyncClient, plan: object, tag: str | None = None) -> httpx.Response:
    tag = tag or (await admin.get("/api/v1/plan/draft")).headers["etag"]
    return await admin.put("/api/v1/plan/draft", json={"plan": plan}, headers={"If-Match": tag})


async def test_a_draft_is_kept_faulty_or_not_and_says_what_is_wrong_in_the_readers_language(admin: httpx.AsyncClient) -> None:
    crossed = [[0, 0], [4, 4], [4, 0], [0, 3]]
    saved = await save(admin, two_zones(zones=[{"id": "wine", "polygon": crossed}]))
    assert saved.status_code == 200
    assert [fault["code"] for fault in saved.json()["faults"]] == ["zone_crosses"]
    assert "kruist zichzelf" in saved.json()["faults"][0]["text"]
    english = (await admin.get("/api/v1/plan/draft?lang=en")).json()
    assert english["plan"]["zones"][0]["polygon"] == crossed
    assert "crosses itself" in english["faults"][0]["text"]


async def test_an_empty_draft_says_what_to_draw_first(admin: httpx.AsyncClient) -> None:
    faults = (await admin.get("/api/v1/plan/draft")).json()["faults"]
    assert [fault["code"] for fault in faults] == ["no_zones", "no_scanners"]


async def test_all_that_is_wrong_between_parts_is_said_at_once(admin: httpx.AsyncClient) -> None:
    square = [[0, 0], [4, 0], [4, 4], [0, 4]]
    zones = [{"id": "a", "polygon": square}, {"id": "b", "polygon": square}, {"id": "b"}]
    faults = (await save(admin, two_zones(zones=zones))).json()["faults"]
    assert [fault["code"] for fault in faults] == ["id_twice", "no_such_zone", "no_such_zone", "overlap"]
    assert faults[-1]["ids"] == ["a", "b"]


async def test_scanners_that_report_but_stand_nowhere_are_named(admin: httpx.AsyncClient, view: PretendView) -> None:
    unplaced = (await save(admin, two_zones())).json()["unplaced"]
    assert unplaced == [scanner.scanner for scanner in view.health().scanners if scanner.scanner not in ("pi-1", "pi-2")]


async def test_a_second_tab_that_saves_an_older_draft_is_told_who_was_first(admin: httpx.AsyncClient) -> None:
    first = (await admin.get("/api/v1/plan/draft")).headers["etag"]
    assert (await save(admin, two_zones(), first)).status_code == 200
    late = await save(admin, two_zones(floor=1), first)
    assert late.status_code == 412
    assert "ADMIN-1" in late.json()["title"].upper()
    assert "floor" not in (await admin.get("/api/v1/plan/draft")).json()["plan"]


async def test_a_draft_without_an_etag_is_not_taken(admin: httpx.AsyncClient) -> None:
    assert (await admin.put("/api/v1/plan/draft", json={"plan": {}})).status_code == 428


async def test_a_plan_is_put_to_work_once_and_everybody_can_see_by_whom(admin: httpx.AsyncClient, desk: Desk, store: Store) -> None:
    saved = await save(admin, two_zones())
    live = await admin.post("/api/v1/plan/live", headers={"If-Match": saved.headers["etag"]})
    assert live.status_code == 200, live.text
    assert (live.json()["number"], live.json()["zones"], desk.renewed) == (1, 2, 1)
    store.writer.submit(lambda _connection: None).result()
    with store.read() as connection:
        assert [(row.deed, row.object) for row in audit.page(connection)] == [("put_plan_to_work", "1")]


async def test_a_faulty_plan_is_not_put_to_work(admin: httpx.AsyncClient, desk: Desk) -> None:
    saved = await save(admin, two_zones(scanners=[]))
    refused = await admin.post("/api/v1/plan/live", headers={"If-Match": saved.headers["etag"]})
    assert (refused.status_code, desk.renewed) == (422, 0)


async def test_a_plan_that_was_changed_meanwhile_is_not_put_to_work_unseen(admin: httpx.AsyncClient, desk: Desk) -> None:
    seen = (await save(admin, two_zones())).headers["etag"]
    await save(admin, two_zones(floor=1))
    assert (await admin.post("/api/v1/plan/live", headers={"If-Match": seen})).status_code == 412
    assert desk.renewed == 0


async def test_a_plan_without_a_zone_that_a_live_book_names_is_refused(admin: httpx.AsyncClient, desk: Desk) -> None:
    desk.misfit = "offer tasting is for zone cheese"
    saved = await save(admin, two_zones())
    refused = await admin.post("/api/v1/plan/live", headers={"If-Match": saved.headers["etag"]})
    assert refused.status_code == 409
    assert "zone cheese" in refused.json()["title"]
    assert desk.asked_zones == [("wine", "bread")]


async def test_going_back_makes_the_older_plan_the_newest_version(admin: httpx.AsyncClient) -> None:
    for plan in (two_zones(), two_zones(floor=1)):
        saved = await save(admin, plan)
        await admin.post("/api/v1/plan/live", headers={"If-Match": saved.headers["etag"]})
    back = await admin.post("/api/v1/plan/versions/1/live")
    assert back.json()["number"] == 3
    assert [row["number"] for row in (await admin.get("/api/v1/plan/versions")).json()] == [3, 2, 1]
    assert "floor" not in (await admin.get("/api/v1/plan/draft")).json()["plan"]
    assert (await admin.post("/api/v1/plan/versions/9/live")).status_code == 404


async def test_a_plan_in_a_file_is_only_looked_at(admin: httpx.AsyncClient, desk: Desk, view: PretendView, store: Store) -> None:
    desk.source = "file"
    app = create_app(view, settings=DashboardSettings(), store=store, plan_desk=desk.open())
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 50_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080", headers=admin.headers) as caller:
        assert (await caller.get("/api/v1/plan")).json()["source"] == "file"
        for method, path in (("PUT", "draft"), ("POST", "live"), ("POST", "pictures")):
            refused = await caller.request(method, f"/api/v1/plan/{path}", json={"plan": {}}, headers={"If-Match": "x"})
            assert refused.status_code == 409, path


async def test_a_plan_of_a_thousand_zones_is_refused_before_it_is_checked(admin: httpx.AsyncClient) -> None:
    many = [{"id": f"z{number}"} for number in range(1000)]
    assert (await save(admin, two_zones(zones=many))).status_code == 422
    ring = [[number / 100, number % 7] for number in range(5000)]
    assert (await save(admin, two_zones(zones=[{"id": "z", "polygon": ring}]))).status_code == 422


async def test_a_picture_is_kept_and_served_as_nothing_but_a_picture(admin: httpx.AsyncClient) -> None:
    sent = await admin.post("/api/v1/plan/pictures", content=png(1600, 900) + b"<script>alert(1)</script>")
    assert sent.status_code == 201
    assert sent.json()["width_px"] == 1600
    back = await admin.get(f"/api/v1/plan/pictures/{sent.json()['name']}")
    assert back.headers["content-type"] == "image/png"
    assert back.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in back.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', 415),
        (b"GIF89a", 415),
        (b"", 415),
        (png(20_000, 20_000), 422),
        (png(0, 5), 422),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", 415),
    ],
)
async def test_what_is_no_picture_of_a_shop_is_refused_in_a_line(admin: httpx.AsyncClient, content: bytes, status: int) -> None:
    refused = await admin.post("/api/v1/plan/pictures", content=content)
    assert refused.status_code == status
    assert refused.json()["title"]


async def test_a_picture_of_fifty_megabytes_is_refused_by_its_announced_length(admin: httpx.AsyncClient) -> None:
    headers = {"Content-Length": str(50_000_000)}
    refused = await admin.post("/api/v1/plan/pictures", content=png(9, 9), headers=headers)
    assert refused.status_code == 413
    assert PICTURE_MAX_BYTES < 50_000_000


@pytest.mark.parametrize("name", ["..%2Fdraft.json", "draft.json", "picture-0000000000000000.png", "v1.json"])
async def test_no_other_file_is_served_as_a_picture(admin: httpx.AsyncClient, name: str) -> None:
    await save(admin, two_zones())
    assert (await admin.get(f"/api/v1/plan/pictures/{name}")).status_code == 404
