"""A decision as an entry of the log, small enough to keep, whole enough to decide again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.storage import Connection, decisions
from rules import Decision, Gate, Situation, decision_record, inputs_hash, situation_of, situation_record
from rules.workbench.replay import LoggedDecision


def worth_logging(decision: Decision) -> bool:
    """True when at least one offer's moment had come: every move is decided, and logging the rest would drown these."""
    return any(verdict.gate is not Gate.MOMENT for verdict in decision.verdicts)


def entry(decision_id: str, decision: Decision, situation: Situation, kept: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the decisions table. `kept` is what the ledger made of the decision."""
    record = decision_record(decision)
    return {
        "id": decision_id,
        "at_s": situation.at_s,
        "shopper": situation.shopper,
        "event": situation.event,
        "zone": situation.zone,
        "visit": situation.visit,
        "book": record.pop("book"),
        "inputs_hash": inputs_hash(situation),
        "inputs": situation_record(situation),
        "test_group": record.pop("group"),
        "outcome": {**record, **kept},
    }


def logged_since(connection: Connection, from_s: float) -> Iterator[LoggedDecision]:
    """The logged decisions from a moment on, oldest first, to be decided again with a draft.

    A fact that no live rule read at the time was not known, so it is unknown to the draft too.
    """
    for row in decisions.since(connection, from_s):
        offers = tuple(str(one["offer"]) for one in (*row.outcome["chosen"], *row.outcome["ghosts"]))
        yield LoggedDecision(situation_of(row.inputs), offers)
