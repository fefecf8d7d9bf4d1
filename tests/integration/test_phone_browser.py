"""The demo's phone in a real browser, as wide as a phone: an offer arrives, and a thumb looks, redeems, answers and puts away."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect, sync_playwright

from firmware_sim.backend import Backend
from firmware_sim.phone import create_phone, serving

CHROMIUM = "/usr/bin/chromium"
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
SCREEN = {"width": 390, "height": 844}
VOUCHER: dict[str, Any] = {
    "promise": "p-1",
    "kind": "voucher",
    "content": {"title": "Proef de nieuwe Rioja", "body": "Vandaag 10 %."},
    "voucher": {"code": "7KQ2-MX4P", "value": {"percent": 10}, "ends_at": "2026-11-21T20:00:00Z"},
}
QUESTION: dict[str, Any] = {
    "promise": "p-2",
    "kind": "question",
    "content": {"title": "Wat eet u het liefst?"},
    "question": {
        "attribute": "diet",
        "answers": {"all": "Alles", "vegan": "Veganistisch, dus helemaal zonder dierlijke producten"},
    },
}
RECIPE: dict[str, Any] = {"promise": "p-3", "kind": "content", "content": {"title": "Een recept met een heel erg lange titel"}}


@pytest.fixture
def backend() -> Backend:
    """Not connected: what it would send waits in its client."""
    return Backend("mqtt://127.0.0.1:1", "demo-chain", "demo")


@pytest.fixture
def address(backend: Backend) -> Iterator[str]:
    """The phone of s-1, served in a thread of its own."""
    loop, addresses, over = asyncio.new_event_loop(), list[str](), asyncio.Event()
    served = threading.Event()

    async def serve() -> None:
        async with serving(create_phone(backend, "s-1", {"beacon": {}})) as url:
            addresses.append(url)
            served.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert served.wait(10)
    yield addresses[0]
    loop.call_soon_threadsafe(over.set)
    thread.join(10)
    assert not thread.is_alive()
    loop.close()


@pytest.fixture
def page(address: str) -> Iterator[Page]:
    """A page on a phone's screen; whatever the browser complains about fails the test."""
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = browser.new_context(viewport=SCREEN, reduced_motion="reduce")  # type: ignore[arg-type]  # a plain dict will do
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        yield page
        browser.close()
    assert complaints == []


def arrive(backend: Backend, offer: dict[str, Any]) -> None:
    backend._arrived({**offer, "shopper": "s-1", "offer": offer["kind"]}, 0.0)


def test_an_offer_arrives_by_itself_and_is_redeemed_with_two_taps(page: Page, backend: Backend) -> None:
    expect(page.locator("#empty")).to_be_visible()
    arrive(backend, VOUCHER)
    card = page.locator(".card")
    expect(card.get_by_role("heading")).to_have_text("Proef de nieuwe Rioja")
    expect(page.locator("#empty")).to_be_hidden()
    expect(card.locator(".code")).to_have_count(0)
    card.get_by_role("button", name="Bekijk").click()
    expect(card.locator(".code")).to_have_text("7KQ2-MX4P")
    card.get_by_role("button", name="Verzilver aan de kassa").click()
    expect(card.locator(".state")).to_have_text("Verzilverd")
    assert backend.cards["p-1"].did == ["delivered", "shown", "tapped", "redeemed"]


def test_a_question_is_answered_and_what_one_does_not_want_is_put_away(page: Page, backend: Backend) -> None:
    arrive(backend, QUESTION)
    arrive(backend, RECIPE)
    page.get_by_role("button", name="Alles").click()
    expect(page.locator("#card-p-2 .state")).to_have_text("Bedankt voor uw antwoord")
    page.locator("#card-p-3").get_by_role("button", name="Niet nu").click()
    expect(page.locator("#card-p-3 .state")).to_have_text("Weggelegd")
    assert (backend.cards["p-2"].did[-1], backend.cards["p-3"].did[-1]) == ("tapped", "dismissed")


def test_the_page_fits_the_screen_and_everybody_can_use_it_in_both_languages_and_schemes(page: Page, backend: Backend) -> None:
    for offer in (VOUCHER, QUESTION, RECIPE):
        arrive(backend, offer)
    expect(page.locator(".card")).to_have_count(3)
    page.locator("#card-p-1").get_by_role("button", name="Bekijk").click()
    expect(page.locator(".code")).to_be_visible()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") == SCREEN["width"]
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
    page.get_by_role("button", name="English").click()
    expect(page.locator("h1")).to_have_text("Your shop")
    expect(page.locator("html")).to_have_attribute("lang", "en")
