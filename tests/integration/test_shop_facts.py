"""What staff say of the shop, over the API and as a person types it, down to the line that goes by it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from firmware_sim.broker import EmbeddedBroker
from gateway.app import Gateway
from gateway.books.shop_facts import ShopFacts
from gateway.commands import CommandError
from gateway.commands.books import books as books_command
from gateway.commands.shop import shop as shop_command
from gateway.dashboard.api import shop
from gateway.dashboard.app import create_app
from gateway.settings import DashboardSettings, StorageSettings, load_settings
from gateway.storage import Store, open_store
from gateway.storage.users import Role, create_token
from gateway.zones.plan import load_plan
from rules import load_book
from tests.support.mosquitto import wait_for
from tests.support.pretend_view import PretendView
from tests.support.supermarket import PLAN_FILE

NOON_S = 1_795_258_800.0
BOOK = """
book: demo
salt: demo-2026
shop_facts:
  weather: {type: choice, values: [sun, rain], label: {nl: Weer, en: Weather}, fresh_for: 3h}
  temperature: {type: number, label: {nl: Temperatuur, en: Temperature}}
  raining: {type: flag, label: {nl: Het regent, en: It rains}}
  came_in: {type: set, label: {nl: Net binnen, en: Just in}}
offers:
- id: umbrella
  kind: content
  at: {event: enter}
  if: weather == rain
  content: {nl: {title: Paraplu}, en: {title: Umbrella}}
"""
Call = Callable[..., Any]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(StorageSettings(path=tmp_path / "etalage.db"))
    yield opened
    opened.close()


@pytest.fixture
def facts(store: Store) -> ShopFacts:
    return ShopFacts(store, load_plan(PLAN_FILE).open_at)


@pytest.fixture
def call(store: Store, facts: ShopFacts) -> Call:
    """Call the API in a role: (status, body)."""
    book = load_book(BOOK)
    routers = [shop.router(facts, lambda: [book], lambda: NOON_S)]
    view = PretendView(load_plan(PLAN_FILE))
    app = create_app(view, settings=DashboardSettings(hosts=("testserver",)), store=store, routers=routers)
    tokens: dict[Role, str] = {
        role: store.writer.submit(partial(create_token, name=role.value, role=role, at_s=0.0)).result()
        for role in Role
        if role is not Role.OWNER
    }

    def called(method: str, path: str, role: Role, language: str = "en", **body: Any) -> Any:
        headers = {"Authorization": f"Bearer {tokens[role]}", "Accept-Language": language, "Content-Type": "application/json"}

        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://testserver") as client:
                return await client.request(
                    method, f"/api/v1/shop/facts{path}", headers=headers, content=json.dumps(body) if body else None
                )

        answer = asyncio.run(ask())
        return answer.status_code, answer.json() if answer.content else None

    return called


def test_staff_set_a_fact_everybody_reads_it_and_the_line_goes_by_it(call: Call, facts: ShopFacts) -> None:
    status, said = call("PUT", "/weather", Role.STAFF, value="rain")
    assert status == 200
    assert said == {
        "name": "weather",
        "type": "choice",
        "values": ["rain", "sun"],
        "label": {"nl": "Weer", "en": "Weather"},
        "fresh_for_s": 3 * 3600,
        "value": "rain",
        "set_at": "2026-11-21T11:00:00Z",
        "set_at_s": NOON_S,
        "set_by": "staff",
        "counts": True,
    }
    assert call("GET", "/weather", Role.VIEWER) == (200, said)
    _, today = call("GET", "", Role.VIEWER)
    assert today["open"] is True
    assert {fact["name"]: fact["value"] for fact in today["facts"]} == {
        "came_in": None,
        "raining": None,
        "temperature": None,
        "weather": "rain",
    }
    facts.refresh()
    assert facts.at(NOON_S, load_book(BOOK)) == ({"weather": "rain", "open": True}, {"weather": NOON_S})


@pytest.mark.parametrize(
    ("name", "value"), [("temperature", -4), ("temperature", 21.5), ("raining", False), ("came_in", ["fish", "wine"])]
)
def test_a_value_comes_back_as_it_was_sent(call: Call, name: str, value: Any) -> None:
    _, said = call("PUT", f"/{name}", Role.STAFF, value=value)
    assert said["value"] == value
    assert type(said["value"]) is type(value)


def test_a_cleared_fact_is_unknown_again(call: Call) -> None:
    call("PUT", "/raining", Role.STAFF, value=True)
    assert call("DELETE", "/raining", Role.STAFF) == (204, None)
    assert call("DELETE", "/raining", Role.STAFF) == (204, None)
    assert call("GET", "/raining", Role.VIEWER)[1]["value"] is None


def test_who_may_only_look_or_only_redeem_can_not_speak_for_the_shop(call: Call) -> None:
    assert call("PUT", "/raining", Role.VIEWER, value=True)[0] == 403
    assert call("DELETE", "/raining", Role.TILL)[0] == 403
    assert call("GET", "", Role.TILL)[0] == 403


@pytest.mark.parametrize(("method", "body"), [("GET", {}), ("PUT", {"value": "rain"}), ("DELETE", {})])
def test_an_unknown_fact_is_refused_with_the_nearest_in_the_caller_s_language(call: Call, method: str, body: Any) -> None:
    status, problem = call(method, "/wether", Role.STAFF, "nl", **body)
    assert (status, problem["type"]) == (404, "urn:etalage:problem:no_such_fact")
    assert problem["title"] == "Dat kan de winkel niet zeggen: onbekend veld `wether`; bedoelde u `weather`?"
    assert "did you mean `weather`" in call(method, "/wether", Role.STAFF, "en", **body)[1]["title"]


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("weather", "rian", "wrong_value"),
        ("raining", "yes", "wrong_value"),
        ("temperature", [1], "invalid"),
        ("temperature", 1e13, "invalid"),
        ("came_in", ["x" * 201], "invalid"),
        ("came_in", "half \ud83d a character", "invalid"),
        ("raining", None, "invalid"),
        ("raining", {"is": True}, "invalid"),
    ],
)
def test_a_value_that_can_not_be_is_refused_and_nothing_changes(call: Call, name: str, value: Any, code: str) -> None:
    status, problem = call("PUT", f"/{name}", Role.STAFF, value=value)
    assert (status, problem["type"]) == (422, f"urn:etalage:problem:{code}")
    assert call("GET", f"/{name}", Role.VIEWER)[1]["value"] is None


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Settings of a shop that is open day and night, with the book live."""
    days = "\n".join(f'  {day}: ["00:00", "24:00"]' for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun"))
    (tmp_path / "plan.yaml").write_text(
        f"store: demo\nzones: [{{id: wine}}]\nscanners: [{{id: pi-1, zone: wine}}]\nhours:\n{days}\n"
    )
    (tmp_path / "etalage.toml").write_text('[store]\nplan = "plan.yaml"\n')
    (tmp_path / "book.yaml").write_text(BOOK)
    config = tmp_path / "etalage.toml"
    runner = CliRunner()
    added = runner.invoke(books_command, ["add", str(tmp_path / "book.yaml"), "--config", str(config)], catch_exceptions=False)
    book = added.output.split("Book ")[1][:12]
    for step in ("approve", "live"):
        runner.invoke(books_command, [step, book, "--config", str(config)], catch_exceptions=False)
    return config


def say(config: Path, *words: str) -> str:
    result = CliRunner(env={"COLUMNS": "200"}).invoke(shop_command, [*words, "--config", str(config)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return str(result.output)


def test_a_person_types_what_the_shop_says_and_takes_it_back(config: Path) -> None:
    for name, value in (("weather", "rain"), ("temperature", "-4"), ("raining", "ja"), ("came_in", "wine, fish")):
        assert say(config, "set", name, value, "--by", "anna") == f"{name} is set.\n"
    listed = say(config, "list", "--language", "nl")
    assert "The shop is open." in listed
    rows = {cells[1]: cells for line in listed.splitlines() if len(cells := [cell.strip() for cell in line.split("│")]) > 7}
    assert {name: (cells[2], cells[4], cells[6], cells[7]) for name, cells in rows.items()} == {
        "weather": ("Weer", "rain", "anna", "yes"),
        "temperature": ("Temperatuur", "-4", "anna", "yes"),
        "raining": ("Het regent", "True", "anna", "yes"),
        "came_in": ("Net binnen", "fish, wine", "anna", "yes"),
    }
    assert say(config, "clear", "weather") == "weather is unknown again.\n"
    assert say(config, "clear", "weather") == "weather was unknown already.\n"


def test_a_running_gateway_goes_by_what_a_command_beside_it_says(config: Path) -> None:
    config.write_text(config.read_text() + "[dashboard]\nenabled = false\n")
    with EmbeddedBroker() as broker:
        settings = load_settings(config)
        gateway = Gateway(settings.model_copy(update={"mqtt": broker.settings(settings.mqtt)}), scanners=[])
        book = load_book(BOOK)

        async def follow() -> None:
            stop = asyncio.Event()
            running = asyncio.create_task(gateway.run(stop))
            await asyncio.to_thread(say, config, "set", "weather", "rain")
            seen = await asyncio.to_thread(wait_for, lambda: "weather" in gateway.line.shop.at(NOON_S, book)[0], 10)
            stop.set()
            await running
            assert seen
            assert gateway.line.shop.at(NOON_S, book)[0] == {"open": True, "weather": "rain"}

        asyncio.run(follow())


def test_a_slip_of_the_keyboard_is_told_with_the_right_word(config: Path) -> None:
    with pytest.raises(CommandError, match=r"did you mean `weather`.*etalage shop list"):
        say(config, "set", "wether", "rain")
    with pytest.raises(CommandError, match="bedoelde u `rain`"):
        say(config, "set", "weather", "rian", "--language", "nl")
    with pytest.raises(CommandError, match="`warm` is no number"):
        say(config, "set", "temperature", "warm")
    with pytest.raises(CommandError, match="UTF-8"):
        say(config, "set", "weather", "rain\udcff")
    with pytest.raises(CommandError, match="did you mean `raining`"):
        say(config, "clear", "rainin")
