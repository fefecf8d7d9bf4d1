"""All pages that let people in, and say who may come in and what they did."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter

from gateway.dashboard.access.sign_in import SignIn
from gateway.dashboard.pages import links, record, sign_in, tokens, users
from gateway.storage import Store


def pages(store: Store, signing_in: SignIn, timezone: str, now_s: Callable[[], float], first_page: str) -> list[APIRouter]:
    """Return every page about accounts, tokens and the record. `first_page`: where a new owner goes on."""
    return [
        sign_in.router(signing_in, first_page),
        sign_in.own_pages(signing_in),
        links.router(signing_in),
        users.router(store, signing_in, timezone),
        users.changes(store, now_s),
        tokens.router(store, now_s),
        record.router(store, timezone),
    ]
