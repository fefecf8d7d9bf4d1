"""The plan editor in a real browser: by finger on a phone, by keyboard alone, and for a screen reader."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect, sync_playwright

from gateway.dashboard.app import create_app
from gateway.dashboard.server import listen
from gateway.settings import DashboardSettings, StorageSettings
from gateway.storage import accounts, open_store
from gateway.storage.users import Role
from gateway.zones.plan import load_plan, parse_plan
from gateway.zones.plan_folder import PlanFolder
from tests.integration.test_dashboard_browser import CHROMIUM, FLAGS
from tests.support.drawing import Desk, png, two_zones
from tests.support.pretend_view import PretendView
from tests.support.supermarket import PLAN_FILE

SESSION = "the session of a test"
PHONE: ViewportSize = {"width": 360, "height": 740}
PC: ViewportSize = {"width": 1280, "height": 900}


class Drawing:
    """A dashboard where somebody who may draw has signed in."""

    def __init__(self, folder: Path) -> None:
        plan = load_plan(PLAN_FILE)
        self.view, self.store = PretendView(plan, seed=3), open_store(StorageSettings(path=folder / "etalage.db"))
        now_s = datetime.now(UTC).timestamp()
        self.store.writer.submit(lambda it: accounts.add(it, "Sanne", Role.OWNER, "nl", None, now_s)).result(30)
        self.store.writer.submit(lambda it: accounts.open_session(it, SESSION, "Sanne", now_s)).result(30)
        self.desk = Desk(folder / "etalage.plan", self.view, self.store, plan)
        self.folder = PlanFolder(self.desk.folder)
        settings = DashboardSettings(port=0)
        self.app = create_app(self.view, settings=settings, store=self.store, plan_desk=self.desk.open())
        listener = listen(settings, folder, datetime.now(UTC))
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

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(timeout=30)
        self.app.state.close()
        self.store.close()


@pytest.fixture
def drawing(tmp_path: Path) -> Iterator[Drawing]:
    drawing = Drawing(tmp_path)
    yield drawing
    drawing.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def opened(context: BrowserContext, drawing: Drawing, path: str = "shop/plan/edit") -> Page:
    context.add_cookies([{"name": "etalage_session", "value": SESSION, "url": drawing.url}])
    page = context.new_page()
    page.goto(drawing.url + path)
    if path.endswith("edit"):
        page.wait_for_function("document.documentElement.dataset.ready !== undefined")
    return page


def test_a_zone_and_a_scanner_are_drawn_with_a_finger_on_a_phone_and_put_to_work(browser: Browser, drawing: Drawing) -> None:
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True, locale="nl-NL")
    page = opened(context, drawing)
    canvas = page.get_by_role("group", name="Plattegrond.")
    page.get_by_role("button", name="Zone", exact=True).tap()
    for x, y in ((60, 60), (260, 60), (260, 260), (60, 260)):
        canvas.tap(position={"x": x, "y": y})
    page.get_by_role("button", name="Vorm is klaar").tap()
    page.get_by_label("Naam NL").fill("Wijn")
    page.get_by_role("button", name="Scanner", exact=True).tap()
    canvas.tap(position={"x": 160, "y": 160})
    expect(page.get_by_role("status").filter(has_text="Concept bewaard")).to_be_visible()
    page.get_by_role("button", name="Zet in gebruik").first.tap()
    page.get_by_role("dialog").get_by_role("button", name="Zet in gebruik").tap()
    page.wait_for_url("**/shop/plan")
    newest = drawing.folder.newest()
    assert newest is not None
    plan = parse_plan(newest.plan)
    assert (plan.zones[0].called("nl"), plan.scanners[0].zone, drawing.desk.renewed) == ("Wijn", plan.zones[0].id, 1)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()


def test_a_shop_is_drawn_by_keyboard_alone_and_taken_back_step_by_step(browser: Browser, drawing: Drawing) -> None:
    context = browser.new_context(locale="nl-NL")
    page = opened(context, drawing)
    canvas = page.get_by_role("group", name="Plattegrond.")
    canvas.focus()
    page.keyboard.press("z")
    for way in ("ArrowRight", "ArrowUp", "ArrowLeft"):
        page.keyboard.press("Space")
        for _ in range(8):
            page.keyboard.press(f"Shift+{way}")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Zone 1 zone")).to_be_visible()
    first_x = page.get_by_label("punt 1 x, m")
    first_x.fill("-3.5")
    first_x.press("Tab")
    expect(first_x).to_have_value("-3.5")
    canvas.focus()
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    expect(page.get_by_text("Nog niets getekend")).to_be_visible()
    page.keyboard.press("Control+y")
    expect(page.get_by_role("button", name="Zone 1 zone")).to_be_visible()
    context.close()


def test_what_is_wrong_is_said_while_drawing_and_leads_to_the_part(browser: Browser, drawing: Drawing) -> None:
    drawing.folder.save_draft(two_zones(), drawing.folder.draft().tag, "Sanne", 1.0)
    context = browser.new_context(locale="nl-NL")
    page = opened(context, drawing)
    page.get_by_role("button", name="Wijn zone").click()
    page.get_by_label("punt 2 x, m").fill("9")
    page.get_by_label("punt 3 x, m").fill("9")
    page.get_by_label("punt 3 x, m").press("Tab")
    fault = page.get_by_role("listitem").filter(has_text="overlappen")
    expect(fault).to_be_visible()
    expect(page.get_by_role("button", name="Zet in gebruik").first).to_be_disabled()
    fault.get_by_role("button", name="Toon").click()
    expect(page.get_by_role("heading", name="Wijn")).to_be_visible()
    context.close()


def test_a_second_tab_that_was_late_chooses_between_mine_and_theirs(browser: Browser, drawing: Drawing) -> None:
    drawing.folder.save_draft(two_zones(), drawing.folder.draft().tag, "Sanne", 1.0)
    context = browser.new_context(locale="nl-NL")
    page = opened(context, drawing)
    drawing.folder.save_draft(two_zones(floor=2), drawing.folder.draft().tag, "Joost", 2.0)
    page.get_by_role("button", name="Wijn zone").click()
    page.get_by_label("Naam EN").fill("Wines")
    page.get_by_label("Naam EN").press("Tab")
    page.get_by_role("button", name="Houd de mijne").click()
    expect(page.get_by_role("status").filter(has_text="Concept bewaard")).to_be_visible()
    zones = drawing.folder.draft().plan["zones"]
    assert "Wines" in str(zones)
    context.close()


def test_a_picture_goes_under_the_drawing_and_a_vector_file_is_refused_in_a_line(browser: Browser, drawing: Drawing) -> None:
    context = browser.new_context(locale="nl-NL")
    page = opened(context, drawing)
    upload = page.get_by_label("Een afbeelding om overheen te tekenen")
    upload.set_input_files({"name": "plan.png", "mimeType": "image/png", "buffer": b"<svg><script>alert(1)</script></svg>"})
    expect(page.get_by_role("status").filter(has_text="Alleen PNG of JPEG")).to_be_visible()
    upload.set_input_files({"name": "plan.png", "mimeType": "image/png", "buffer": png(800, 400)})
    expect(page.get_by_text("Klik twee punten van de afbeelding aan")).to_be_visible()
    expect(page.locator("svg image")).to_have_count(1)
    context.close()


def test_expected_shares_stand_in_the_zones_and_places_are_proposed_and_taken(browser: Browser, drawing: Drawing) -> None:
    drawing.folder.save_draft(two_zones(), drawing.folder.draft().tag, "Sanne", 1.0)
    context = browser.new_context(locale="nl-NL")
    page = opened(context, drawing)
    page.get_by_role("button", name="Hoe goed te onderscheiden?").click()
    expect(page.get_by_role("status").filter(has_text="van de 10 minuten")).to_be_visible()
    page.get_by_label("Scanners erbij").fill("1")
    page.get_by_role("button", name="Stel plaatsen voor").click()
    page.get_by_role("button", name="Neem over").click(timeout=60_000)
    expect(page.get_by_role("button", name="scanner").filter(has_text="scanner")).not_to_have_count(2)
    context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", ["shop/plan", "shop/plan/edit"])
def test_nothing_stands_in_the_way_of_a_screen_reader(browser: Browser, drawing: Drawing, theme: str, path: str) -> None:
    drawing.folder.put_to_work(parse_plan(two_zones()), "Sanne", 1.0)
    for viewport, language in ((PHONE, "nl"), (PC, "en")):
        context = browser.new_context(viewport=viewport, locale=language, color_scheme="dark" if theme == "dark" else "light")
        page = opened(context, drawing, path)
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        context.close()
