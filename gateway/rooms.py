"""The rooms of one gateway that keep something, built from its settings."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor

from gateway.books.live import LiveBooks
from gateway.books.shop_facts import ShopFacts
from gateway.clock import Clock
from gateway.dashboard.plan_desk import PlanDesk
from gateway.dashboard.view import View
from gateway.offers.ledger import Ledger
from gateway.recall import Recall
from gateway.settings import Settings
from gateway.shoppers.housekeeping import Housekeeping
from gateway.shoppers.identities import Identities
from gateway.shoppers.people import People
from gateway.shoppers.registry import still_consented
from gateway.storage import Reader, prepare_store
from gateway.storage.keys import Keys
from gateway.zones.plan_in_force import plan_folder, plan_in_force
from gateway.zones.tracker import make_tracker
from gateway.zones.visits import Visits
from rules import BookError, load_book

Post = Callable[[Callable[[], None]], None]
"""Runs a call in the event loop's thread, soon and in order."""


class Rooms:
    """Database, shoppers, zones, books and promises.

    `source` names the gateway in events; `forget` empties every memory of a shopper.
    Raises PlanError, CalibrationError, StorageError or KeysError.
    """

    def __init__(self, settings: Settings, clock: Clock, source: str, post: Post, forget: Callable[[str], None]) -> None:
        self.place = plan_in_force(settings)
        self.plan = self.place.plan
        self.tracker = make_tracker(self.plan, self.place.calibration, settings.zones)
        self.visits = Visits(self.plan)
        self.store = prepare_store(settings.storage, post)
        self.reader = Reader(self.store.read)
        self.background = ThreadPoolExecutor(1, thread_name_prefix="background")
        self.identities = Identities(settings.store.store, self.background)
        keys = Keys(settings.storage.keys_path)
        self.people = People(
            self.store,
            self.identities,
            keys,
            clock.now_s,
            trusted=lambda: clock.trust.trusted,
            on_withdrawn=forget,
            source=source,
        )
        self.ledger = Ledger(
            self.store, source, settings.offers, consented=still_consented, follow_redemption=self.people.take_receipt
        )
        self.recall = Recall(self.people, self.ledger, self.reader, post, clock.monotonic_s)
        self.live_books = LiveBooks(self.store, self.plan.zone_ids)
        self.shop_facts = ShopFacts(self.store, self.plan.open_at)
        self.housekeeping = Housekeeping(self.store, self.reader, keys, self.people, settings, self.background, clock)

    def start(self) -> None:
        """Set the database's two threads to work."""
        self.store.writer.start()
        self.reader.start()

    def plan_desk(self, settings: Settings, view: View, now_s: Callable[[], float], renew: Callable[[], None]) -> PlanDesk:
        """Return what the pages that draw the plan work with; `renew` starts the gateway anew with what was put to work."""

        def misfit(zones: Collection[str]) -> str | None:
            try:
                if settings.store.rule_book is not None:
                    load_book(settings.store.rule_book, zones)
                LiveBooks(self.store, zones).refresh()
            except BookError as error:
                return str(error)
            return None

        return PlanDesk(plan_folder(settings), self.place, view, self.store, now_s, misfit, renew)

    def close(self) -> None:
        """Commit what is waiting, and let go of the database."""
        self.reader.close()
        self.store.close()
        self.background.shutdown()
