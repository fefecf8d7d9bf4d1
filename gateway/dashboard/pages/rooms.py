"""All pages over the gateway's rooms, for the app to hand to `create_app`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fastapi import APIRouter

from gateway.books.shop_facts import ShopFacts
from gateway.dashboard.backups import Backups
from gateway.dashboard.kept_settings import KeptSettings
from gateway.dashboard.pages import backup, broker, broker_form, facts, privacy, settings, setup, support, why
from gateway.dashboard.view import View
from gateway.storage import Store
from rules import Book


def pages(
    view: View,
    store: Store,
    kept: KeptSettings,
    shop_facts: ShopFacts,
    live_books: Callable[[], Sequence[Book]],
    now_s: Callable[[], float],
    try_broker: broker_form.TryBroker,
    start_anew: Callable[[], None],
) -> list[APIRouter]:
    """Return every page that needs more than the dashboard's own view."""
    timezone = view.plan.timezone
    return [
        broker.router(view, store, now_s),
        facts.router(shop_facts, live_books, now_s, timezone),
        privacy.router(store, kept.running, live_books, now_s),
        why.router(view.plan, store),
        support.router(view, store, kept, now_s),
        backup.router(Backups(store, kept.running, now_s), store, now_s, timezone),
        setup.router(view, store, kept),
        settings.router(view, store, kept, now_s, start_anew),
        broker_form.router(kept, try_broker, settings.keeper(store, kept, now_s)),
    ]
