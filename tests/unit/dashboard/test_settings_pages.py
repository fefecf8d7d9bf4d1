"""The pages that set the shop up: checked whole, kept whole, and never over what the administrator's file says."""

from __future__ import annotations

import errno
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from gateway import box_settings
from gateway.books.shop_facts import ShopFacts
from gateway.dashboard.app import create_app
from gateway.dashboard.kept_settings import KeptSettings
from gateway.dashboard.pages.rooms import pages
from gateway.recent_log import recent
from gateway.settings import DashboardSettings, Settings, load_settings
from gateway.storage import Store, audit
from gateway.storage.users import Role
from tests.support.browser import Browser
from tests.support.clock import FakeClock
from tests.support.pretend_view import PretendView
from tests.support.staff import signed_in

pytestmark = pytest.mark.anyio
SHOP = {"name": "Bakkerij Oost", "timezone": "Europe/Brussels", "mon": "9-18", "sat": "9.30 – 17.00"}
BROKER = {"host": "mqtt.shop.example", "port": "8883", "security": "tls", "user": "etalage", "password": "geheim"}


@dataclass
class Box:
    """A box with an administrator's file, and what its dashboard was asked to do."""

    folder: Path
    steps: list[Any] = field(default_factory=list)
    """What trying a broker comes to."""
    tried: list[dict[str, Any]] = field(default_factory=list)
    starts: int = 0

    @property
    def config(self) -> Path:
        return self.folder / "etalage.toml"

    def load(self) -> Settings:
        return load_settings(self.config)

    def try_broker(self, host: str, port: int, **how: Any) -> list[Any]:
        self.tried.append({"host": host, "port": port, **how})
        return self.steps

    def start_anew(self) -> None:
        self.starts += 1


@dataclass(frozen=True)
class Step:
    name: str
    well: bool
    detail: str = ""


@pytest.fixture
def box(tmp_path: Path) -> Box:
    (tmp_path / "etalage.toml").write_text(
        f'[storage]\npath = "{tmp_path}/etalage.db"\n[shoppers]\ncontact = "info@shop.example"\nbackups = "backups"\n'
    )
    return Box(tmp_path)


@pytest.fixture
def app(view: PretendView, store: Store, box: Box) -> Iterator[FastAPI]:
    kept, facts, clock = KeptSettings(box.config, box.load()), ShopFacts(store, view.plan.open_at), FakeClock()
    shown = pages(view, store, kept, facts, lambda: [], clock.now_s, box.try_broker, box.start_anew)
    app = create_app(view, settings=DashboardSettings(), store=store, clock=clock, pages=shown)
    yield app
    app.state.close()


@pytest.fixture
def admin(app: FastAPI, store: Store) -> Browser:
    return signed_in(app, store, Role.ADMIN, FakeClock().now_s())


async def send(browser: Browser, path: str, values: dict[str, str]) -> str:
    """Open a page, fill its form in, and return the page that comes back."""
    await browser.go(path)
    return (await browser.send(values, form=1)).text


async def test_what_was_set_is_read_at_the_next_start(admin: Browser, box: Box, store: Store) -> None:
    page = await send(admin, "/shop/settings/shop", SHOP)
    assert "Saved. It counts from the next start." in page
    assert "Start anew" in page
    shop = box.load().shop
    assert (shop.name, shop.timezone) == ("Bakkerij Oost", "Europe/Brussels")
    assert dict(shop.hours) == {"mon": ("09:00", "18:00"), "sat": ("09:30", "17:00")}
    assert (box.folder / box_settings.FILE).stat().st_mode & 0o777 == 0o600
    with store.read() as connection:
        assert (audit.page(connection)[0].deed, audit.page(connection)[0].object) == ("changed_settings", "shop")


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ({"mon": "from nine"}, "Write the hours like 9:00-18:00"),
        ({"mon": "9-25"}, "A day has 24 hours"),
        ({"mon": "9-9"}, "doesn&#39;t close at the minute it opens"),
        ({"timezone": "Mars/Crater"}, "There is no such time zone"),
        ({"name": ""}, "must have at least"),
    ],
)
async def test_a_wrong_value_is_said_at_its_field_and_nothing_is_kept(
    admin: Browser, box: Box, wrong: dict[str, str], fault: str
) -> None:
    page = await send(admin, "/shop/settings/shop", SHOP | wrong)
    assert fault in page
    assert f'id="fault-{next(iter(wrong))}"' in page
    assert not (box.folder / box_settings.FILE).exists()


async def test_what_the_administrator_set_is_shown_and_stays(admin: Browser, box: Box) -> None:
    page = (await admin.go("/shop/settings/contact")).text
    assert "Set in etalage.toml; change it there." in page
    assert 'name="contact"' not in page
    await send(admin, "/shop/settings/contact", {"controller": "Bakkerij Oost BV", "contact": "evil@example"})
    assert (box.load().shoppers.controller, box.load().shoppers.contact) == ("Bakkerij Oost BV", "info@shop.example")


async def test_a_second_tab_that_saves_an_older_version_is_told_what_stands_now(admin: Browser, box: Box) -> None:
    await admin.go("/shop/settings/shop")
    older = Browser(admin.app, cookies=admin.cookies, page=admin.page)
    await admin.send(SHOP, form=1)
    refused = await older.send(SHOP | {"name": "Bakkerij West"}, form=1)
    assert refused.status_code == 412
    assert "Now it is: Bakkerij Oost" in refused.text
    assert 'value="Bakkerij West"' in refused.text
    assert box.load().shop.name == "Bakkerij Oost"
    await older.send(SHOP | {"name": "Bakkerij West"}, form=1)
    assert box.load().shop.name == "Bakkerij West"


async def test_a_full_disk_keeps_what_stood_and_says_so(admin: Browser, box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    await send(admin, "/shop/settings/shop", SHOP)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(box_settings, "put_in_place", full)
    page = await send(admin, "/shop/settings/shop", SHOP | {"name": "Bakkerij West"})
    assert "See whether its disk is full" in page
    assert 'value="Bakkerij West"' in page
    assert box.load().shop.name == "Bakkerij Oost"


async def test_a_broker_is_tried_before_it_is_kept(admin: Browser, box: Box) -> None:
    box.steps = [Step("name", True), Step("port", True), Step("certificate", True, "Mar 3"), Step("password", True)]
    page = await send(admin, "/shop/settings/broker", BROKER)
    assert "Saved." in page
    assert box.tried == [
        {"host": "mqtt.shop.example", "port": 8883, "tls": True, "user": "etalage", "password": "geheim", "ca_file": None}
    ]
    mqtt = box.load().mqtt
    assert (mqtt.brokers, mqtt.user) == (("mqtts://mqtt.shop.example:8883",), "etalage")
    assert mqtt.password_file is not None
    assert mqtt.password_file.read_text() == "geheim\n"
    assert mqtt.password_file.stat().st_mode & 0o077 == 0
    assert "geheim" not in (box.folder / box_settings.FILE).read_text()


@pytest.mark.parametrize(
    ("step", "words", "at"),
    [
        ("name", "There is no such name in the network", "host"),
        ("port", "Nothing answers there", "port"),
        ("certificate", "The certificate can&#39;t be trusted (self-signed)", "security"),
        ("password", "The broker doesn&#39;t know this name with this password (self-signed)", "password"),
    ],
)
async def test_what_is_wrong_with_a_broker_is_said_in_words_at_its_field(
    admin: Browser, box: Box, step: str, words: str, at: str
) -> None:
    box.steps = [Step("name", True), Step(step, False, "self-signed")]
    page = await send(admin, "/shop/settings/broker", BROKER)
    assert words in page
    assert f'id="fault-{at}"' in page
    assert "geheim" not in page
    assert 'value="mqtt.shop.example"' in page
    assert not (box.folder / box_settings.PASSWORD_FILE).exists()
    assert not (box.folder / box_settings.FILE).exists()


async def test_a_password_left_empty_stays_as_it_was(admin: Browser, box: Box) -> None:
    box.steps = [Step("password", True)]
    await send(admin, "/shop/settings/broker", BROKER)
    await send(admin, "/shop/settings/broker", BROKER | {"password": "", "port": "8884"})
    assert box.tried[1]["password"] == "geheim"
    assert box.load().mqtt.password_file is not None


async def test_a_new_start_is_asked_for_and_waited_for(admin: Browser, box: Box) -> None:
    await send(admin, "/shop/settings/shop", SHOP)
    page = await admin.send(form=1)
    assert "This page goes on by itself once the box answers." in page.text
    assert box.starts == 1


async def test_the_steps_are_worked_out_from_what_is_there(admin: Browser, box: Box) -> None:
    page = (await admin.go("/setup")).text
    assert "4 steps left" in page  # the pretended shop has its connection and its scanners
    assert page.index('aria-current="step"') < page.index("<h2>Shop")
    await send(admin, "/shop/settings/shop", SHOP)
    page = (await admin.go("/setup")).text
    assert page.count("<li data-done>") == 3
    assert "Something was changed that counts from the next start." in page


async def test_the_support_bundle_has_no_secret_no_shopper_and_no_claim_code(
    admin: Browser, box: Box, view: PretendView, store: Store
) -> None:
    view.come(["s-secret-7"])
    recent(None, "warning", {"event": "this box has no owner yet", "code": "7KQ2-MX4P"})
    recent(None, "error", {"event": "a duty failed", "exc_info": ValueError("s-secret-7"), "because": "KeyError at line 1"})
    box.steps = [Step("password", True)]
    await send(admin, "/shop/settings/broker", BROKER)
    await admin.go("/shop/support")
    answer = await admin.send(form=1)
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as file:
        parts = {Path(name).name: file.read(name).decode() for name in file.namelist()}
    assert set(parts) == {"settings.json", "health.json", "log.json", "versions.json"}
    assert "a duty failed" in parts["log.json"]
    assert '"fastapi"' in parts["versions.json"]
    assert not [name for name, part in parts.items() for secret in ("7KQ2", "s-secret", "geheim") if secret in part]
    with store.read() as connection:
        assert audit.page(connection)[0].deed == "took_support_bundle"


async def test_a_backup_is_made_proven_listed_and_given(admin: Browser, box: Box, store: Store) -> None:
    page = (await admin.go("/shop/backup")).text
    assert "Made, and restored as a test: etalage-" in (await admin.send(form=1)).text
    assert "No backup yet" in page
    (name,) = [path.name for path in (box.folder / "backups").glob("*.backup.gz")]
    assert name in (await admin.go("/shop/backup")).text
    assert (await admin.go(f"/shop/backup/{name}")).content == (box.folder / "backups" / name).read_bytes()
    for other in ("keys", "..%2Fetalage.db", "etalage.keys"):
        assert (await admin.go(f"/shop/backup/{other}")).status_code == 404
    with store.read() as connection:
        assert [row.deed for row in audit.page(connection)] == ["took_backup", "made_backup"]


def test_a_setting_that_is_not_the_dashboard_s_stops_the_start(box: Box) -> None:
    (box.folder / box_settings.FILE).write_text('[storage]\npath = "/elsewhere.db"\n')
    with pytest.raises(Exception, match=r"storage\.path isn't for this file"):
        box.load()


def test_what_is_written_is_read_as_it_was(tmp_path: Path) -> None:
    odd = 'Café "De \\ Oude" \x7f\u2028🥐'
    tree: box_settings.Tree = {"shop": {"name": odd, "hours": {"mon": ["09:00", "18:00"]}}, "mqtt": {"allow_plain": True}}
    box_settings.write(tmp_path / "settings.toml", tree)
    assert box_settings.read(tmp_path / "settings.toml") == tree
