"""Codes as people type them, share them, and give them back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.messages import Event, Receipt
from gateway.offers.ledger import Ledger
from gateway.settings import StorageSettings
from gateway.storage import Store, open_store, promises
from rules import Book, BookError, Situation, decide
from tests.support.books import NOON_S, book, offer, situation, voucher

INVITATION = {
    "to": "share",
    "friend": {"percent": 10},
    "reward": {"amount": 5},
    "codes": {"generated": 8},
    "valid_for": "30d",
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(StorageSettings(path=tmp_path / "etalage.db"))
    yield opened
    opened.close()


@pytest.fixture
def ledger(store: Store) -> Ledger:
    return Ledger(store, "etalage/c/s/gw-1")


def promise(ledger: Ledger, of: Book, where: Situation) -> tuple[str, str]:
    """Promise what a book decides; return the promise's id and its code."""
    made = ledger.promise(decide(of, where), where).result(20).made[0]
    assert made.code is not None
    return made.promise, made.code


def reward_codes(store: Store) -> list[str]:
    """The codes of the rewards that were given."""
    with store.read() as connection:
        return [row.code for row in promises.page(connection, limit=1000) if row.code and row.offer.endswith("reward")]


@pytest.mark.parametrize(
    ("written", "typed"),
    [("Welkom10", "welkom10"), ("Welkom10", "WELKOM10"), ("welkom10", "WELKOM10"), (" ZOMER ", "ZOMER")],
)
def test_a_single_code_is_redeemed_however_it_is_typed_or_refused_when_the_book_is_checked(
    written: str, typed: str, ledger: Ledger
) -> None:
    try:
        single = book(voucher(codes={"single": written}))
    except BookError:
        return
    promise(ledger, single, situation())
    assert ledger.redeem(typed, "till", NOON_S + 60, "k").answer == "valid"


def test_who_holds_a_promise_of_a_shared_code_is_not_turned_away_because_another_used_it_twice(ledger: Ledger) -> None:
    shared = book(voucher(codes={"single": "ZOMER"}, caps={"redemptions": 2}))
    for shopper in "AB":
        promise(ledger, shared, situation(shopper=shopper))
    for number in range(2):
        ledger.redeem("ZOMER", "till", NOON_S + 60 + number, f"a{number}")
    assert ledger.redeem("ZOMER", "till", NOON_S + 90, "b").answer == "valid"


SPELLINGS: dict[str, Callable[[str], str]] = {
    "without its hyphen, and with the scanner's line feed": lambda code: code.replace("-", "") + "\n",
    "an en dash": lambda code: code.replace("-", "\u2013"),
    "a no-break space": lambda code: code.replace("-", "\u00a0"),
    "a zero-width space": lambda code: code + "\u200b",
    "a byte order mark": lambda code: "\ufeff" + code,
    "full width": lambda code: "".join(chr(ord(sign) + 0xFEE0) if sign != "-" else sign for sign in code),
    "a dot": lambda code: code.replace("-", "."),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_code_that_was_pasted_or_scanned_is_the_code(spelling: str, ledger: Ledger) -> None:
    _, code = promise(ledger, book(voucher()), situation())
    assert ledger.redeem(SPELLINGS[spelling](code), "till", NOON_S + 60, "k").answer == "valid"


def test_nobody_earns_a_reward_by_redeeming_and_giving_back(ledger: Ledger, store: Store) -> None:
    _, code = promise(ledger, book(offer("i", "invitation", invitation=INVITATION)), situation())
    ledger.redeem(code, "till", NOON_S + 60, "k1")
    ledger.reverse(code, "till", NOON_S + 120, "k2")
    assert all(ledger.redeem(reward, "till", NOON_S + 200, "k3").answer != "valid" for reward in reward_codes(store))


def test_a_review_does_not_pay_the_reward_of_a_share(ledger: Ledger, store: Store) -> None:
    made, _ = promise(ledger, book(offer("i", "invitation", invitation=INVITATION)), situation())
    event = Event[Receipt](
        specversion="1.0",
        id="r-1",
        source="backend",
        type=Receipt.TYPE,
        time=datetime.fromtimestamp(NOON_S + 50, UTC),
        data=Receipt(promise=made, what="reviewed"),
    )
    store.writer.transact(lambda tx: ledger.take_receipt(tx, event)).result(20)
    assert reward_codes(store) == []
