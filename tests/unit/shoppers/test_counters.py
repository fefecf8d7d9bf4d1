"""A shopper's own caps outlive a switch in the app, and what has a worth an erasure too: neither may pay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.messages import Event, Outcome
from gateway.model import Promised
from gateway.offers.ledger import Ledger
from gateway.settings import Settings
from gateway.shoppers.people import People
from gateway.shoppers.registry import still_consented
from gateway.storage import Store, caps, retention, sending, subject
from gateway.storage.keys import Keys
from rules import decide
from tests.support.books import book as book_of
from tests.support.books import offer, situation, voucher
from tests.support.recall import shopper_now

NOON_S = 1_763_719_200.0
DAY_S = 86_400.0
ALL = ["recognise", "offers", "purchases", "aftercare", "measure"]
WITHOUT_OFFERS = ["recognise", "purchases", "aftercare", "measure"]

Send = Callable[[Event[Any]], Outcome]
Make = Callable[..., Event[Any]]
Offer = Callable[[], Promised]


@pytest.fixture
def once(store: Store) -> Offer:
    """Offer s-1 a voucher and a card, each at most once a shopper, at noon of ever new days; what is made is sent."""
    ledger = Ledger(store, "etalage/chain/demo/gw-1", consented=still_consented)
    limited = book_of(voucher("deal", caps={"per_shopper": 1}), offer("hello", caps={"per_shopper": 1}), offers_per_move=2)
    days = iter(range(100))

    def once() -> Promised:
        at_s = NOON_S + next(days) * DAY_S
        where = situation(at_s)
        promised = ledger.promise(decide(limited, where), where).result()
        sent = [made.promise for made in promised.made]
        store.writer.submit(lambda connection: sending.claim(connection, sent, at_s)).result()
        return promised

    return once


def offers(promised: Promised) -> list[str]:
    return sorted(made.offer for made in promised.made)


def test_switching_offers_off_and_on_gives_no_second_voucher(send: Send, given: Make, once: Offer) -> None:
    send(given(at_s=NOON_S - 60, version=1, purposes=ALL))
    assert offers(once()) == ["deal", "hello"]
    send(given(at_s=NOON_S - 50, version=2, purposes=WITHOUT_OFFERS))
    send(given(at_s=NOON_S - 40, version=3, purposes=ALL))
    assert offers(once()) == []


def test_an_erasure_keeps_without_a_name_what_was_used_of_a_cap_on_worth(
    send: Send, given: Make, withdrawn: Make, once: Offer, store: Store, keys: Keys
) -> None:
    send(given(at_s=NOON_S - 60))
    once()
    send(withdrawn(at_s=NOON_S - 30))
    with store.read() as connection:
        rows = connection.execute(caps.kept_uses.select()).all()
        assert subject.export_all(connection, "s-1")["counters"] == []
    assert [(row.digest, row.key, row.used) for row in rows] == [(keys.digest("s-1"), "offer/deal/issues/shopper", 1)]
    send(given(at_s=NOON_S - 20, version=10))
    assert offers(once()) == ["hello"]
    with store.read() as connection:
        assert connection.execute(caps.kept_uses.select()).all() == []


def test_what_is_kept_of_the_erased_goes_with_the_hash_that_stands_for_them(
    send: Send, given: Make, withdrawn: Make, once: Offer, store: Store, clock: list[float]
) -> None:
    send(given(at_s=NOON_S - 60))
    once()
    send(withdrawn(at_s=NOON_S - 30))
    later_s = clock[0] + (Settings().shoppers.erasure_digests_days + 1) * DAY_S
    store.writer.submit(lambda connection: retention.enforce(connection, Settings(), later_s)).result()
    with store.read() as connection:
        assert connection.execute(caps.kept_uses.select()).all() == []


def test_who_left_the_measurement_is_in_no_test_group_when_they_come_back(send: Send, given: Make, people: People) -> None:
    send(given(at_s=NOON_S - 60, version=1, purposes=ALL))
    before = shopper_now(people, "s-1", NOON_S)
    send(given(at_s=NOON_S - 50, version=2, purposes=["recognise", "offers"]))
    send(given(at_s=NOON_S - 40, version=3, purposes=ALL))
    after = shopper_now(people, "s-1", NOON_S)
    assert before is not None
    assert after is not None
    assert before.purposes - after.purposes == {"measure"}
    assert "offers" in after.purposes
