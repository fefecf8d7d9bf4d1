"""A ledger on a fresh database, and decisions to hand it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gateway.offers.ledger import Ledger
from gateway.settings import StorageSettings
from gateway.storage import Store, open_store
from rules import Cap, CapKind, Chosen, CodeKind, Codes, Content, Decision, Gate, Group, PlannedVoucher, Situation, Verdict, Worth

NOON_S = 1_763_722_800.0


@pytest.fixture
def now_s() -> float:
    """2025-11-21 12:00 in Amsterdam."""
    return NOON_S


@pytest.fixture
def store(storage: StorageSettings) -> Iterator[Store]:
    """A fresh database."""
    opened = open_store(storage)
    yield opened
    opened.close()


@pytest.fixture
def ledger(store: Store) -> Ledger:
    """A ledger on it."""
    return Ledger(store, "etalage/demo-chain/demo/gw-1")


@pytest.fixture
def chosen() -> Callable[..., Chosen]:
    """A voucher of 10 % with a generated code, worth two hours; any field may be given."""

    def build(offer: str = "wine-tasting", *, issues: int | None = None, **fields: Any) -> Chosen:
        at_s = fields.pop("at_s", NOON_S)
        given = {
            "kind": "voucher",
            "category": "wine",
            "zone": "wine",
            "language": "nl",
            "content": Content("Proef de nieuwe Rioja", "Vandaag 10 % op alle rode wijn."),
            "expires_at": at_s + 7200,
            "attention": 1.0,
            "score": 50.0,
            "propensity": 0.9,
            "voucher": PlannedVoucher(Worth(percent=10), Codes(CodeKind.GENERATED), 250, at_s + 8 * 3600),
            "caps": () if issues is None else (Cap(f"offer/{offer}/issues", CapKind.ISSUES, issues),),
        }
        return Chosen(offer=offer, **{**given, **fields})

    return build


@pytest.fixture
def decided() -> Callable[..., Decision]:
    """A decision for what was chosen and what stayed a ghost."""

    def build(*chosen: Chosen, ghosts: tuple[Chosen, ...] = ()) -> Decision:
        verdicts = [Verdict(one.offer, Gate.CHOSEN) for one in chosen] + [Verdict(one.offer, Gate.GHOST) for one in ghosts]
        verdicts += [Verdict("cheese", Gate.CONDITION), Verdict("bread", Gate.MOMENT)]
        group = Group.CONTROL if ghosts else Group.TREATED
        return Decision(chosen, ghosts, tuple(verdicts), "b" * 64, group)

    return build


@pytest.fixture
def situation() -> Callable[..., Situation]:
    """A shopper who just walked into the wine zone."""

    def build(shopper: str = "s-1", at_s: float = NOON_S, **fields: Any) -> Situation:
        given = {
            "event": "enter",
            "zone": "wine",
            "dwell_s": 0.0,
            "visit": f"visit-of-{shopper}",
            "purposes": frozenset({"recognise", "offers"}),
            "language": "nl",
            "facts": {"stage": "fan", "path": frozenset({"bread", "wine"}), "visits_90d": 4},
            "fact_times": {"stage": at_s - 60},
            "history": (),
            "attention": 4.0,
            "exhausted": frozenset(),
        }
        return Situation(shopper=shopper, at_s=at_s, **{**given, **fields})

    return build
