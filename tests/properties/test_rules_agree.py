"""Over random books and facts: deciding and explaining agree, unknown makes nobody eligible, the process changes nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rules import Book, Gate, Happening, Situation, decide, decision_record, explain, load_data, situation_record
from rules.texts import Language

NOW = 1_795_256_000.0
OFFERS = ("a", "b", "c", "d", "e")
ZONES = ("wine", "bread")
PURPOSES = ("recognise", "offers", "purchases", "aftercare", "measure")
LABEL = {"nl": "x", "en": "x"}
ATTRIBUTES = {
    "diet": {"type": "choice", "values": ["vegan", "all"], "label": LABEL, "supplier": "shopper"},
    "bought": {"type": "set", "label": LABEL, "purpose": "purchases", "fresh_for": "2d", "supplier": "backend"},
    "likes": {"type": "flag", "label": LABEL, "supplier": "backend"},
}


def compared(field: str, operators: list[str], values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Comparisons of one field."""
    return st.builds(lambda op, value: {"field": field, "op": op, "value": value}, st.sampled_from(operators), values)


def counted(what: str, offer: str, within: str | None, op: str, value: int) -> dict[str, Any]:
    return {"count": what, "offer": offer, "within": within, "op": op, "value": value}


comparisons = st.one_of(
    compared("visits", ["<", "<=", ">", ">=", "==", "!="], st.integers(0, 4)),
    compared("stage", ["in", "not in"], st.lists(st.sampled_from(["new", "fan"]), min_size=1, max_size=2)),
    compared("diet", ["==", "!="], st.sampled_from(["vegan", "all"])),
    compared("bought", ["has", "lacks"], st.sampled_from(["wine", "bread"])),
    compared("likes", ["=="], st.booleans()),
    compared("time", ["<", ">="], st.sampled_from(["09:00", "17:30"])),
    st.builds(
        counted,
        st.sampled_from(["seen", "redeemed", "dismissed"]),
        st.sampled_from([*OFFERS, "any"]),
        st.sampled_from(["1d", "30d", None]),
        st.sampled_from([">=", "<", "=="]),
        st.integers(0, 2),
    ),
    st.sampled_from(["likes", "not likes", "visits > 1 and stage == fan", "seen(a, 2d) or wine in bought"]),
)
conditions = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=8,
)
moments = st.sampled_from(
    [{"event": "enter"}, {"event": "enter", "zone": "wine"}, {"event": "dwell", "for": "10s"}, {"event": "returns", "zone": "wine"}]
)


@st.composite
def offers(draw: st.DrawFn, name: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": name,
        "kind": "content",
        "at": draw(moments),
        "tier": draw(st.integers(4, 6)),
        "priority": draw(st.integers(10, 30)),
        "purpose": draw(st.sampled_from(["offers", "aftercare"])),
        "attention": draw(st.integers(0, 2)),
        "content": {"nl": {"title": draw(st.sampled_from(["x", "{stage}"]))}, "en": {"title": "x"}},
        "if": draw(st.none() | conditions),
        "group": draw(st.none() | st.sampled_from(["g", "h"])),
        "category": draw(st.none() | st.just("c")),
        "cooldown": draw(st.sampled_from([{}, {"shown": "1d"}, {"dismissed": "30d"}])),
        "limits": draw(st.sampled_from([[], [{"at_most": 1, "within": "3d"}], [{"at_most": 1, "every": "day"}]])),
    }
    if draw(st.booleans()):
        part = {"worth": {"amount": 1}, "codes": {"generated": 8}}
        made |= {"kind": "voucher", "voucher": part, "caps": {"issues": 10}}
        made |= {"fallback": made["content"]} if draw(st.booleans()) else {}
    if draw(st.booleans()):
        made["test"] = {"id": f"t-{name}", "share": 0.5}
    later = OFFERS[OFFERS.index(name) + 1 :]
    made["yields_to"] = draw(st.lists(st.sampled_from(later), max_size=1)) if later else []
    return made


@st.composite
def books(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "book": "random",
        "salt": "salt",
        "control_share": draw(st.sampled_from([0.0, 0.5])),
        "offers_per_move": draw(st.integers(1, 3)),
        "silence": draw(st.sampled_from([0, 15])),
        "hours": draw(st.none() | st.just(dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat"), "08:00-20:00"))),
        "groups": {"g": {"at_most": 1}, "h": {"at_most": 1, "per": "visit"}},
        "categories": {"c": {"label": LABEL, "limits": [{"at_most": 2, "within": "7d"}]}},
        "attributes": ATTRIBUTES,
        "limits": draw(st.sampled_from([[], [{"at_most": 2, "per": "visit"}]])),
        "offers": [draw(offers(name)) for name in OFFERS],
    }


facts = st.fixed_dictionaries(
    {},
    optional={
        "visits": st.integers(0, 4) | st.just("many"),
        "stage": st.sampled_from(["new", "fan", "nonsense"]),
        "diet": st.sampled_from(["vegan", "all"]),
        "bought": st.frozensets(st.sampled_from(["wine", "bread"])),
        "likes": st.booleans(),
        "entries": st.integers(1, 3),
        "open": st.booleans(),
        "affinity.a": st.floats(0, 3) | st.just(float("nan")),
        "affinity.b": st.floats(-1, 3),
    },
)
happenings = st.builds(
    lambda offer, what, age, visit: Happening(offer, what, NOW - age, visit),
    st.sampled_from([*OFFERS, "gone"]),
    st.sampled_from(["announced", "shown", "dismissed", "redeemed"]),
    st.floats(0, 40 * 86_400.0),
    st.sampled_from(["v-1", "old"]),
)


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    known = draw(facts)
    return Situation(
        shopper=draw(st.sampled_from([f"s-{number}" for number in range(8)])),
        at_s=NOW + draw(st.integers(0, 7 * 86_400)),
        event=draw(st.sampled_from(["enter", "dwell"])),
        zone=draw(st.none() | st.sampled_from(ZONES)),
        dwell_s=draw(st.sampled_from([0.0, 10.0])),
        visit="v-1",
        purposes=draw(st.frozensets(st.sampled_from(PURPOSES))),
        language=draw(st.sampled_from(["nl", "en"])),
        facts=known,
        fact_times=dict.fromkeys(known, NOW - draw(st.sampled_from([0.0, 4 * 86_400.0]))),
        history=tuple(draw(st.lists(happenings, max_size=6))),
        attention=draw(st.sampled_from([0.0, 1.0, 5.0])),
        exhausted=draw(st.frozensets(st.sampled_from(OFFERS), max_size=2)),
    )


@settings(max_examples=120, deadline=None)
@given(books(), situations())
def test_decide_and_explain_always_agree(data: dict[str, Any], situation: Situation) -> None:
    book = load_data(data)
    decision = decide(book, situation)
    explanations = explain(book, situation)
    assert [(one.offer, one.gate) for one in explanations] == [tuple(verdict) for verdict in decision.verdicts]
    for one in explanations:
        if one.gate is Gate.CONDITION:
            assert one.condition is False
        elif one.gate is Gate.UNKNOWN:
            assert one.condition is None
        elif one.gate not in EARLIER:
            assert one.condition is True
        if one.gate in (Gate.CONDITION, Gate.UNKNOWN):
            decisive = next(
                leaf
                for leaf in one.leaves
                if leaf.path == one.reason.path and leaf.actual_text(Language.EN) == one.reason.actual[Language.EN]
            )
            assert (decisive.truth is None) == (one.gate is Gate.UNKNOWN)
        assert one.text(Language.NL)
        assert one.text(Language.EN)


EARLIER = (Gate.MOMENT, Gate.VALIDITY, Gate.HOURS, Gate.QUIET, Gate.CONSENT, Gate.ANSWERED)


@settings(max_examples=60, deadline=None)
@given(books(), situations())
def test_what_is_made_keeps_within_every_bound(data: dict[str, Any], situation: Situation) -> None:
    book = load_data(data)
    decision = decide(book, situation)
    made = (*decision.chosen, *decision.ghosts)
    gates = dict(decision.verdicts)
    assert len(made) <= book.document.offers_per_move
    assert sum(one.attention for one in made) <= situation.attention
    assert {one.offer for one in made} == {offer for offer, gate in gates.items() if gate in (Gate.CHOSEN, Gate.GHOST)}
    assert len({book.rules[OFFERS.index(one.offer)].offer.tier for one in made}) <= 1
    for one in made:
        offer = book.rules[OFFERS.index(one.offer)].offer
        assert offer.purpose in situation.purposes
        assert (one.voucher is None) == (one.kind != "voucher")
        assert not (one.voucher and one.offer in situation.exhausted)
        assert one.expires_at > situation.at_s
        assert 0 < one.propensity <= 1


@settings(max_examples=60, deadline=None)
@given(books(), situations(), st.data())
def test_taking_a_fact_away_never_makes_a_condition_true_or_false(
    data: dict[str, Any], situation: Situation, choice: st.DataObject
) -> None:
    book = load_data(data)
    before = {one.offer: one.condition for one in explain(book, situation)}
    kept = {name: value for name, value in situation.facts.items() if choice.draw(st.booleans())}
    for one in explain(book, replace(situation, facts=kept)):
        assert one.condition in (before[one.offer], None), one


SCRIPT = """
import json, sys
from rules import decide, decision_record, load_data, situation_of
for line in sys.stdin:
    book, situation = json.loads(line)
    print(json.dumps(decision_record(decide(load_data(book), situation_of(situation))), sort_keys=True))
"""


def other_process(seed: str, lines: list[str]) -> list[str]:
    """The decisions of another Python with another hash seed, one line each."""
    environment = os.environ | {"PYTHONHASHSEED": seed}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        check=True,
    )
    return done.stdout.splitlines()


def test_the_same_input_gives_the_same_decision_in_every_process() -> None:
    lines: list[str] = []
    expected: list[str] = []

    @settings(max_examples=60, deadline=None, database=None, derandomize=True)
    @given(books(), situations())
    def collect(data: dict[str, Any], situation: Situation) -> None:
        book: Book = load_data(data)
        expected.append(json.dumps(decision_record(decide(book, situation)), sort_keys=True))
        lines.append(json.dumps([data, situation_record(situation)]))

    collect()
    assert len(lines) >= 50
    for seed in ("0", "1", "4242"):
        assert other_process(seed, lines) == expected
