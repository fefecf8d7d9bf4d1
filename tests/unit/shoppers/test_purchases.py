"""Purchases without a promise: what is kept of them, what they count for, and what a return takes back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.messages import Event, Outcome, Purchase, PurchaseReturned
from gateway.settings import Settings
from gateway.shoppers.people import People
from gateway.shoppers.purchases import Bought
from gateway.storage import Store, journey, purchases, retention, subject
from gateway.storage.purchases import PurchaseRecord
from rules import load_data
from tests.support.books import document, offer
from tests.support.recall import shopper_now

NOON_S = 1_763_719_200.0
DAY_S = 86_400.0

Send = Callable[[Event[Any]], Outcome]
Make = Callable[..., Event[Any]]


@pytest.fixture
def told() -> list[Bought]:
    return []


@pytest.fixture
def take(store: Store, people: People, told: list[Bought]) -> Send:
    """Have a message about a purchase handled as the inbox does."""

    def take(event: Event[Any]) -> Outcome:
        if isinstance(event.data, Purchase):
            outcome = store.writer.transact(lambda tx: people.take_purchase(tx, event, told.append)).result()
        else:
            outcome = store.writer.transact(lambda tx: people.take_return(tx, event)).result()
        return outcome

    return take


def bought(*lines: tuple[str, str, int], version: int = 1, purchase: str = "b-1", shopper: str = "s-1") -> Event[Any]:
    data = {"purchase": purchase, "shopper": shopper, "version": version, "lines": [_line(*line) for line in lines]}
    return _event(Purchase, data)


def returned(*remain: tuple[str, str, int], purchase: str = "b-1") -> Event[Any]:
    return _event(PurchaseReturned, {"purchase": purchase, "lines": [_line(*line) for line in remain]})


def _line(line: str, group: str, cents: int) -> dict[str, Any]:
    return {"line": line, "group": group, "cents": cents}


def _event(message: Any, data: dict[str, Any]) -> Event[Any]:
    envelope = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "till-1",
        "type": message.TYPE,
        "time": datetime.fromtimestamp(NOON_S, UTC),
        "data": data,
    }
    return Event[message].model_validate(envelope)


def kept(store: Store, purchase: str = "b-1") -> PurchaseRecord | None:
    with store.read() as connection:
        return purchases.find(connection, purchase)


def counted(store: Store) -> int:
    with store.read() as connection:
        return journey.counts(connection, "s-1", NOON_S + 60, journey.find(connection, "s-1")).events_90d.get("purchased", 0)


def codes(outcome: Outcome) -> list[str]:
    return [refusal.code for refusal in outcome.refusals]


DRILL, SCREWS = ("1", "drill", 8999), ("2", "screws", 450)


def test_a_purchase_without_an_offer_is_kept_counts_and_is_a_moment(
    send: Send, given: Make, take: Send, store: Store, told: list[Bought]
) -> None:
    send(given())
    assert take(bought(DRILL, SCREWS)).taken
    assert kept(store) == PurchaseRecord("b-1", "s-1", NOON_S, 1, {"1": ("", 8999), "2": ("", 450)}, {"1": 8999, "2": 450})
    assert counted(store) == 1
    assert told == [Bought("s-1", NOON_S, frozenset({"drill", "screws"}), new=True)]


def test_what_was_just_bought_is_a_fact_while_the_shopper_is_here(send: Send, given: Make, take: Send, people: People) -> None:
    send(given())
    shopper_now(people, "s-1", NOON_S)
    take(bought(DRILL))
    now = shopper_now(people, "s-1", NOON_S + 1)
    assert now is not None
    assert now.facts["purchase"] == frozenset({"drill"})


def test_product_groups_are_kept_only_while_a_live_rule_reads_them(
    send: Send, given: Make, take: Send, people: People, store: Store
) -> None:
    help_with = offer("help", at={"event": "purchase"}, if_='"drill" in purchase')
    people.use_books([load_data(document(help_with))]).result()
    send(given())
    take(bought(DRILL))
    record = kept(store)
    assert record is not None
    assert record.lines == {"1": ("drill", 8999)}


@pytest.mark.parametrize("purposes", [["recognise", "offers", "measure"], None])
def test_without_consent_to_purchases_nothing_is_kept(
    send: Send, given: Make, take: Send, store: Store, purposes: list[str] | None
) -> None:
    if purposes:
        send(given(purposes=purposes))
    outcome = take(bought(DRILL))
    assert (outcome.taken, codes(outcome), kept(store)) == (False, ["no_consent"], None)


def test_taking_purchases_back_takes_them_along_and_an_erasure_does(
    send: Send, given: Make, withdrawn: Make, take: Send, store: Store
) -> None:
    send(given(at_s=NOON_S - 60, version=1))
    take(bought(DRILL))
    send(given(at_s=NOON_S - 50, version=2, purposes=["recognise", "offers"]))
    assert (kept(store), counted(store)) == (None, 0)
    send(given(at_s=NOON_S - 40, version=3))
    take(bought(DRILL))
    with store.read() as connection:
        assert [row["purchase"] for row in subject.export_all(connection, "s-1")["purchases"]] == ["b-1"]  # type: ignore[attr-defined]
    send(withdrawn())
    assert kept(store) is None


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_returns_are_cumulative_and_the_lowest_wins_in_any_order(
    send: Send, given: Make, take: Send, store: Store, order: tuple[int, ...]
) -> None:
    send(given())
    take(bought(DRILL, SCREWS))
    said = [returned(DRILL, ("2", "screws", 225)), returned(("1", "drill", 4000), ("2", "screws", 300)), returned(DRILL, SCREWS)]
    for index in (*order, order[0]):
        assert take(said[index]).taken
    record = kept(store)
    assert record is not None
    assert record.remains == {"1": 4000, "2": 225}
    assert counted(store) == 1


def test_a_purchase_that_is_returned_whole_counts_no_more(send: Send, given: Make, take: Send, store: Store) -> None:
    send(given())
    take(bought(DRILL))
    take(returned())
    assert counted(store) == 0


def test_a_purchase_is_known_by_its_id_and_stands_in_its_highest_version(
    send: Send, given: Make, take: Send, store: Store, told: list[Bought]
) -> None:
    send(given())
    for event in (bought(DRILL, version=2), bought(DRILL, SCREWS, version=1), bought(DRILL, version=2)):
        assert take(event).taken
    take(bought(SCREWS, version=3))
    record = kept(store)
    assert record is not None
    assert (record.version, record.remains) == (3, {"2": 450})
    assert counted(store) == 1
    assert [one.new for one in told] == [True, False, False, False]


def test_what_contradicts_itself_is_refused_with_its_reason(send: Send, given: Make, take: Send) -> None:
    send(given())
    send(given(shopper="s-2", minor=2))
    take(bought(DRILL))
    assert codes(take(bought(SCREWS))) == ["known_version"]
    assert codes(take(bought(DRILL, shopper="s-2"))) == ["known_purchase"]
    assert codes(take(bought(DRILL, ("1", "screws", 1), purchase="b-2"))) == ["double_line"]
    assert codes(take(returned(purchase="b-9"))) == ["unknown_purchase"]
    assert codes(take(returned(("9", "drill", 1)))) == ["unknown_line"]


def test_nothing_is_given_back_beyond_what_was_bought(send: Send, given: Make, take: Send, store: Store) -> None:
    send(given())
    take(bought(SCREWS))
    take(returned(("2", "screws", 99_999)))
    record = kept(store)
    assert record is not None
    assert record.remains == {"2": 450}


@pytest.mark.parametrize(
    "line", [("1", "drill", 89.99), ("1", "drill", -1), ("1", "Boormachine!", 1), ("1", "drill", True), ("", "drill", 1)]
)
def test_a_line_that_isnt_one_doesnt_get_past_the_model(line: Any) -> None:
    with pytest.raises(ValidationError):
        bought(line)


def test_a_purchase_of_endless_lines_doesnt_get_past_the_model() -> None:
    with pytest.raises(ValidationError):
        bought(*((str(number), "drill", 1) for number in range(501)))


def test_purchases_go_when_their_period_is_over(send: Send, given: Make, take: Send, store: Store) -> None:
    send(given())
    take(bought(DRILL))
    later_s = NOON_S + (Settings().shoppers.purchases_days + 1) * DAY_S
    store.writer.submit(lambda connection: retention.enforce(connection, Settings(), later_s)).result()
    assert kept(store) is None
