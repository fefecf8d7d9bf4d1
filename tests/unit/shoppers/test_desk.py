"""The desk: consent given, shown, withdrawn and exported by hand, over the API, each by whom it is for."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from gateway.dashboard.api import consents as desk
from gateway.dashboard.api import privacy
from gateway.dashboard.app import create_app
from gateway.messages import Event, OptInGiven, OptInWithdrawn, Outcome
from gateway.settings import DashboardSettings, Settings, ShoppersSettings
from gateway.shoppers.identities import Identities
from gateway.shoppers.people import People
from gateway.storage import Store, consents
from gateway.storage.users import Role, create_token
from gateway.zones.plan import load_plan
from rules.engine.book import Book
from tests.support.pretend_view import PretendView
from tests.support.recall import shopper_now
from tests.support.supermarket import PLAN_FILE

pytestmark = pytest.mark.anyio
NOON_S = 1_763_719_200.0
UUID = "e2c56db5dffb48d2b060d0f5a71096e0"
TAG = bytes.fromhex(UUID + "00010001")
YES = {"purposes": ["recognise", "offers"], "identity": {"beacon": {"uuid": UUID, "major": 1, "minor": 1}}, "text": "2026-03"}
SETTINGS = Settings(shoppers=ShoppersSettings(controller="De Vries", contact="privacy@example.nl"))

Call = Callable[[Role], httpx.AsyncClient]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def call(store: Store, people: People, book: Book) -> Call:
    """A client with a token of a role, from elsewhere."""
    view = PretendView(load_plan(PLAN_FILE), seed=1)
    routers = (
        desk.router(people, store, SETTINGS, lambda: NOON_S),
        privacy.router(store, SETTINGS, lambda: [book], lambda: NOON_S),
    )
    app = create_app(view, settings=DashboardSettings(hosts=("shop.local",)), store=store, routers=routers)

    def make(role: Role) -> httpx.AsyncClient:
        token = store.writer.submit(lambda connection: create_token(connection, name=f"{role}-1", role=role, at_s=NOON_S)).result()
        transport = httpx.ASGITransport(app=app, client=("192.0.2.7", 50_000))
        return httpx.AsyncClient(
            transport=transport,
            base_url="http://shop.local/api/v1",
            headers={"Authorization": f"Bearer {token}", "Accept-Language": "en"},
        )

    return make


async def test_a_yes_at_the_desk_is_recorded_and_recognised_at_once(call: Call, identities: Identities) -> None:
    async with call(Role.STAFF) as staff:
        answer = await staff.put("/shoppers/s-1/consent", json=YES)
        shown = await staff.get("/shoppers/s-1/consent")
        listed = await staff.get("/shoppers")
    assert answer.status_code == 200
    assert identities.resolve(TAG) == "s-1"
    record = answer.json()["receipt"]["consent_record"]
    assert record["event"][0]["method"] == "desk"
    assert record["party_identification"][0]["party_name"] == "De Vries"
    assert shown.json()["consent_record"] == record
    assert [(row["shopper"], row["purposes"]) for row in listed.json()] == [("s-1", ["offers", "recognise"])]


async def test_withdrawing_at_the_desk_takes_effect_at_once_and_erases(call: Call, identities: Identities, store: Store) -> None:
    async with call(Role.STAFF) as staff:
        await staff.put("/shoppers/s-1/consent", json=YES)
        answer = await staff.delete("/shoppers/s-1")
        gone = await staff.get("/shoppers/s-1/consent")
    assert (answer.status_code, gone.status_code) == (204, 404)
    assert identities.resolve(TAG) is None
    with store.read() as connection:
        assert consents.find(connection, "s-1") is None
        assert len(consents.proven(connection)) == 1


async def test_the_desk_is_told_when_nothing_was_erased(call: Call) -> None:
    async with call(Role.STAFF) as staff:
        answer = await staff.delete("/shoppers/s-10")
    assert (answer.status_code, "s-10" in answer.text) == (404, True)


async def test_a_no_at_the_desk_beats_a_yes_from_a_phone_whose_clock_is_fast(
    call: Call, send: Callable[..., Outcome], given: Callable[..., Event[OptInGiven]], identities: Identities
) -> None:
    send(given(at_s=NOON_S + 240, version=7))
    async with call(Role.STAFF) as staff:
        await staff.delete("/shoppers/s-1")
    send(given(at_s=NOON_S + 240, version=7))
    assert identities.resolve(TAG) is None


async def test_a_yes_at_the_desk_counts_after_a_no_from_a_clock_that_is_fast(
    call: Call, send: Callable[..., Outcome], withdrawn: Callable[..., Event[OptInWithdrawn]], identities: Identities
) -> None:
    send(withdrawn(at_s=NOON_S + 240))
    async with call(Role.STAFF) as staff:
        await staff.put("/shoppers/s-1/consent", json=YES)
    assert identities.resolve(TAG) == "s-1"


async def test_a_tag_that_is_somebody_elses_too_is_told_at_the_desk(call: Call) -> None:
    async with call(Role.STAFF) as staff:
        await staff.put("/shoppers/s-1/consent", json=YES)
        answer = await staff.put("/shoppers/s-2/consent", json=YES)
    assert answer.json()["notes"] == ["shared_id"]


@pytest.mark.parametrize(
    ("shopper", "change"),
    [
        ("jan@example.nl", {}),
        ("s-1", {"purposes": []}),
        ("s-1", {"purposes": ["recognise", "sell"]}),
        ("s-1", {"identity": {}}),
        ("s-1", {"identity": {"rotating": {"uuid": UUID, "key": "deadbeef"}}}),
        ("s-1", {"text": ""}),
        ("s-1", {"name": "Jan"}),
    ],
)
async def test_what_cant_be_taken_is_refused_and_leaves_nothing(
    call: Call, store: Store, shopper: str, change: dict[str, object]
) -> None:
    async with call(Role.STAFF) as staff:
        answer = await staff.put(f"/shoppers/{shopper}/consent", json=YES | change)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert "deadbeef" not in answer.text
    with store.read() as connection:
        assert consents.page(connection) == []


async def test_an_export_is_for_the_admin_alone(call: Call) -> None:
    async with call(Role.STAFF) as staff, call(Role.ADMIN) as admin:
        await staff.put("/shoppers/s-1/consent", json=YES)
        refused = await staff.get("/shoppers/s-1/export")
        held = await admin.get("/shoppers/s-1/export")
        document = await admin.get("/shoppers/s-1/export.md", params={"language": "en"})
        nobody = await admin.get("/shoppers/s-9/export")
    assert (refused.status_code, held.status_code, nobody.status_code) == (403, 200, 404)
    assert held.json()["identity"] == {"beacon": {"uuid": UUID, "major": 1, "minor": 1}}
    assert "Everything this shop keeps about you" in document.text


async def test_a_viewer_sees_no_shopper_but_the_report(call: Call) -> None:
    async with call(Role.VIEWER) as viewer:
        assert (await viewer.get("/shoppers")).status_code == 403
        assert (await viewer.delete("/shoppers/s-1")).status_code == 403
        report = await viewer.get("/privacy/report", params={"language": "en"})
        statement = await viewer.get("/privacy/statement.md")
        dpia = await viewer.get("/privacy/dpia.md", params={"language": "en"})
    lines = {line["field"]: line["read_by"] for line in report.json()["collected"]}
    assert lines["segment"] == ["wine-tasting"]
    assert lines["shoe_size"] == ["nobody: not kept"]
    assert "De Vries" in statement.text
    assert "# Data protection impact assessment" in dpia.text


async def test_a_stage_set_by_hand_stays_until_it_is_let_go(call: Call, people: People) -> None:
    async with call(Role.MARKETEER) as marketeer:
        await marketeer.put("/shoppers/s-1/consent", json=YES)
        assert (await marketeer.put("/shoppers/s-1/stage", json={"stage": "fan"})).status_code == 204
        by_hand = shopper_now(people, "s-1", NOON_S)
        assert (await marketeer.put("/shoppers/s-1/stage", json={"stage": None})).status_code == 204
        let_go = shopper_now(people, "s-1", NOON_S)
        assert (await marketeer.put("/shoppers/s-1/stage", json={"stage": "vip"})).status_code == 422
        assert (await marketeer.put("/shoppers/s-9/stage", json={"stage": "fan"})).status_code == 404
    assert by_hand is not None
    assert let_go is not None
    assert (by_hand.facts["stage"], let_go.facts["stage"]) == ("fan", "new")
