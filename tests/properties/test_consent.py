"""The consent state machine under duplication and reordering: pure, and as it is kept in the tables."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import reduce
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.settings import StorageSettings
from gateway.shoppers.consent import Consent, ConsentDecision, consent_of, merge
from gateway.shoppers.identities import Static
from gateway.shoppers.registry import ConsentRegistry, stored
from gateway.storage import Connection, Store, consents, identities, open_store
from gateway.storage.keys import Keys
from rules import PURPOSES

TAG = Static(bytes(20))

decisions = st.builds(
    ConsentDecision,
    decided_at_s=st.integers(1, 6).map(float),
    version=st.integers(1, 3),
    purposes=st.frozensets(st.sampled_from(PURPOSES)),
    language=st.sampled_from(["nl", "en"]),
    text=st.sampled_from(["2025-01", "2026-03"]),
    channel=st.sampled_from(["app", "desk"]),
    ahead=st.just(False),  # with a time that can be believed; the others: tests/unit/shoppers/test_order.py
)
histories = st.lists(decisions, min_size=1, max_size=8)


def standing(history: list[ConsentDecision]) -> Consent:
    return reduce(merge, map(consent_of, history))


def told(consent: Consent) -> tuple[ConsentDecision, dict[str, str]]:
    return consent.latest, {purpose: consent.state(purpose) for purpose in PURPOSES}


def shaken(history: list[ConsentDecision], seed: int) -> list[ConsentDecision]:
    """The same decisions with repetitions, in another order."""
    rng = random.Random(seed)
    again = history + [rng.choice(history) for _ in range(rng.randrange(4))]
    rng.shuffle(again)
    return again


@given(histories, st.integers(0, 2**16))
def test_repeated_and_reordered_decisions_settle_to_the_same(history: list[ConsentDecision], seed: int) -> None:
    assert told(standing(history)) == told(standing(shaken(history, seed)))


@given(decisions, decisions, decisions)
def test_merging_is_associative_commutative_and_idempotent(
    one: ConsentDecision, two: ConsentDecision, three: ConsentDecision
) -> None:
    a, b, c = map(consent_of, (one, two, three))
    assert merge(merge(a, b), c) == merge(a, merge(b, c))
    assert merge(a, b) == merge(b, a)
    assert merge(a, a) == a


@given(histories)
def test_nothing_is_given_that_the_latest_decision_doesnt_give(history: list[ConsentDecision]) -> None:
    latest = max(decision.decided_at_s for decision in history)
    last_words = [decision for decision in history if decision.decided_at_s == latest]
    given_now = {purpose for purpose, state in told(standing(history))[1].items() if state == "given"}
    assert any(given_now == decision.purposes for decision in last_words)
    if any(decision.withdraws for decision in last_words):
        assert not given_now


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = open_store(StorageSettings(path=tmp_path_factory.mktemp("consent") / "etalage.db"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> ConsentRegistry:
    keys = Keys(Path(tmp_path_factory.mktemp("consent")) / "etalage.keys")
    return ConsentRegistry(keys.digest, lambda purposes: frozenset())


def kept(store: Store, registry: ConsentRegistry, history: list[ConsentDecision], look: Callable[[Connection], object]) -> object:
    """What `look` finds after the history was heard, in a transaction that is then taken back."""
    with store.engine.connect() as connection:
        for decision in history:
            if decision.withdraws:
                registry.withdraw(connection, "s-1", decision, 100.0)
            else:
                registry.record(connection, "s-1", decision, TAG, 100.0)
        found = look(connection)
        connection.rollback()
    return found


def _consent(connection: Connection) -> object:
    row = consents.find(connection, "s-1")
    return told(stored(row)) if row is not None else None


def _recognised(connection: Connection) -> object:
    return len(list(identities.all_rows(connection)))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(history=histories, seed=st.integers(0, 2**16))
def test_the_tables_hold_what_the_model_says_in_any_order(
    store: Store, registry: ConsentRegistry, history: list[ConsentDecision], seed: int
) -> None:
    model = standing(history)
    expected = None if model.latest.withdraws else told(model)
    assert kept(store, registry, shaken(history, seed), _consent) == expected


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(history=histories, seed=st.integers(0, 2**16))
def test_an_identity_is_kept_exactly_while_recognise_stands(
    store: Store, registry: ConsentRegistry, history: list[ConsentDecision], seed: int
) -> None:
    model = standing(history)
    expected = int("recognise" in model.latest.purposes)
    assert kept(store, registry, shaken(history, seed), _recognised) == expected
