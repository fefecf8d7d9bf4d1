"""What was decided, decided again with a draft: who would have got what instead."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from rules import Book, Happening, Situation, decide, decision_record, inputs_hash, situation_of, situation_record
from rules.workbench.replay import LoggedDecision, replay_decisions

Make = Callable[..., dict[str, Any]]
Load = Callable[..., Book]
Situate = Callable[..., Situation]


def logged(book: Book, situation: Situation) -> LoggedDecision:
    decision = decide(book, situation)
    return LoggedDecision(situation, tuple(one.offer for one in (*decision.chosen, *decision.ghosts)))


def test_a_situation_survives_its_record(situation: Situate) -> None:
    now = situation(
        facts={"path": frozenset({"b", "a"}), "visits": 3, "open": True, "goal_directed": 0.25, "stage": "fan"},
        fact_times={"visits": 1.5},
        history=(Happening("a", "shown", 5.0, "v"),),
        exhausted=frozenset({"x"}),
        zone=None,
    )
    again = situation_of(json.loads(json.dumps(situation_record(now))))
    assert again == now
    assert inputs_hash(again) == inputs_hash(now)


def test_a_decision_record_is_compact_and_names_every_gate_that_stopped_somebody(
    book: Load, offer: Make, situation: Situate
) -> None:
    made = book(offer("a", priority=60), offer("b"), offer("elsewhere", at={"event": "exit"}))
    record = decision_record(decide(made, situation()))
    assert record == {
        "book": made.hash,
        "group": "treated",
        "chosen": [{"offer": "a", "kind": "content", "score": 60.0, "propensity": 1.0}],
        "ghosts": [],
        "stopped": {"rank": ["b"]},
    }


def test_the_same_book_replays_without_a_difference(book: Load, offer: Make, situation: Situate) -> None:
    made = book(offer("a"), offer("b"), control_share=0.3)
    report = replay_decisions(made, [logged(made, situation(shopper=f"s-{number}")) for number in range(50)])
    assert (report.decisions, report.changed) == (50, 0)


def test_a_draft_shows_who_would_have_got_what_instead(book: Load, offer: Make, situation: Situate) -> None:
    live = book(offer("a", priority=60), offer("b"))
    draft = book(offer("a", priority=60, if_="visits > 3"), offer("b"))
    report = replay_decisions(
        draft, [logged(live, situation(shopper=f"s-{visits}", facts={"visits": visits})) for visits in range(8)]
    )
    assert (report.changed, report.gained, report.lost, report.kept) == (4, {"b": 4}, {"a": 4}, {"a": 4})
    first = report.differences[0]
    assert (first.shopper, first.before, first.after) == ("s-0", ("a",), ("b",))


def test_a_decision_is_frozen_across_processes_and_python_versions(
    book: Load, voucher: Make, offer: Make, situation: Situate
) -> None:
    made = book(
        voucher("a", caps={"issues": 5}, if_="stage in [fan, regular] and not seen(b, 30d)"),
        offer("b"),
        offer("c"),
        control_share=0.1,
        offers_per_move=2,
    )
    now = situation(facts={"stage": "fan", "goal_directed": 0.1 + 0.2, "path": frozenset({"wine", "bread"})})
    assert inputs_hash(now) == "340b4aad59a15125810a8f3350cd46efc0821e1a60fac628d2df3b09ccaa8fb6"
    assert decision_record(decide(made, now)) == {
        "book": "8f6474a344671efde573d4ef184c94391772454482d3dc59632dc33a3f0632ea",
        "group": "treated",
        "chosen": [
            {"offer": "a", "kind": "voucher", "score": 50.0, "propensity": 0.9},
            {"offer": "b", "kind": "content", "score": 50.0, "propensity": 0.9},
        ],
        "ghosts": [],
        "stopped": {"rank": ["c"]},
    }
