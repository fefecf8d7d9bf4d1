"""A store on disk, people in it, and events as the backend sends them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.messages import Event, OptInGiven, OptInWithdrawn, Outcome, Profile, Receipt
from gateway.settings import StorageSettings
from gateway.shoppers.identities import Identities
from gateway.shoppers.people import People
from gateway.storage import Store, open_store, promises
from gateway.storage.keys import Keys
from gateway.storage.promises import PromiseRecord
from rules import load_book
from rules.engine.book import Book

NOON_S = 1_763_719_200.0
UUID = "e2c56db5dffb48d2b060d0f5a71096e0"
EVERYTHING = ["recognise", "offers", "purchases", "aftercare", "measure"]

BOOK = """
book: tests
salt: tests
attention: {capacity: 6, refill_per_day: 3, dismissal_cost: 2, engagement_refill: 1}
attributes:
  segment: {type: choice, values: [family, single], label: {nl: Segment, en: Segment}, supplier: backend}
  basket: {type: set, values: [wine, cheese], label: {nl: Mandje, en: Basket}, purpose: purchases, supplier: backend}
  diet: {type: choice, values: [vegan, any], label: {nl: Dieet, en: Diet}, supplier: shopper}
  shoe_size: {type: number, label: {nl: Schoenmaat, en: Shoe size}, supplier: backend}
offers:
  - id: wine-tasting
    kind: content
    at: {event: enter, zone: wine}
    if: segment == "family" and "wine" in basket
    content: {nl: {title: Proef}, en: {title: Taste}}
  - id: vegan-week
    kind: content
    at: {event: enter, zone: vegetables}
    if: diet == "vegan"
    content: {nl: {title: Week}, en: {title: Week}}
  - id: ask-diet
    kind: question
    at: {event: enter, zone: vegetables}
    question: {attribute: diet, valid_for: 30d, answers: {vegan: {nl: Ja, en: Yes}, any: {nl: Nee, en: No}}}
    content: {nl: {title: Eet u vegan?}, en: {title: Are you vegan?}}
"""


@pytest.fixture
def clock() -> list[float]:
    """The moment it is, in a list so that a test can move it."""
    return [NOON_S]


@pytest.fixture
def store(storage: StorageSettings) -> Iterator[Store]:
    opened = open_store(storage)
    yield opened
    opened.close()


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "etalage.keys")


@pytest.fixture
def identities() -> Identities:
    made = Identities("demo")
    made.load([], NOON_S)
    return made


@pytest.fixture
def book(tmp_path: Path) -> Book:
    path = tmp_path / "book.yaml"
    path.write_text(BOOK, encoding="utf-8")
    return load_book(path, frozenset({"wine", "vegetables"}))


@pytest.fixture
def people(store: Store, identities: Identities, keys: Keys, clock: list[float], book: Book) -> People:
    made = People(store, identities, keys, lambda: clock[0])
    made.use_books([book]).result()
    return made


@pytest.fixture
def settled(store: Store) -> Callable[[], None]:
    """Wait until all that was handed to the writer is on disk."""
    return lambda: store.writer.submit(lambda _connection: None).result()


@pytest.fixture
def send(store: Store, people: People) -> Callable[[Event[Any]], Outcome]:
    """Have an event handled as the inbox does: in one transaction, with what follows from it."""
    handlers: dict[type, Callable[..., Outcome]] = {
        OptInGiven: people.take_optin,
        OptInWithdrawn: people.take_withdrawal,
        Profile: people.take_profile,
        Receipt: people.take_receipt,
    }

    def handle(event: Event[Any]) -> Outcome:
        outcome = store.writer.transact(lambda tx: handlers[type(event.data)](tx, event)).result()
        return outcome

    return handle


def _time(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)


@pytest.fixture
def given() -> Callable[..., Event[OptInGiven]]:
    """An opt-in; `identity` and the rest as keywords."""

    def make(shopper: str = "s-1", at_s: float = NOON_S - 60, minor: int = 1, **changes: Any) -> Event[OptInGiven]:
        data = {
            "shopper": shopper,
            "version": 1,
            "purposes": EVERYTHING,
            "identity": {"beacon": {"uuid": UUID, "major": 1, "minor": minor}},
            "consent": {"text": "2026-03", "channel": "app"},
        }
        return Event[OptInGiven].model_validate(
            {
                "specversion": "1.0",
                "id": f"given-{at_s}",
                "source": "backend",
                "type": OptInGiven.TYPE,
                "time": _time(at_s),
                "data": data | changes,
            }
        )

    return make


@pytest.fixture
def withdrawn() -> Callable[..., Event[OptInWithdrawn]]:
    def make(shopper: str = "s-1", at_s: float = NOON_S) -> Event[OptInWithdrawn]:
        return Event[OptInWithdrawn].model_validate(
            {
                "specversion": "1.0",
                "id": f"withdrawn-{at_s}",
                "source": "backend",
                "type": OptInWithdrawn.TYPE,
                "time": _time(at_s),
                "data": {"shopper": shopper, "version": 9},
            }
        )

    return make


@pytest.fixture
def profile() -> Callable[..., Event[Profile]]:
    def make(version: int = 1, shopper: str = "s-1", affinities: Any = None, **attributes: Any) -> Event[Profile]:
        data = {"shopper": shopper, "version": version, "attributes": attributes, "affinities": affinities or {}}
        return Event[Profile].model_validate(
            {
                "specversion": "1.0",
                "id": f"profile-{version}",
                "source": "backend",
                "type": Profile.TYPE,
                "time": _time(NOON_S),
                "data": data,
            }
        )

    return make


@pytest.fixture
def receipt() -> Callable[..., Event[Receipt]]:
    def make(what: str, promise: str = "p-1", at_s: float = NOON_S + 10, id: str | None = None, **more: Any) -> Event[Receipt]:
        return Event[Receipt].model_validate(
            {
                "specversion": "1.0",
                "id": id or f"{what}-{at_s}",
                "source": "backend",
                "type": Receipt.TYPE,
                "time": _time(at_s),
                "data": {"promise": promise, "what": what} | more,
            }
        )

    return make


@pytest.fixture
def promised(store: Store) -> Callable[..., None]:
    """Write a promise down, as the ledger would."""

    def make(promise: str = "p-1", shopper: str = "s-1", offer: str = "wine-tasting") -> None:
        row: dict[str, Any] = {
            "id": promise,
            "shopper": shopper,
            "visit": "v-1",
            "zone": "wine",
            "decision": "d-1",
            "book": "hash",
            "offer": offer,
            "kind": "content",
            "language": "nl",
            "content": {"title": "Proef"},
            "value": None,
            "code": None,
            "terms": None,
            "code_key": None,
            "shared": 0,
            "reward": None,
            "at_s": NOON_S,
            "expires_at_s": NOON_S + 3600,
            "ends_at_s": NOON_S + 3600,
            "takings": [],
            "spent_cents": 0,
            "state": "announced",
            "state_at_s": NOON_S,
        }
        store.writer.submit(lambda connection: promises.add(connection, PromiseRecord(**row))).result()

    return make
