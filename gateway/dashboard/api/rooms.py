"""All rooms' calls together, for the app to hand to `create_app`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from fastapi import APIRouter

from gateway.books.shop_facts import ShopFacts
from gateway.dashboard.api import books, consents, decisions, privacy, promises, quarantine, redemptions, shop, trials
from gateway.offers.ledger import Ledger
from gateway.settings import Settings
from gateway.shoppers.people import People
from gateway.storage import Store
from rules import Book


def calls(
    store: Store,
    settings: Settings,
    zones: Collection[str],
    people: People,
    ledger: Ledger,
    shop_facts: ShopFacts,
    live_books: Callable[[], Sequence[Book]],
    clock: Callable[[], float],
) -> list[APIRouter]:
    """Every room's calls but the dashboard's own; `zones` are the store plan's."""
    return [
        books.router(store, zones, clock),
        consents.router(people, store, settings, clock),
        decisions.router(store),
        privacy.router(store, settings, live_books, clock),
        promises.router(store, ledger, clock),
        quarantine.router(store),
        redemptions.router(ledger, store, clock),
        shop.router(shop_facts, live_books, clock),
        trials.router(store, zones, clock),
    ]
