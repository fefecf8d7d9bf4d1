"""Claiming a new box, signing in and out, as somebody at a browser meets it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi import FastAPI

from gateway.dashboard.access.callers import FRESH_S
from gateway.dashboard.access.lockout import FAILURES_MAX, WINDOW_S
from gateway.dashboard.access.sign_in import CLAIM_S, LASTS_S, new_claim_code
from gateway.dashboard.app import create_app
from gateway.dashboard.tls.authority import server_certificate
from gateway.dashboard.view import View
from gateway.settings import DashboardSettings
from gateway.storage import Store, accounts, audit
from gateway.storage.users import Role
from tests.support.browser import Browser
from tests.support.clock import FakeClock

pytestmark = pytest.mark.anyio
PASSWORD = "de kat krabt de krullen"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def app(view: View, store: Store, clock: FakeClock, tmp_path: Path) -> Iterator[FastAPI]:
    certificate = server_certificate(tmp_path / "tls", ["192.168.1.20"], datetime.now(UTC))
    settings = DashboardSettings(hosts=("shop.local",))
    app = create_app(view, settings=settings, store=store, clock=clock, certificate=certificate, tls_port=8443)
    yield app
    app.state.close()


@pytest.fixture
def browser(app: FastAPI) -> Callable[..., Browser]:
    return lambda address="192.168.1.7": Browser(app, address)


MakeBrowser = Callable[..., Browser]


async def claimed(browser: Browser, store: Store, clock: FakeClock) -> Browser:
    """A browser whose person has just taken the box into use."""
    code = new_claim_code(store, clock.now_s())
    await browser.go("/")
    await browser.send({"code": code, "name": "Sanne", "language": "en", "password": PASSWORD})
    return browser


async def test_a_new_box_serves_the_claim_page_and_nothing_else(browser: MakeBrowser) -> None:
    stranger = browser()
    for path in ("/", "/shop", "/shop/users", "/sign-in"):
        assert "Take this box into use" in (await stranger.go(path)).text, path
    assert (await stranger.go("/api/v1/zones", Accept="application/json")).status_code == 401


async def test_whoever_has_the_code_becomes_the_owner_and_is_in(browser: MakeBrowser, store: Store, clock: FakeClock) -> None:
    sanne = await claimed(browser(), store, clock)
    assert sanne.page is not None
    assert sanne.page.url.path == "/"
    assert "Sanne" in sanne.page.text
    assert (await sanne.go("/shop/users")).status_code == 200
    with store.read() as connection:
        assert [(row.who, row.deed) for row in audit.page(connection)] == [("Sanne", "signed_in"), ("Sanne", "claimed")]


@pytest.mark.parametrize("typed", [str.lower, lambda code: code.replace("-", ""), lambda code: f" {code.replace('-', ' ')} "])
async def test_a_code_is_taken_as_people_type_it(
    browser: MakeBrowser, store: Store, clock: FakeClock, typed: Callable[[str], str]
) -> None:
    sanne = browser()
    code = new_claim_code(store, clock.now_s())
    await sanne.go("/claim")
    page = await sanne.send({"code": typed(code), "name": "Sanne", "language": "nl", "password": PASSWORD})
    assert page.url.path == "/"


async def test_a_hundred_guesses_at_the_code_are_stopped_at_the_eighth(
    browser: MakeBrowser, store: Store, clock: FakeClock
) -> None:
    new_claim_code(store, clock.now_s())
    guesser = browser()
    await guesser.go("/claim")
    said = []
    for number in range(100):
        page = await guesser.send({"code": f"{number:08}", "name": "Eve", "language": "en", "password": PASSWORD})
        said.append(re.findall(r'class="fault"[^>]*><span[^>]*>✕</span> ([^<]+)<', page.text)[0])
    assert said[0] == "That code is not right; 7 tries left."
    assert said[FAILURES_MAX - 1 :] == ["Too many wrong tries. Try again in 5 min."] * (101 - FAILURES_MAX)


async def test_a_code_is_good_for_a_day_only(browser: MakeBrowser, store: Store, clock: FakeClock) -> None:
    code = new_claim_code(store, clock.now_s())
    clock.advance(CLAIM_S)
    late = browser()
    await late.go("/claim")
    page = await late.send({"code": code, "name": "Sanne", "language": "en", "password": PASSWORD})
    assert "That code is not right" in page.text


async def test_of_two_who_claim_at_once_one_is_told_what_happened(browser: MakeBrowser, store: Store, clock: FakeClock) -> None:
    code = new_claim_code(store, clock.now_s())
    first, second = browser(), browser("192.168.1.8")
    for one in (first, second):
        await one.go("/claim")
    values = {"code": code, "language": "en", "password": PASSWORD}
    assert (await first.send(values | {"name": "Sanne"})).url.path == "/"
    page = await second.send(values | {"name": "Eve"})
    assert "etalage users reset" in page.text
    assert page.status_code == 422


async def test_name_and_password_open_the_page_that_was_asked_for(browser: MakeBrowser, store: Store, clock: FakeClock) -> None:
    await claimed(browser(), store, clock)
    other = browser("192.168.1.8")
    assert (await other.go("/shop/users?x=1")).url.path == "/sign-in"
    page = await other.send({"name": "sanne", "password": PASSWORD})
    assert (page.status_code, page.url.raw_path.decode()) == (200, "/shop/users?x=1")


@pytest.mark.parametrize("wanted", ["//evil.example/", "https://evil.example/", "/\\evil.example", "evil", "/\n/evil.example"])
async def test_signing_in_never_leads_to_another_site(browser: MakeBrowser, store: Store, clock: FakeClock, wanted: str) -> None:
    await claimed(browser(), store, clock)
    other = browser("192.168.1.8")
    await other.go(f"/sign-in?next={wanted}")
    page = await other.send({"name": "Sanne", "password": PASSWORD})
    assert str(page.url) == "https://192.168.1.20:8443/"


@pytest.mark.parametrize("name", ["Sanne", "nobody"])
async def test_a_wrong_password_and_a_wrong_name_are_told_alike(
    browser: MakeBrowser, store: Store, clock: FakeClock, name: str
) -> None:
    await claimed(browser(), store, clock)
    other = browser("192.168.1.8")
    await other.go("/sign-in")
    page = await other.send({"name": name, "password": "wrong password"})
    assert page.status_code == 422
    assert "Name or password is not right." in page.text
    assert 'value="wrong password"' not in page.text


async def test_eight_wrong_passwords_lock_the_address_and_not_the_person(
    browser: MakeBrowser, store: Store, clock: FakeClock
) -> None:
    await claimed(browser(), store, clock)
    guesser, sanne = browser("192.168.1.8"), browser("192.168.1.9")
    for one in (guesser, sanne):
        await one.go("/sign-in")
    for _ in range(FAILURES_MAX):
        await guesser.send({"name": "Sanne", "password": "wrong password"})
    assert "Too many wrong tries" in (await guesser.send({"name": "Sanne", "password": PASSWORD})).text
    assert (await sanne.send({"name": "Sanne", "password": PASSWORD})).url.path == "/"
    clock.advance(WINDOW_S)
    assert (await guesser.send({"name": "Sanne", "password": PASSWORD})).url.path == "/"


async def test_a_session_that_was_known_before_signing_in_is_worth_nothing_after(
    browser: MakeBrowser, store: Store, clock: FakeClock
) -> None:
    await claimed(browser(), store, clock)
    victim, attacker = browser("192.168.1.8"), browser("192.168.1.9")
    await attacker.go("/sign-in")
    victim.cookies.update(attacker.cookies)  # the attacker planted their own session
    await victim.go("/sign-in")
    assert (await victim.send({"name": "Sanne", "password": PASSWORD})).url.path == "/"
    assert (await attacker.go("/shop/users")).url.path == "/sign-in"


@pytest.mark.parametrize(
    ("cookie", "origin"),
    [
        ("same", "https://evil.example"),
        ("same", "null"),
        ("same", "http://192.168.1.20:8443"),
        ("other", "https://192.168.1.20:8443"),
    ],
)
async def test_a_form_of_another_site_changes_nothing(
    browser: MakeBrowser, store: Store, clock: FakeClock, cookie: str, origin: str
) -> None:
    sanne = await claimed(browser(), store, clock)
    await sanne.go("/shop/users/new")
    if cookie == "other":  # a token taken from a page of the attacker's own session
        attacker = browser("192.168.1.9")
        await attacker.go("/sign-in")
        assert attacker.page is not None
        stolen = re.findall(r'name="csrf" value="(\w+)"', attacker.page.text)[0]
        page = await sanne.send({"name": "Eve", "role": "owner", "language": "en", "csrf": stolen}, form=1, Origin=origin)
    else:
        page = await sanne.send({"name": "Eve", "role": "owner", "language": "en"}, form=1, Origin=origin)
    assert page.status_code == 403
    with store.read() as connection:
        assert accounts.find(connection, "Eve") is None


async def test_a_session_lasts_as_long_as_it_is_used(browser: MakeBrowser, store: Store, clock: FakeClock) -> None:
    sanne = await claimed(browser(), store, clock)
    for _ in range(4):
        clock.advance(LASTS_S[Role.OWNER] - 60)
        assert (await sanne.go("/shop")).url.path == "/shop"
        store.writer.submit(lambda connection: None).result(30)  # its use is noted by now
    clock.advance(LASTS_S[Role.OWNER])
    assert (await sanne.go("/shop")).url.path == "/sign-in"


async def test_signing_out_ends_the_session_for_good(browser: MakeBrowser, store: Store, clock: FakeClock) -> None:
    sanne = await claimed(browser(), store, clock)
    kept = dict(sanne.cookies)
    await sanne.go("/shop")
    assert (await sanne.send()).url.path == "/sign-in"
    sanne.cookies.update(kept)
    assert (await sanne.go("/shop")).url.path == "/sign-in"


async def test_users_are_changed_only_with_a_password_given_just_now(browser: MakeBrowser, store: Store, clock: FakeClock) -> None:
    sanne = await claimed(browser(), store, clock)
    assert (await sanne.go("/shop/users/new")).status_code == 200
    clock.advance(FRESH_S)
    page = await sanne.go("/shop/users/new")
    assert page.url.path == "/confirm"
    assert "That password is not right." in (await sanne.send({"password": "wrong password"}, form=1)).text
    page = await sanne.send({"password": PASSWORD}, form=1)
    assert page.url.path == "/shop/users/new"


async def test_an_invited_person_chooses_their_own_password_once(browser: MakeBrowser, store: Store, clock: FakeClock) -> None:
    sanne = await claimed(browser(), store, clock)
    await sanne.go("/shop/users/new")
    page = await sanne.send({"name": "Joost", "role": "marketeer", "language": "nl"}, form=1)
    link = re.findall(r"https://192\.168\.1\.20:8443(/welcome/[\w-]+)", page.text)[0]
    joost, late = browser("192.168.1.8"), browser("192.168.1.9")
    assert "Joost" in (await joost.go(link)).text
    assert "at least 10" in (await joost.send({"password": "short"})).text
    page = await joost.send({"password": "een eigen wachtwoord"})
    assert page.url.path == "/"
    assert page.headers["content-language"] == "nl"
    assert (await late.go(link)).status_code == 410
    assert (await joost.go("/shop/users")).status_code == 403


async def test_a_new_password_signs_every_other_browser_out(browser: MakeBrowser, store: Store, clock: FakeClock) -> None:
    sanne = await claimed(browser(), store, clock)
    tablet = browser("192.168.1.8")
    await tablet.go("/sign-in")
    await tablet.send({"name": "Sanne", "password": PASSWORD})
    await sanne.go("/account")
    page = await sanne.send({"old": PASSWORD, "new": "een heel ander woord"}, form=1)
    assert "other browsers are signed out" in page.text
    assert (await tablet.go("/shop")).url.path == "/sign-in"
    assert (await sanne.go("/shop")).url.path == "/shop"


async def test_the_last_owner_stays(browser: MakeBrowser, store: Store, clock: FakeClock) -> None:
    sanne = await claimed(browser(), store, clock)
    await sanne.go("/shop/users/Sanne/remove")
    page = await sanne.send({}, form=1)
    assert page.status_code == 422
    assert "There must be an owner" in page.text


async def test_plain_http_from_the_network_explains_and_takes_no_password(app: FastAPI, store: Store, clock: FakeClock) -> None:
    new_claim_code(store, clock.now_s())
    plain = Browser(app, "192.168.1.7", "http://192.168.1.20:8080")
    for path in ("/", "/claim", "/sign-in"):
        page = await plain.go(path)
        assert page.url.path == "/trust", path
        assert 'href="https://192.168.1.20:8443/"' in page.text
        assert "password" not in page.text
    assert (await plain.go("/trust/etalage.crt")).headers["content-type"] == "application/x-x509-ca-cert"
    answer = await plain.go("/api/v1/zones", Accept="application/json")
    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:etalage:problem:tls_needed"


async def test_cookies_are_kept_from_scripts_and_other_sites(browser: MakeBrowser, store: Store, clock: FakeClock) -> None:
    new_claim_code(store, clock.now_s())
    page = await browser().go("/claim")
    cookie = page.headers["set-cookie"]
    assert all(mark in cookie for mark in ("HttpOnly", "Secure", "SameSite=lax"))
