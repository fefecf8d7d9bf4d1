"""Keep a decision as an entry of the log, small enough to keep, whole enough to decide again."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.storage import Connection, decisions
from gateway.storage.decisions import DecisionRecord, OutcomeRecord
from rules import Decision, Gate, Situation, decision_record, inputs_hash, situation_of, situation_record
from rules.workbench.replay import LoggedDecision


def worth_logging(decision: Decision) -> bool:
    """True when at least one offer's moment had come: every move is decided, and logging the rest would drown these."""
    return any(verdict.gate is not Gate.MOMENT for verdict in decision.verdicts)


def entry(
    decision_id: str, decision: Decision, situation: Situation, promises: dict[str, str], refused: dict[str, str]
) -> DecisionRecord:
    """Return a decision as it is logged: `promises` it became by offer, and by offer why one was refused."""
    record = decision_record(decision)
    outcome = OutcomeRecord(
        chosen=record["chosen"], ghosts=record["ghosts"], stopped=record["stopped"], promises=promises, refused=refused
    )
    return DecisionRecord(
        id=decision_id,
        at_s=situation.at_s,
        shopper=situation.shopper,
        event=situation.event,
        zone=situation.zone,
        visit=situation.visit,
        book=record["book"],
        inputs_hash=inputs_hash(situation),
        inputs=situation_record(situation),
        test_group=record["group"],
        outcome=outcome,
    )


def logged_since(connection: Connection, from_s: float) -> Iterator[LoggedDecision]:
    """The logged decisions from a moment on, oldest first, to be decided again with a draft.

    A fact that no live rule read at the time was not known, so it is unknown to the draft too.
    """
    for row in decisions.since(connection, from_s):
        offers = tuple(one["offer"] for one in (*row.outcome["chosen"], *row.outcome["ghosts"]))
        yield LoggedDecision(situation_of(row.inputs), offers)
