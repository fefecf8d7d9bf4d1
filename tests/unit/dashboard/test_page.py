"""The first page as the server renders it: whole at the first byte."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI

from gateway.clock import Reason, Trust
from gateway.dashboard.app import create_app
from gateway.dashboard.hub import CLIENTS_MAX
from gateway.dashboard.panel import panel
from gateway.dashboard.sentences import clock_time, happened
from gateway.dashboard.view import DatabaseNow, FeedItem, LinkNow, ScannerNow
from gateway.settings import DashboardSettings
from gateway.storage.faults import FileFault
from gateway.zones.plan import StorePlan, parse_plan
from rules.texts import Language
from tests.support.pretend_view import PretendView

pytestmark = pytest.mark.anyio
Client = Callable[..., httpx.AsyncClient]


async def test_the_first_frame_is_in_the_page_itself(client: Client, view: PretendView) -> None:
    async with client(**{"Accept-Language": "nl"}) as browser:
        page = (await browser.get("/")).text
    assert page.count('<circle class="dot" data-number=') == len(view.frame().dots) > 5
    assert page.count('class="zone"') == 12
    assert "Groente en fruit" in page
    assert page.count("<li data-kind=") == len(view.feed.after(0)) > 20
    assert "Alles gaat goed" in page
    assert "<noscript>" in page


async def test_what_the_shop_writes_is_text_and_never_markup(client: Client, view: PretendView) -> None:
    view.promise("s-1", "</script><img src=x onerror=alert(1)>")
    async with client() as browser:
        page = (await browser.get("/")).text
    assert "<img" not in page
    assert "&lt;/script&gt;&lt;img" in page


async def test_no_pseudonym_is_anywhere_in_page_api_or_metrics(client: Client, view: PretendView) -> None:
    view.come(["shopper-secret-77"], "wine")
    async with client() as browser:
        for path in ("/", "/api/v1/zones", "/api/v1/events", "/api/v1/health", "/metrics"):
            assert "secret" not in (await browser.get(path)).text


async def test_a_zone_without_a_scanner_is_unknown_and_never_empty(client: Client, view: PretendView) -> None:
    view.deaf = frozenset({"sc-fish"})
    async with client(**{"Accept-Language": "en"}) as browser:
        page = (await browser.get("/")).text
        zones = {zone["id"]: zone for zone in (await browser.get("/api/v1/zones")).json()["zones"]}
    assert 'data-zone="fish" data-known="false"' in page
    assert "Needs attention" in page
    assert (zones["fish"]["known"], zones["fish"]["count"]) == (False, None)
    assert zones["wine"]["known"]


async def test_a_dot_that_is_not_sure_is_a_ring_and_scanners_are_called_by_their_place(client: Client, view: PretendView) -> None:
    async with client(**{"Accept-Language": "en"}) as browser:
        page = (await browser.get("/")).text
    unsure = sum(dot.confidence < 0.6 for dot in view.frame().dots)
    assert page.count(" data-unsure") == unsure > 0
    assert "<title>Fish (sc-fish)</title>" in page


async def test_only_who_writes_the_rules_is_led_to_a_decision_s_reasons(client: Client, view: PretendView) -> None:
    view.feed.tell(FeedItem(view.at_s, "promised", 3, "wine", offer="Rioja", decision="d-1"))
    async with client() as browser:
        assert 'href="/why/d-1"' not in (await browser.get("/")).text


async def test_a_plan_of_names_only_gets_a_list_and_a_hint() -> None:
    plan = parse_plan({"store": "kiosk", "zones": [{"id": "a", "name": "Balie"}], "scanners": [{"id": "x", "zone": "a"}]})
    app: FastAPI = create_app(PretendView(plan), settings=DashboardSettings())
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers={"Accept-Language": "en"}) as browser:
        page = (await browser.get("/")).text
    assert "names but no places" in page
    assert "Balie" in page


@pytest.mark.parametrize(
    ("row", "dutch", "english"),
    [
        (FeedItem(0, "enter", 7, "wine"), "Bezoeker 7 loopt naar Wijn", "Visitor 7 walks to Wine"),
        (FeedItem(0, "enter", 7, None), "Bezoeker 7 is ergens in de winkel", "Visitor 7 is somewhere in the shop"),
        (FeedItem(0, "dwell", 7, "wine", 30.2), "Bezoeker 7 is al 30 s bij Wijn", "Visitor 7 has been at Wine for 30 s"),
        (FeedItem(0, "dwell", 7, "wine", 300), "Bezoeker 7 is al 5 min bij Wijn", "Visitor 7 has been at Wine for 5 min"),
        (FeedItem(0, "enter", 7, "attic"), "Bezoeker 7 loopt naar attic", "Visitor 7 walks to attic"),
        (FeedItem(0, "promised", 7, "wine", offer="Rioja"), "Bezoeker 7 krijgt ‘Rioja’ beloofd", "Visitor 7 is promised “Rioja”"),
        (FeedItem(0, "redeemed", None, offer="Rioja"), "Iemand gebruikte ‘Rioja’", "Somebody used “Rioja”"),
        (
            FeedItem(0, "withdrawn"),
            "Een aanbieding is teruggenomen voordat iemand het zag",
            "An offer was taken back before anybody saw it",
        ),
    ],
)
def test_what_happened_is_a_sentence_in_both_languages(plan: StorePlan, row: FeedItem, dutch: str, english: str) -> None:
    assert happened(row, plan, Language.NL) == dutch
    assert happened(row, plan, Language.EN) == english


def test_times_are_the_shop_s_own() -> None:
    assert clock_time(1_795_255_200.0, "Europe/Amsterdam") == "11:00:00"
    assert clock_time(1_795_255_200.0, "America/New_York") == "05:00:00"


def test_the_panel_says_what_is_wrong_and_what_becomes_of_it(view: PretendView) -> None:
    view.link = LinkNow("shop:1883", connected=False, waiting=3, failure="refused")
    view.database = DatabaseNow(backlog=9, failure="disk full")
    shown = panel(view.health())
    assert not shown.well
    assert shown.link.words[Language.EN].startswith("No connection with shop:1883 (refused). Promises are kept")
    assert "3" in shown.link.words[Language.NL]
    assert "disk full" in shown.database.words[Language.NL]


@pytest.mark.parametrize("fault", FileFault)
def test_why_the_database_takes_nothing_is_said_in_the_reader_s_language(view: PretendView, fault: FileFault) -> None:
    view.database = DatabaseNow(backlog=9, failure=fault.value)
    words = panel(view.health()).database.words
    assert fault.value in words[Language.EN]
    assert fault.value not in words[Language.NL]


def test_a_disk_that_is_nearly_full_asks_for_a_person_before_it_is_full(view: PretendView) -> None:
    view.database = DatabaseNow(backlog=0, nearly_full=True)
    shown = panel(view.health())
    assert not shown.well
    assert shown.database.words[Language.EN].startswith("The disk is nearly full.")


@pytest.mark.parametrize("reason", ["stepped", "behind", "unconfirmed"])
def test_a_time_that_is_not_trusted_is_told_with_its_reason(view: PretendView, reason: Reason) -> None:
    assert panel(view.health()).clock.well
    view.trust = Trust(False, reason)
    shown = panel(view.health())
    assert not shown.well
    assert not shown.clock.well
    assert "nothing is deleted" in shown.clock.words[Language.EN]
    assert "niets gewist" in shown.clock.words[Language.NL]


def test_refused_announcements_ask_for_a_person(view: PretendView) -> None:
    view.link = replace(view.link, quarantined=2)
    shown = panel(view.health())
    assert (shown.well, shown.link.well) == (False, False)
    assert "2" in shown.link.words[Language.EN]


def test_scanners_that_don_t_hear_come_first(view: PretendView) -> None:
    view.deaf = frozenset({"sc-wine"})
    shown = panel(view.health())
    assert shown.scanners[0].part == "sc-wine"
    assert shown.scanners_heading == {"nl": "11 van 12 scanners horen", "en": "11 of 12 scanners hear"}


def test_a_shop_in_which_nothing_hears_is_not_well(view: PretendView) -> None:
    health = view.health()
    words = {Language.NL: "pi-22 meldt zich", Language.EN: "pi-22 reports"}
    nobody = replace(health, scanners=())
    a_stranger = replace(health, scanners=(ScannerNow("pi-22", True, 0.0, words, in_plan=False),))
    assert health.well
    assert not nobody.well
    assert not a_stranger.well
    assert panel(a_stranger).scanners_heading[Language.EN] == "0 of 0 scanners hear"
    assert [line.words for line in panel(a_stranger).scanners] == [words]


async def test_more_open_streams_than_a_shop_has_staff_are_refused(
    client: Client, monkeypatch: pytest.MonkeyPatch, app: FastAPI
) -> None:
    monkeypatch.setattr(app.state.hub, "clients", CLIENTS_MAX)
    async with client(**{"Accept-Language": "en"}) as browser:
        answer = await browser.get("/api/v1/live")
    assert (answer.status_code, answer.json()["title"]) == (429, "Too many pages are open already.")
