"""Takes a picture of every page of the dashboard: phone and PC, light and dark, Dutch and English. `make screenshots [ARGS=DIR]`.

The shop is a pretended one, the pages and the server are the real ones.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from gateway.dashboard.access.passwords import hashed
from gateway.dashboard.app import create_app
from gateway.dashboard.server import listen
from gateway.settings import DashboardSettings, StorageSettings
from gateway.storage import Connection, accounts, audit, open_store
from gateway.storage.accounts import LinkKind
from gateway.storage.users import Role, create_token
from gateway.zones.plan import load_plan
from tests.support.pretend_view import PretendView

PLAN = Path(__file__).parents[1] / "firmware_sim" / "shops" / "supermarket" / "plan.yaml"
TO = Path(__file__).parents[1] / ".cache" / "screenshots"
PAGES = {
    "now": "/",
    "shop": "/shop",
    "users": "/shop/users",
    "new-user": "/shop/users/new",
    "new-token": "/shop/users/tokens/new",
    "audit": "/shop/audit",
    "account": "/account",
    "confirm": "/confirm",
    "sign-in": "/sign-in",
    "not-found": "/nowhere",
}
SIZES = {"pc": (1440, 1000), "phone": (390, 844)}
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


async def _take(browser: Browser, base: str, folder: Path) -> None:
    for size, (width, height) in SIZES.items():
        for theme in ("light", "dark"):
            context = await browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme, locale="nl")
            page = await context.new_page()
            await context.add_cookies([{"name": "etalage_session", "value": "the session of the pictures", "url": base}])
            for language in ("nl", "en"):
                for name, path in PAGES.items():
                    await page.goto(f"{base}{path.lstrip('/')}?lang={language}")
                    await page.wait_for_load_state("load")
                    await page.screenshot(path=folder / f"{name}-{size}-{theme}-{language}.png", full_page=True)
            await context.close()


async def main(folder: Path) -> None:
    """Serve the pages, and take the pictures."""
    view = PretendView(load_plan(PLAN), seed=1)
    view.come([f"s-{number}" for number in range(34)])
    view.wander(40)
    with tempfile.TemporaryDirectory() as data:
        store = open_store(StorageSettings(path=Path(data) / "etalage.db"))
        store.writer.submit(_people).result()
        now_s = datetime.now(UTC).timestamp()
        store.writer.submit(lambda it: accounts.open_session(it, "the session of the pictures", "Sanne", now_s)).result()
        settings = DashboardSettings(port=0)
        listener = listen(settings, Path(data), datetime.now(UTC))
        app = create_app(view, settings=settings, store=store)
        serving = asyncio.create_task(listener.serve(app))
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
            await _take(browser, listener.url, folder)
            await browser.close()
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving
        app.state.close()
        store.close()


if __name__ == "__main__":
    to = Path(sys.argv[1]) if len(sys.argv) > 1 else TO
    to.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(to))
    print(f"{len(list(to.glob('*.png')))} pictures in {to}")
