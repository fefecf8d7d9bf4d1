"""The pages about scanners, and the day that is remembered of each."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from gateway.dashboard.charts import Bar, hours_chart
from gateway.dashboard.history import HOUR_S, HOURS, ScannerHistory
from gateway.dashboard.naming import scanner_name
from gateway.zones.plan import StorePlan, parse_plan
from rules.texts import Language
from tests.support.pretend_view import PretendView

pytestmark = pytest.mark.anyio
Client = Callable[..., httpx.AsyncClient]


def test_a_scanner_is_called_by_its_zone_said_or_drawn() -> None:
    plan = parse_plan(
        {
            "store": "s",
            "zones": [{"id": "a", "name": {"nl": "Kaas", "en": "Cheese"}, "polygon": [[0, 0], [4, 0], [4, 4], [0, 4]]}],
            "scanners": [{"id": "said", "zone": "a"}, {"id": "drawn", "at": [1, 1]}, {"id": "outside", "at": [9, 9]}],
        }
    )
    assert scanner_name(plan, "said", Language.NL) == "Kaas (said)"
    assert scanner_name(plan, "drawn", Language.EN) == "Cheese (drawn)"
    assert scanner_name(plan, "outside", Language.EN) == "outside"
    assert scanner_name(plan, "stranger", Language.EN) == "stranger"


def test_a_day_has_24_hours_and_knows_what_nobody_looked_at(view: PretendView) -> None:
    history, start_s = ScannerHistory(), 100 * HOUR_S
    history.note(view.health().scanners, start_s)
    view.deaf = frozenset({"sc-fish"})
    history.note(view.health().scanners, start_s + 60)
    history.note(view.health().scanners, start_s + 2 * HOUR_S)
    day = history.day("sc-fish", start_s + 2 * HOUR_S)
    assert len(day) == HOURS
    assert [hour.quality for hour in day[-3:]] == [0.48, None, 0.0]
    assert day[-1].starts_at_s == start_s + 2 * HOUR_S


def test_what_is_remembered_stays_bounded_and_strangers_leave_nothing(view: PretendView) -> None:
    history = ScannerHistory()
    for hour in range(100):
        history.note(view.health().scanners, hour * HOUR_S)
    assert all(hour.quality is not None for hour in history.day("sc-wine", 99 * HOUR_S))
    assert max(len(hours) for hours in history._hours.values()) == HOURS
    assert all(hour.quality is None for hour in history.day("made-up", 99 * HOUR_S))


def test_a_chart_says_in_words_what_it_draws() -> None:
    chart = hours_chart([Bar(0, None), Bar(3600, 0.25), Bar(7200, 1.0)], "Europe/Amsterdam", Language.EN)
    assert [(bar.known, bar.poor, bar.height) for bar in chart.bars] == [(False, True, 32), (True, True, 8.0), (True, False, 32.0)]
    assert chart.sentence == "Heard in the last 2 hours: at worst 25% of what there was, from 02:00."
    assert chart.rows == (("03:00", "100%"), ("02:00", "25%"), ("01:00", "unknown"))
    assert hours_chart([Bar(0, None)], "UTC", Language.NL).sentence == "Er is nog niet gekeken."


async def test_trouble_comes_first_and_every_scanner_has_its_place(client: Client, view: PretendView) -> None:
    view.deaf = frozenset({"sc-wine"})
    view.history.note(view.health().scanners, view.at_s)
    async with client(**{"Accept-Language": "nl"}) as browser:
        page = (await browser.get("/shop/scanners")).text
        one = (await browser.get("/shop/scanners/sc-wine")).text
        nowhere = await browser.get("/shop/scanners/nowhere", headers={"Accept": "text/html"})
    assert page.index("Wijn (sc-wine)") < page.index("Vis (sc-fish)")
    assert page.count('<svg class="chart"') == len(view.plan.scanners)
    assert "Wijn (sc-wine) hoort al 12 s niets" in one
    assert "Uur voor uur" in one
    assert nowhere.status_code == 404


async def test_the_api_has_the_same_day(client: Client, view: PretendView, plan: StorePlan) -> None:
    view.history.note(view.health().scanners, view.at_s)
    async with client() as caller:
        assert [one["scanner"] for one in (await caller.get("/api/v1/scanners")).json()] == [part.id for part in plan.scanners]
        day = (await caller.get("/api/v1/scanners/sc-wine/quality")).json()
        assert (len(day), day[-1]["quality"], day[-2]["quality"]) == (HOURS, 0.96, None)
        assert (await caller.get("/api/v1/scanners/x/quality")).status_code == 404


async def test_anybody_may_ask_whether_it_is_ready_and_learns_no_more(client: Client, view: PretendView) -> None:
    async with client("192.0.2.7", host="192.0.2.1:8080") as stranger:
        assert (await stranger.get("/readyz")).text == "ready\n"
        view.database = type(view.database)(backlog=0, failure="disk full")
        answer = await stranger.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "not ready\n")
