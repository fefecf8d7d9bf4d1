"""A decision as an entry of the log, small enough to keep, whole enough to decide again."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

from rules import Decision, Gate, Happening, Situation


def worth_logging(decision: Decision) -> bool:
    """True when at least one offer's moment had come: every move is decided, and logging the rest would drown these."""
    return any(verdict.gate is not Gate.MOMENT for verdict in decision.verdicts)


def entry(decision_id: str, decision: Decision, situation: Situation, kept: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the decisions table: inputs packed, and of each gate the offers it decided about (wrong moments aside).

    `kept` is what the ledger made of the decision.
    """
    gates: dict[str, list[str]] = {}
    for verdict in decision.verdicts:
        if verdict.gate is not Gate.MOMENT:
            gates.setdefault(verdict.gate.value, []).append(verdict.offer)
    return {
        "id": decision_id,
        "at_s": situation.at_s,
        "shopper": situation.shopper,
        "event": situation.event,
        "zone": situation.zone,
        "visit": situation.visit,
        "book": decision.book_hash,
        "inputs_hash": decision.inputs_hash,
        "inputs": pack(situation),
        "test_group": decision.group.value,
        "outcome": {
            "chosen": {chosen.offer: chosen.propensity for chosen in decision.chosen},
            "ghosts": {ghost.offer: ghost.propensity for ghost in decision.ghosts},
            "gates": gates,
            **kept,
        },
    }


def pack(situation: Situation) -> bytes:
    """A situation in a few hundred bytes; `unpack` gives an equal one back."""
    tree = {
        "shopper": situation.shopper,
        "at_s": situation.at_s,
        "event": situation.event,
        "zone": situation.zone,
        "dwell_s": situation.dwell_s,
        "visit": situation.visit,
        "purposes": sorted(situation.purposes),
        "language": situation.language,
        "facts": {name: {"set": sorted(fact)} if isinstance(fact, frozenset) else fact for name, fact in situation.facts.items()},
        "fact_times": dict(situation.fact_times),
        "history": [list(happening) for happening in situation.history],
        "attention": situation.attention,
        "exhausted": sorted(situation.exhausted),
    }
    return zlib.compress(json.dumps(tree, separators=(",", ":"), ensure_ascii=False).encode(), level=1)


def unpack(packed: bytes) -> Situation:
    """The situation that `pack` packed."""
    tree: Mapping[str, Any] = json.loads(zlib.decompress(packed))
    facts = {name: frozenset(fact["set"]) if isinstance(fact, dict) else fact for name, fact in tree["facts"].items()}
    sets = {name: frozenset(tree[name]) for name in ("purposes", "exhausted")}
    history = tuple(Happening(*happening) for happening in tree["history"])
    return Situation(**{**tree, **sets, "facts": facts, "history": history})
