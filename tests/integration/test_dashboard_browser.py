"""The first page in a real browser: live, in two languages, for a keyboard, a phone and a screen reader."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from gateway.dashboard.app import create_app
from gateway.dashboard.server import listen
from gateway.dashboard.view import LinkNow
from gateway.settings import DashboardSettings
from gateway.zones.plan import load_plan
from tests.support.pretend_view import PretendView
from tests.support.supermarket import PLAN_FILE

HIDE = """hidden => {
    Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});
    document.dispatchEvent(new Event('visibilitychange'));
}"""
CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
T = TypeVar("T")


class Shop:
    """A pretend shop with its dashboard, in a thread of its own; `do` changes it there."""

    def __init__(self) -> None:
        self.view = PretendView(load_plan(PLAN_FILE), seed=3)
        self.view.come([f"s-{number}" for number in range(20)])
        self.view.wander(25)
        self.app = create_app(self.view, settings=DashboardSettings(port=0))
        listener = listen(DashboardSettings(port=0), Path(), datetime.now(UTC))
        self.url = listener.url
        self._loop = asyncio.new_event_loop()
        self._task = self._loop.create_task(listener.serve(self.app))
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            self._loop.close()

    def do(self, change: Callable[[PretendView], T]) -> T:
        done: Future[T] = Future()
        self._loop.call_soon_threadsafe(lambda: done.set_result(change(self.view)))
        return done.result(timeout=10)

    def streams(self) -> int:
        return int(self.do(lambda _view: self.app.state.hub.clients))

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(timeout=10)


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()
    yield shop
    shop.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, shop: Shop) -> Iterator[Page]:
    """A desktop page; whatever the browser complains about fails the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="nl-NL", reduced_motion="reduce")
    page = context.new_page()
    complaints: list[str] = []

    def complain(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    page.on("console", complain)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []


def wait_for_stream(page: Page, shop: Shop) -> None:
    expect(page.locator("live-status")).to_have_attribute("data-live", "true")
    assert shop.streams() == 1


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_on_the_page_shuts_anybody_out(page: Page, shop: Shop, language: str, scheme: str) -> None:
    shop.do(lambda view: setattr(view, "deaf", frozenset({"sc-fish"})))
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of the two it knows
    page.goto(f"{shop.url}?lang={language}")
    wait_for_stream(page, shop)
    assert page.locator("html").get_attribute("lang") == language
    results = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
    assert [(found["id"], found["nodes"][0]["html"]) for found in results.response["violations"]] == []


def test_a_promise_shows_within_the_same_page(page: Page, shop: Shop) -> None:
    page.goto(shop.url)
    wait_for_stream(page, shop)
    before = int(page.locator('[data-figure="promised"]').inner_text())
    shop.do(lambda view: view.promise("s-1", "Verse stroopwafels"))
    row = page.locator(".rows li", has_text="krijgt ‘Verse stroopwafels’ beloofd")
    expect(row).to_be_visible()
    expect(page.locator('[data-figure="promised"]')).to_have_text(str(before + 1))


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_script_says_every_row_as_the_server_says_it(page: Page, shop: Shop, language: str) -> None:
    shop.do(lambda view: view.leave("s-3"))
    shop.do(lambda view: view.come(["late"], None))
    page.goto(f"{shop.url}?lang={language}")
    wait_for_stream(page, shop)
    written_by_server = page.locator(".rows li").all_inner_texts()
    assert len(written_by_server) > 20
    rows = page.evaluate("fetch('/api/v1/events').then(answer => answer.json())")
    page.locator("live-feed").evaluate("(feed, rows) => feed.items(rows, true)", rows)
    assert page.locator(".rows li").all_inner_texts() == written_by_server


def test_dots_follow_people_and_go_when_they_go(page: Page, shop: Shop) -> None:
    page.goto(shop.url)
    wait_for_stream(page, shop)
    shop.do(lambda view: view.come(["new"], "wine"))
    number = shop.do(lambda view: view.frame().dots[-1].number)
    dot = page.locator(f'.dots [data-number="{number}"]')
    expect(dot).to_be_attached()
    at_wine = dot.bounding_box()
    shop.do(lambda view: view.come(["new"], "frozen"))
    zone = page.locator('.zone[data-zone="frozen"]').bounding_box()
    assert zone is not None
    page.wait_for_function(
        "([number, left]) => document.querySelector(`.dots [data-number='${number}']`).getBoundingClientRect().left > left",
        arg=[number, zone["x"]],
    )
    assert dot.bounding_box() != at_wine
    shop.do(lambda view: view.leave("new"))
    expect(dot).not_to_be_attached()


def test_a_scanner_that_dies_makes_its_zone_unknown_at_once(page: Page, shop: Shop) -> None:
    page.goto(f"{shop.url}?lang=en")
    wait_for_stream(page, shop)
    shop.do(lambda view: setattr(view, "deaf", frozenset({"sc-fish"})))
    expect(page.locator('tr[data-zone="fish"] td')).to_have_text("unknown")
    expect(page.locator('.zone[data-zone="fish"]')).to_have_attribute("data-known", "false")
    expect(page.locator(".scanners li").first).to_contain_text("Fish (sc-fish) has heard nothing")
    expect(page.locator("live-status")).to_contain_text("Needs attention")


def test_a_broker_that_is_away_is_told_in_words(page: Page, shop: Shop) -> None:
    page.goto(f"{shop.url}?lang=nl")
    wait_for_stream(page, shop)
    shop.do(lambda view: setattr(view, "link", LinkNow("winkel:1883", connected=False, waiting=3)))
    expect(page.locator('[data-part="link"]')).to_contain_text("Geen verbinding met winkel:1883")


def test_old_figures_are_shown_as_old_when_the_stream_is_lost(page: Page, shop: Shop) -> None:
    page.goto(f"{shop.url}?lang=nl")
    wait_for_stream(page, shop)
    page.evaluate(HIDE, True)  # so that no beat comes in between
    wait_until(page, lambda: shop.streams() == 0)
    page.locator("live-status").evaluate("status => status.live(false)")
    expect(page.locator("body")).to_have_attribute("data-old", "")
    expect(page.locator("live-status")).to_contain_text(re.compile(r"Stand van \d\d:\d\d"))
    page.evaluate(HIDE, False)
    expect(page.locator("body")).not_to_have_attribute("data-old", "")


def test_a_hidden_tab_lets_go_of_its_stream_and_takes_it_up_again(page: Page, shop: Shop) -> None:
    page.goto(shop.url)
    wait_for_stream(page, shop)
    page.evaluate(HIDE, True)
    wait_until(page, lambda: shop.streams() == 0)
    shop.do(lambda view: view.promise("s-1", "Gemist"))
    page.evaluate(HIDE, False)
    expect(page.locator(".rows li", has_text="krijgt ‘Gemist’ beloofd")).to_have_count(1)


def wait_until(page: Page, condition: Callable[[], bool]) -> None:
    """Within 10 s; a closed stream is noticed when the next beat is written to it."""
    for _ in range(200):
        if condition():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it didn't come true within 10 s")


def test_the_feed_stays_short_and_keeps_the_offers(page: Page, shop: Shop) -> None:
    page.goto(shop.url)
    wait_for_stream(page, shop)
    shop.do(lambda view: view.promise("s-1", "Blijft staan"))
    shop.do(lambda view: view.come([f"s-{number % 20}" for number in range(300)], "wine"))
    newest = page.locator(".rows li", has_text="loopt naar Wijn").first
    expect(newest).to_be_visible()
    expect(page.locator('.rows li[data-kind="move"]')).to_have_count(25)
    expect(page.locator(".rows li", has_text="krijgt ‘Blijft staan’ beloofd")).to_have_count(1)


def test_the_feed_can_be_narrowed_to_offers_by_keyboard(page: Page, shop: Shop) -> None:
    page.goto(shop.url)
    wait_for_stream(page, shop)
    page.get_by_role("radio", name="Alles").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator('.rows li[data-kind="move"]').first).to_be_hidden()
    expect(page.locator('.rows li[data-kind="offer"]').first).to_be_visible()


def test_the_first_tab_stop_skips_to_the_content(page: Page, shop: Shop) -> None:
    page.goto(shop.url)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_the_language_is_switched_by_a_link_and_stays(page: Page, shop: Shop) -> None:
    page.goto(shop.url)
    expect(page.locator("h2").first).to_have_text("Plattegrond")
    page.locator(".languages").get_by_text("EN").click()
    expect(page.locator("h2").first).to_have_text("Plan")
    page.goto(shop.url)
    expect(page.locator("h2").first).to_have_text("Plan")


def test_a_phone_gets_the_zone_list_first_and_nothing_to_scroll_sideways(page: Page, shop: Shop) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(shop.url)
    wait_for_stream(page, shop)
    zones, plan = page.locator(".zones").bounding_box(), page.locator(".plan").bounding_box()
    assert zones is not None
    assert plan is not None
    assert zones["y"] < plan["y"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_without_script_the_page_is_whole_and_loads_itself_again(browser: Browser, shop: Shop) -> None:
    context = browser.new_context(java_script_enabled=False, locale="nl-NL")
    page = context.new_page()
    page.goto(shop.url)
    expect(page.locator(".dots .dot").first).to_be_attached()
    assert len(page.locator(".rows li").all()) > 20
    assert re.search(r'<noscript>\s*<meta http-equiv="refresh" content="10"', page.content())
    context.close()
