"""Figures for machines."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.dashboard.metrics import PEOPLE_MIN
from gateway.dashboard.panel import panel
from gateway.dashboard.view import DatabaseNow, LinkNow
from rules.texts import Language
from tests.support.pretend_view import PretendView

pytestmark = pytest.mark.anyio
Client = Callable[..., httpx.AsyncClient]


async def figures(client: Client) -> dict[tuple[str, str], float]:
    async with client() as machine:
        text = (await machine.get("/metrics")).text
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return {(sample.name, " ".join(sample.labels.values())): sample.value for sample in samples}


async def test_the_metrics_are_the_view_s_own_figures(client: Client, view: PretendView) -> None:
    view.deaf = frozenset({"sc-fish"})
    view.link = LinkNow("x:1", connected=False, waiting=4, quarantined=1)
    found = await figures(client)
    counts = view.health().counts
    assert found["etalage_promises_total", ""] == counts.promised > 0
    assert found["etalage_advertisements_total", ""] == counts.advertisements
    assert found["etalage_scanner_well", "sc-fish"] == 0
    assert found["etalage_scanner_well", "sc-wine"] == 1
    assert found["etalage_scanner_recoveries_total", "sc-fish"] == 1
    assert found["etalage_scanner_failures_total", "sc-fish"] == 1
    assert found["etalage_scanner_steps_total", "sc-fish restart"] == 2
    assert found["etalage_scanner_steps_total", "sc-fish power_cycle"] == 1
    assert found["etalage_scanner_next_step_seconds", "sc-fish"] == 4.0
    assert found["etalage_scanner_recoveries_total", "sc-wine"] == 0
    assert found["etalage_zone_known", "fish"] == 0
    assert (found["etalage_link_up", ""], found["etalage_announcements_waiting", ""]) == (0, 4)
    assert all(found["etalage_receipts_total", what] == number for what, number in counts.receipts.items())


async def test_receptions_that_were_not_used_are_counted_by_source_and_reason(client: Client, view: PretendView) -> None:
    view.refused = {"pi-2": {"late": 7, "malformed": 1}, "zones": {"late": 2}}
    found = await figures(client)
    assert found["etalage_receptions_refused_total", "late pi-2"] == 7
    assert found["etalage_receptions_refused_total", "late zones"] == 2


async def test_moments_that_the_database_made_late_are_counted(client: Client, view: PretendView) -> None:
    view.late = 3
    assert (await figures(client))["etalage_late_moments_total", ""] == 3
    assert "3" in panel(view.health()).database.words[Language.NL]


async def test_a_few_people_in_a_zone_are_nobody_s_business_far_away(client: Client, view: PretendView) -> None:
    assert not any(name == "etalage_zone_people" for name, _ in await figures(client))
    view.come([f"fan-{number}" for number in range(PEOPLE_MIN)], "wine")
    found = await figures(client)
    assert found["etalage_zone_people", "wine"] >= PEOPLE_MIN


async def test_healthz_fails_with_the_reason_while_nothing_can_be_written(client: Client, view: PretendView) -> None:
    async with client() as machine:
        assert (await machine.get("/healthz")).status_code == 200
        view.database = DatabaseNow(backlog=2, failure="disk full")
        answer = await machine.get("/healthz")
    assert (answer.status_code, answer.text) == (503, "database: disk full\n")
