"""Whose word is the last: decisions from clocks that are fast, slow or wrong, in whatever order they come."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway.incoming import Incoming
from gateway.messages import Event, Outcome, Profile
from gateway.offers.ledger import Ledger
from gateway.shoppers.identities import Identities
from gateway.shoppers.people import People
from gateway.storage import Store, consents, promises
from gateway.storage.keys import Keys

NOON_S = 1_763_719_200.0
DAY_S = 86_400.0
BEACON = bytes.fromhex("e2c56db5dffb48d2b060d0f5a71096e000010001")

Send = Callable[[Event[Any]], Outcome]
Make = Callable[..., Event[Any]]


def codes(outcome: Outcome) -> list[str]:
    return [refusal.code for refusal in outcome.refusals]


@pytest.mark.parametrize("ahead_s", [0.5, 599, 601, DAY_S, 10 * 365 * DAY_S])
def test_a_withdrawal_is_never_refused_for_its_time(
    send: Send, given: Make, withdrawn: Make, identities: Identities, ahead_s: float
) -> None:
    send(given())
    outcome = send(withdrawn(at_s=NOON_S + ahead_s))
    assert (outcome.taken, outcome.refusals, identities.resolve(BEACON)) == (True, (), None)


def test_a_withdrawal_from_far_ahead_doesnt_keep_a_later_yes_away(
    send: Send, given: Make, withdrawn: Make, identities: Identities, clock: list[float]
) -> None:
    send(withdrawn(at_s=NOON_S + 10 * 365 * DAY_S))
    clock[0] += 60
    send(given(at_s=NOON_S + 60, version=10))
    assert identities.resolve(BEACON) == "s-1"


def test_a_yes_from_a_phone_that_is_four_minutes_fast_doesnt_beat_the_no_that_follows(
    send: Send, given: Make, withdrawn: Make, identities: Identities, clock: list[float]
) -> None:
    send(given(at_s=NOON_S + 240))
    assert identities.resolve(BEACON) == "s-1"
    clock[0] += 10
    send(withdrawn(at_s=NOON_S + 9))
    assert identities.resolve(BEACON) is None


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_of_decisions_from_a_fast_clock_the_version_decides_in_whatever_order_they_come(
    send: Send, given: Make, withdrawn: Make, identities: Identities, clock: list[float], order: tuple[int, ...]
) -> None:
    said = [given(at_s=NOON_S + 300, version=7), given(at_s=NOON_S + 200, version=8), withdrawn(at_s=NOON_S + 100)]
    for index in order:
        send(said[index])
        clock[0] += 1
    assert identities.resolve(BEACON) is None
    send(given(at_s=NOON_S + 50, version=10))
    assert identities.resolve(BEACON) == "s-1"


def test_a_yes_that_is_heard_again_after_the_no_brings_nobody_back(
    send: Send, given: Make, withdrawn: Make, identities: Identities, clock: list[float]
) -> None:
    send(given(at_s=NOON_S + 240))
    send(withdrawn(at_s=NOON_S))
    clock[0] += 60
    send(given(at_s=NOON_S + 240))
    assert identities.resolve(BEACON) is None


def test_while_time_isnt_trusted_nothing_is_refused_for_it(store: Store, identities: Identities, keys: Keys, given: Make) -> None:
    people = People(store, identities, keys, lambda: NOON_S, trusted=lambda: False)
    outcome = store.writer.transact(lambda tx: people.take_optin(tx, given(at_s=NOON_S + 10 * DAY_S))).result()
    with store.read() as connection:
        standing = consents.find(connection, "s-1")
    assert outcome.taken
    assert standing is not None
    assert standing.decided_at_s == NOON_S


@pytest.mark.parametrize(("told", "spoken", "noted"), [("fr", "nl", ["unknown_language"]), ("en-GB", "en", []), ("NL", "nl", [])])
def test_an_unknown_language_refuses_no_opt_in(
    send: Send, given: Make, store: Store, told: str, spoken: str, noted: list[str]
) -> None:
    outcome = send(given(language=told))
    with store.read() as connection:
        standing = consents.find(connection, "s-1")
    assert (outcome.taken, codes(outcome)) == (True, noted)
    assert standing is not None
    assert standing.language == spoken


# ---- other messages --------------------------------------------------------------------------------------------------------


@pytest.fixture
def handle(store: Store, people: People, clock: list[float]) -> Send:
    """The handlers of the whole gateway, as the inbox calls them."""
    elsewhere = cast(Any, SimpleNamespace(beacons=(), received=lambda *told: None, purchased=lambda *told: None))
    ledger = Ledger(store, "etalage/chain/demo/gw-1")
    handlers = Incoming(elsewhere, people, ledger, elsewhere, elsewhere, elsewhere, lambda: clock[0]).handlers()

    def handle(event: Event[Any]) -> Outcome:
        return store.writer.transact(lambda tx: handlers[event.type](tx, event)).result()

    return handle


def test_a_receipt_from_far_ahead_is_refused_and_one_a_little_ahead_happens_now(
    handle: Send, send: Send, given: Make, promised: Callable[..., None], receipt: Make, store: Store
) -> None:
    send(given())
    promised()
    far = handle(receipt("dismissed", at_s=NOON_S + 10 * 365 * DAY_S))
    near = handle(receipt("tapped", at_s=NOON_S + 500))
    with store.read() as connection:
        happened = [(row[1], row[2]) for row in promises.history(connection, "s-1", 0.0)]
    assert (far.taken, codes(far), near.taken) == (False, ["from_the_future"], True)
    assert ("tapped", NOON_S) in happened
    assert "dismissed" not in dict(happened)


def test_a_profile_from_far_ahead_is_refused(handle: Send, send: Send, given: Make, profile: Make) -> None:
    send(given())
    late: Event[Profile] = profile(segment="family")
    outcome = handle(late.model_copy(update={"time": late.time.replace(year=2036)}))
    assert codes(outcome) == ["from_the_future"]


def test_a_withdrawal_reaches_people_whatever_its_time(handle: Send, send: Send, given: Make, withdrawn: Make) -> None:
    send(given())
    assert handle(withdrawn(at_s=NOON_S + 10 * 365 * DAY_S)).taken
