"""The pages under Shop, as somebody of the staff meets them: connection, today's facts, privacy."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from fastapi import FastAPI

from gateway.books import lifecycle
from gateway.books.shop_facts import ShopFacts
from gateway.dashboard.app import create_app
from gateway.dashboard.kept_settings import KeptSettings
from gateway.dashboard.pages.rooms import pages
from gateway.dashboard.view import FeedItem
from gateway.offers import decision_log
from gateway.settings import DashboardSettings, Settings
from gateway.storage import Connection, Store, audit, decisions, outbox
from gateway.storage.quarantine import quarantined, set_aside
from gateway.storage.users import Role
from rules import decide, load_data
from tests.support.books import LABEL, document, offer, situation
from tests.support.browser import Browser
from tests.support.clock import FakeClock
from tests.support.pretend_view import PretendView
from tests.support.staff import signed_in

pytestmark = pytest.mark.anyio
FACTS = {
    "weather": {"type": "choice", "values": ["sun", "rain"], "label": {"nl": "Weer", "en": "Weather"}, "fresh_for": "3h"},
    "raining": {"type": "flag", "label": {"nl": "Het regent", "en": "It rains"}},
    "degrees": {"type": "number", "label": LABEL},
    "came_in": {"type": "set", "label": {"nl": "Net binnen", "en": "Just in"}},
}
SignIn = Callable[[Role], Browser]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def app(view: PretendView, store: Store, clock: FakeClock) -> Iterator[FastAPI]:
    book = load_data(document(offer(), shop_facts=FACTS))
    facts, kept = ShopFacts(store, view.plan.open_at), KeptSettings(None, Settings())
    shown = pages(view, store, kept, facts, lambda: [book], clock.now_s, lambda *_, **__: [], lambda: None)
    app = create_app(view, settings=DashboardSettings(), store=store, clock=clock, pages=shown)
    yield app
    app.state.close()


@pytest.fixture
def sign_in(app: FastAPI, store: Store, clock: FakeClock) -> SignIn:
    return lambda role: signed_in(app, store, role, clock.now_s())


def set_aside_two(connection: Connection) -> None:
    for number in (1, 2):
        row = {"topic": "offers", "shopper": "s-1", "body": "SECRET", "at_s": 1.0, "expires_at_s": 9e9}
        outbox.put(connection, event_id=f"p-{number}", **row)  # type: ignore[arg-type]  # a row as it is
        set_aside(connection, event_id=f"p-{number}", reason="the topic is refused", at_s=2.0)


async def test_stuck_messages_are_one_line_for_one_cause_and_an_admin_lets_them_go(sign_in: SignIn, store: Store) -> None:
    store.writer.submit(set_aside_two).result()
    admin = sign_in(Role.ADMIN)
    page = (await admin.go("/shop/broker")).text
    assert "<b>2×</b> the topic is refused" in page
    assert "SECRET" not in page
    assert "Messages that go again: 2." in (await admin.send(form=1)).text
    with store.read() as connection:
        assert quarantined(connection) == []
        assert audit.page(connection)[0].deed == "retried_messages"


async def test_who_may_only_look_is_offered_no_button(sign_in: SignIn, store: Store) -> None:
    store.writer.submit(set_aside_two).result()
    page = (await sign_in(Role.STAFF).go("/shop/broker")).text
    assert "the topic is refused" in page
    assert "Let them go again" not in page


async def test_waiting_messages_tell_for_how_long(sign_in: SignIn, store: Store, clock: FakeClock) -> None:
    put = partial(outbox.put, topic="offers", shopper=None, body="{}", at_s=clock.now_s() - 240, expires_at_s=None)
    store.writer.submit(lambda connection: put(connection, event_id="one")).result()
    assert "1 message waits, for 4 min" in (await sign_in(Role.STAFF).go("/shop/broker")).text


@pytest.mark.parametrize(
    ("fact", "typed", "shown"),
    [
        ("weather", "rain", "<b>Weather</b>: rain"),
        ("raining", "true", "<b>It rains</b>: yes"),
        ("degrees", "21,5", "<b>x</b>: 21.5"),
        ("came_in", "herring, strawberries", "<b>Just in</b>: herring, strawberries"),
    ],
)
async def test_a_fact_is_said_as_its_kind_asks(sign_in: SignIn, fact: str, typed: str, shown: str) -> None:
    staff = sign_in(Role.STAFF)
    assert "Not said yet" in (await staff.go("/shop/facts")).text
    await staff.go(f"/shop/facts/{fact}")
    assert shown in (await staff.send({"value": typed}, form=1)).text


async def test_a_value_that_no_rule_book_takes_is_refused_beside_its_field(sign_in: SignIn) -> None:
    staff = sign_in(Role.STAFF)
    await staff.go("/shop/facts/degrees")
    page = await staff.send({"value": "warm"}, form=1)
    assert page.status_code == 422
    assert 'id="fault-value"' in page.text
    assert 'value="warm"' in page.text


async def test_a_fact_too_old_to_count_is_said_to_be_silent(sign_in: SignIn, clock: FakeClock) -> None:
    staff = sign_in(Role.STAFF)
    await staff.go("/shop/facts/weather")
    assert "counts until" in (await staff.send({"value": "sun"}, form=1)).text
    clock.advance(4 * 3600)
    assert "too long ago to count" in (await staff.go("/shop/facts")).text
    assert "Not said any more." in (await staff.send(form=1)).text


async def test_a_promise_leads_to_why_it_was_made_and_why_others_were_not(
    sign_in: SignIn, store: Store, clock: FakeClock, view: PretendView
) -> None:
    plain = document(offer("hello"), offer("never", if_="visits_90d >= 3"))
    book, text = load_data(plain), json.dumps(plain)
    seen = situation()
    decided = decide(book, seen)
    record = decision_log.entry("d-1", decided, seen, {"hello": "p-1"}, {})
    store.writer.submit(partial(lifecycle.first, text=text, at_s=1.0, zones=view.plan.zone_ids)).result()
    store.writer.submit(partial(decisions.log, decision=record)).result()
    view.feed.tell(FeedItem(view.at_s, "promised", 3, "wine", offer="Hello", decision="d-1"))
    marketeer = sign_in(Role.MARKETEER)
    assert 'href="/why/d-1"' in (await marketeer.go("/")).text
    page = (await marketeer.go("/why/d-1")).text
    assert page.index("<h2>hello") < page.index("<h2>never")
    assert seen.shopper not in page
    assert (await marketeer.go("/why/none")).status_code == 404


async def test_nobody_is_asked_what_no_book_asks(sign_in: SignIn) -> None:
    assert (await sign_in(Role.STAFF).go("/shop/facts/stock")).status_code == 404


async def test_the_privacy_report_stands_on_a_page_for_whoever_may_look(sign_in: SignIn) -> None:
    page = (await sign_in(Role.VIEWER).go("/shop/privacy?lang=nl")).text
    assert "Hoe lang het wordt bewaard" in page
    assert "/api/v1/privacy/statement.md?language=nl" in page
    assert "400 dagen" in page
