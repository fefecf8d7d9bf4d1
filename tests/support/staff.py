"""Somebody of the staff at a browser, signed in without having to type."""

from __future__ import annotations

from fastapi import FastAPI

from gateway.dashboard.access.csrf import SESSION_COOKIE
from gateway.dashboard.access.passwords import hashed
from gateway.storage import Connection, Store, accounts
from gateway.storage.users import Role
from tests.support.browser import Browser

PASSWORD = "de kat krabt de krullen"


def signed_in(app: FastAPI, store: Store, role: Role, now_s: float) -> Browser:
    """Return a browser in which somebody of a role has just signed in; there is an owner too."""
    secret = f"the session of a {role.value}"

    def let_in(connection: Connection) -> None:
        if not accounts.any_owner(connection):
            accounts.add(connection, "Sanne", Role.OWNER, "en", hashed(PASSWORD), now_s)
        if role is not Role.OWNER:
            accounts.add(connection, role.value, role, "en", hashed(PASSWORD), now_s)
        accounts.open_session(connection, secret, "Sanne" if role is Role.OWNER else role.value, now_s)

    store.writer.submit(let_in).result()
    browser = Browser(app)
    browser.cookies.set(SESSION_COOKIE, secret, domain="192.168.1.20")
    return browser
