"""Situations and decisions as plain data: what is logged, hashed and replayed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from rules.decision import Chosen, Decision, Gate
from rules.situation import Happening, Situation, Value


def situation_record(situation: Situation) -> dict[str, object]:
    """A situation as JSON holds it; sets become sorted lists, so the same situation always gives the same text."""
    return {
        "shopper": situation.shopper,
        "at_s": situation.at_s,
        "event": situation.event,
        "zone": situation.zone,
        "dwell_s": situation.dwell_s,
        "visit": situation.visit,
        "purposes": sorted(situation.purposes),
        "language": situation.language,
        "facts": {name: _plain(value) for name, value in situation.facts.items()},
        "fact_times": dict(situation.fact_times),
        "history": list(situation.history),
        "attention": situation.attention,
        "exhausted": sorted(situation.exhausted),
    }


def situation_of(record: Mapping[str, Any]) -> Situation:
    """The situation of a record. Raises KeyError, TypeError or ValueError where the record is no such thing."""
    return Situation(
        shopper=str(record["shopper"]),
        at_s=float(record["at_s"]),
        event=str(record["event"]),
        zone=record["zone"],
        dwell_s=float(record["dwell_s"]),
        visit=str(record["visit"]),
        purposes=frozenset(record["purposes"]),
        language=str(record["language"]),
        facts={name: frozenset(value) if isinstance(value, list) else value for name, value in record["facts"].items()},
        fact_times=dict(record["fact_times"]),
        history=tuple(Happening(*entry) for entry in record["history"]),
        attention=float(record["attention"]),
        exhausted=frozenset(record["exhausted"]),
    )


def inputs_hash(situation: Situation) -> str:
    """SHA-256 over everything that the decision was given."""
    return hashlib.sha256(json.dumps(situation_record(situation), sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def decision_record(decision: Decision) -> dict[str, Any]:
    """A decision compactly: what was chosen with its propensity, and each gate with the offers it stopped (moments aside)."""
    stopped: dict[str, list[str]] = {}
    for offer, gate in decision.verdicts:
        if gate not in (Gate.MOMENT, Gate.CHOSEN, Gate.GHOST):
            stopped.setdefault(gate.value, []).append(offer)
    return {
        "book": decision.book_hash,
        "group": decision.group.value,
        "chosen": [_summary(chosen) for chosen in decision.chosen],
        "ghosts": [_summary(chosen) for chosen in decision.ghosts],
        "stopped": stopped,
    }


def _summary(chosen: Chosen) -> dict[str, object]:
    return {"offer": chosen.offer, "kind": chosen.kind, "score": chosen.score, "propensity": chosen.propensity}


def _plain(value: Value) -> object:
    return sorted(value) if isinstance(value, frozenset) else value
