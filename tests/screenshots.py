"""Takes a picture of every page of the dashboard: phone and PC, light and dark, Dutch and English.

`make screenshots [ARGS="DIR PAGE …"]`; without names of pages, all of them.

The shop is a pretended one, the pages and the server are the real ones.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from fastapi import APIRouter
from playwright.async_api import Browser, async_playwright

from gateway.books.shop_facts import ShopFacts
from gateway.dashboard.access.passwords import hashed
from gateway.dashboard.app import create_app
from gateway.dashboard.kept_settings import KeptSettings
from gateway.dashboard.pages.rooms import pages
from gateway.dashboard.server import listen
from gateway.mqtt.probe import probe
from gateway.settings import DashboardSettings, Settings, StorageSettings
from gateway.storage import Connection, Store, accounts, audit, open_store, outbox, quarantine
from gateway.storage.accounts import LinkKind
from gateway.storage.users import Role, create_token
from gateway.zones.plan import load_plan
from rules import load_book
from tests.support.pretend_view import PretendView

PLAN = Path(__file__).parents[1] / "firmware_sim" / "shops" / "supermarket" / "plan.yaml"
BOOK = Path(__file__).parents[1] / "rules" / "books" / "supermarket.yaml"
TO = Path(__file__).parents[1] / ".cache" / "screenshots"
PAGES = {
    "now": "/",
    "shop": "/shop",
    "scanners": "/shop/scanners",
    "scanner": "/shop/scanners/sc-fish",
    "broker": "/shop/broker",
    "facts": "/shop/facts",
    "fact": "/shop/facts/hot_day",
    "privacy": "/shop/privacy",
    "setup": "/setup",
    "backup": "/shop/backup",
    "support": "/shop/support",
    "settings": "/shop/settings",
    "settings-shop": "/shop/settings/shop",
    "settings-broker": "/shop/settings/broker",
    "users": "/shop/users",
    "new-user": "/shop/users/new",
    "new-token": "/shop/users/tokens/new",
    "audit": "/shop/audit",
    "account": "/account",
    "confirm": "/confirm",
    "sign-in": "/sign-in",
    "not-found": "/nowhere",
}
SIZES = {"pc": (1280, 900), "phone": (360, 780)}
CHROMIUM = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]


def _people(connection: Connection) -> None:
    """A shop's staff, and what they did."""
    now_s = datetime.now(UTC).timestamp()
    password = hashed("only for pictures")
    for name, role in (("Sanne", Role.OWNER), ("Joost", Role.MARKETEER), ("Fatima", Role.STAFF)):
        accounts.add(connection, name, role, "nl", password, now_s - 86_400)
    accounts.add(connection, "Wim", Role.VIEWER, "nl", None, now_s)
    create_token(connection, name="kassa-2", role=Role.TILL, at_s=now_s - 3600)
    for minutes, who, deed, object_ in (
        (90, "Sanne", "claimed", ""),
        (80, "Sanne", "invited", "Joost"),
        (60, "Sanne", "made_token", "kassa-2"),
        (30, "Joost", "signed_in", ""),
    ):
        audit.note(connection, now_s - minutes * 60, who, deed, object_)
    accounts.add_link(connection, "picture", "Sanne", LinkKind.ENTER, now_s + 600)


async def _take(browser: Browser, base: str, folder: Path, pages: Mapping[str, str]) -> None:
    for size, (width, height) in SIZES.items():
        for theme in ("light", "dark"):
            context = await browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme, locale="nl")
            page = await context.new_page()
            await context.add_cookies([{"name": "etalage_session", "value": "the session of the pictures", "url": base}])
            for language in ("nl", "en"):
                for name, path in pages.items():
                    await page.goto(f"{base}{path.lstrip('/')}?lang={language}")
                    await page.wait_for_load_state("load")
                    await page.screenshot(path=folder / f"{name}-{size}-{theme}-{language}.png", full_page=True)
            await context.close()


def _a_day(view: PretendView) -> None:
    """Let the scanners hear for a day: one deaf since the afternoon, one hour in which the gateway didn't run."""
    for minutes in range(0, 24 * 60, 10):
        view.deaf = frozenset({"sc-fish"}) if minutes > 20 * 60 or 300 < minutes < 340 else frozenset()
        if not 120 <= minutes < 180:
            view.history.note(view.health().scanners, view.at_s - 86_400 + 600 + minutes * 60)


def _rooms_pages(view: PretendView, store: Store, folder: Path) -> list[APIRouter]:
    """The pages over the rooms, with something in each."""
    book, now_s = load_book(BOOK), datetime.now(UTC).timestamp
    facts = ShopFacts(store, view.plan.open_at)
    facts.set([book], "hot_day", True, now_s() - 3600, "Fatima")

    def messages(connection: Connection) -> None:
        row = {"topic": "offers", "shopper": None, "body": "{}", "expires_at_s": None}
        for number in range(15):
            outbox.put(connection, event_id=f"m-{number}", at_s=now_s() - 240, **row)  # type: ignore[arg-type]  # a row as it is
        for number in range(3):
            quarantine.set_aside(connection, f"m-{number}", "Not authorized", now_s() - 200)

    store.writer.submit(messages).result()
    settings = Settings(storage=StorageSettings(path=folder / "etalage.db"))
    return pages(view, store, KeptSettings(None, settings), facts, lambda: [book], now_s, probe, lambda: None)


async def main(folder: Path, names: Sequence[str]) -> None:
    """Serve the pages, and take the pictures."""
    view = PretendView(load_plan(PLAN), seed=1)
    view.come([f"s-{number}" for number in range(34)])
    view.wander(40)
    _a_day(view)
    with tempfile.TemporaryDirectory() as data:
        store = open_store(StorageSettings(path=Path(data) / "etalage.db"))
        store.writer.submit(_people).result()
        now_s = datetime.now(UTC).timestamp()
        store.writer.submit(lambda it: accounts.open_session(it, "the session of the pictures", "Sanne", now_s)).result()
        settings = DashboardSettings(port=0)
        listener = listen(settings, Path(data), datetime.now(UTC))
        app = create_app(view, settings=settings, store=store, pages=_rooms_pages(view, store, Path(data)))
        serving = asyncio.create_task(listener.serve(app))
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
            await _take(browser, listener.url, folder, {name: PAGES[name] for name in names or PAGES})
            await browser.close()
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving
        app.state.close()
        store.close()


if __name__ == "__main__":
    to = Path(sys.argv[1]) if len(sys.argv) > 1 else TO
    to.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(to, sys.argv[2:]))
    print(f"{len(list(to.glob('*.png')))} pictures in {to}")
