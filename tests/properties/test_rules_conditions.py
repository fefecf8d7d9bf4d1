"""Over random conditions: deciding, explaining and a table written by hand say the same of every comparison."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.engine.evaluate import FactsView, compile_test, compile_tests
from rules.format.conditions import Node, Vocabulary, parse
from rules.format.dates import Anniversary
from rules.format.fields import BUILT_IN, Field, FieldType
from rules.format.operators import OPERATORS
from rules.texts import Language
from rules.workbench.explain import evaluate

TODAY = date(2028, 2, 20)
NOW = 1_834_700_000.0
LABEL = dict.fromkeys(Language, "x")
FIELDS = dict(BUILT_IN) | {
    name: Field(name, kind, LABEL, "backend")
    for name, kind in {
        "points": FieldType.NUMBER,
        "likes": FieldType.FLAG,
        "diet": FieldType.TEXT,
        "bought": FieldType.SET,
        "since": FieldType.DATE,
    }.items()
}
WORDS = Vocabulary(FIELDS, frozenset({"a"}))

TRUTHS: dict[str, tuple[bool, bool, bool]] = {
    # below, at, above what is wanted; unknown is always unknown
    "==": (False, True, False),
    "!=": (True, False, True),
    "<": (True, False, False),
    "<=": (True, True, False),
    ">": (False, False, True),
    ">=": (False, True, True),
    "in": (False, True, False),
    "not in": (True, False, True),
    "has": (False, True, False),
    "lacks": (True, False, True),
    "within_next": (False, True, False),
    "within_last": (False, True, False),
    "yearly_within_next": (False, True, False),
}
"""What every operator means, written out once more by hand: the engine's own table has to agree."""

SAMPLES: dict[str, list[tuple[str, Any, Any, Any, Any]]] = {
    # operator: field, wanted, and a fact below, at and above it
    **{sign: [("points", 3, 2, 3, 4), ("points", 2.5, 2, 2.5, 3)] for sign in ("==", "!=", "<", "<=", ">", ">=")},
    "in": [("diet", ["b", "d"], "a", "b", "e"), ("points", [2, 4], 1, 4, 5)],
    "not in": [("diet", ["b", "d"], "a", "d", "e"), ("points", [2, 4], 3, 2, 5)],
    "has": [("bought", "b", frozenset("a"), frozenset("ab"), frozenset())],
    "lacks": [("bought", "b", frozenset("a"), frozenset("ab"), frozenset())],
    "within_next": [
        ("since", "7d", "2028-02-19", "2028-02-20", "2028-02-28"),
        ("since", "1w", "1999-01-01", "2028-02-27", "2029-02-20"),
    ],
    "within_last": [
        ("since", "7d", "2028-02-12", "2028-02-13", "2028-02-21"),
        ("since", "1d", "2027-02-20", "2028-02-20", "2030-01-01"),
    ],
    "yearly_within_next": [
        ("since", "7d", "1980-02-19", "1980-02-27", "1980-02-28"),
        ("since", "9d", "--02-19", "--02-29", "--03-01"),
    ],
}
UNKNOWN_TO = {"since": ("--02-20", {"==", "!=", "<", "<=", ">", ">=", "within_next", "within_last"})}
"""A fact that can't say: an anniversary has no year."""


def view_of(**facts: Any) -> FactsView:
    read = {name: FIELDS[name].read(value) for name, value in facts.items()}
    known = {name: value for name, value in read.items() if value is not None}
    return FactsView(NOW, TODAY.toordinal(), known, (), {"a": ("*",)})


def both(condition: Any, view: FactsView) -> bool | None:
    """The truth by which it is decided; the explanation has to give the same."""
    node: Node = parse(condition, "if", WORDS)
    truth = compile_test(node)(view)
    assert evaluate(node, view).truth is truth
    parts = [test(view) for test in compile_tests(node)]
    assert (False if False in parts else None if None in parts else True) is truth
    return truth


def test_every_operator_is_written_out_here() -> None:
    assert set(TRUTHS) == set(SAMPLES) == set(OPERATORS)


@pytest.mark.parametrize("sign", TRUTHS)
def test_an_operator_holds_below_at_and_above_as_written_and_never_where_nothing_is_known(sign: str) -> None:
    for field, wanted, *facts in SAMPLES[sign]:
        condition = {"field": field, "op": sign, "value": wanted}
        for fact, expected in zip(facts, TRUTHS[sign], strict=True):
            assert both(condition, view_of(**{field: fact})) is expected, (condition, fact)
            assert both({"not": condition}, view_of(**{field: fact})) is not expected, (condition, fact)
        assert both(condition, view_of()) is None
        assert both({"not": condition}, view_of()) is None


def test_no_days_ahead_is_today_alone() -> None:
    for sign in ("within_next", "within_last", "yearly_within_next"):
        condition = {"field": "since", "op": sign, "value": "0d"}
        truths = [both(condition, view_of(since=day)) for day in ("2028-02-19", "2028-02-20", "2028-02-21")]
        assert truths == [False, True, False], sign


@pytest.mark.parametrize("sign", sorted(UNKNOWN_TO["since"][1] & set(TRUTHS)))
def test_an_anniversary_is_unknown_to_whoever_asks_for_a_year(sign: str) -> None:
    fact, _ = UNKNOWN_TO["since"]
    wanted = "7d" if sign.startswith("within") else "2028-02-20"
    assert both({"field": "since", "op": sign, "value": wanted}, view_of(since=fact)) is None


@settings(max_examples=300, deadline=None)
@given(st.dates(date(1900, 1, 1), date(2090, 1, 1)), st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.integers(1, 400))
def test_a_birthday_is_near_when_a_day_of_the_coming_ones_is_its_day(born: date, today: date, days: int) -> None:
    coming = [today + timedelta(days=ahead) for ahead in range(days + 1)]
    leapling = (born.month, born.day) == (2, 29)
    expected = any(
        (day.month, day.day) == (born.month, born.day)
        or (leapling and (day.month, day.day) == (2, 28) and (day + timedelta(days=1)).month == 3)
        for day in coming
    )
    row = OPERATORS["yearly_within_next"]
    assert row.holds(born.toordinal(), days, today.toordinal()) is expected
    assert row.holds(Anniversary.of(born), days, today.toordinal()) is expected


def compared(field: str, values: st.SearchStrategy[Any], listed: bool = False) -> st.SearchStrategy[dict[str, Any]]:
    """Any comparison of one field that its type allows."""
    signs = [sign for sign, row in OPERATORS.items() if FIELDS[field].type in row.types]

    def build(sign: str, value: Any, other: Any, days: int) -> dict[str, Any]:
        wants = OPERATORS[sign].wants.name
        wanted = [value, other] if wants == "LIST" else f"{days}d" if wants == "DAYS" else value
        return {"field": field, "op": sign, "value": wanted}

    return st.builds(build, st.sampled_from(signs), values, values, st.integers(1, 40))


NUMBERS = st.integers(0, 3)
LETTERS = st.sampled_from("abc")
DAYS = st.sampled_from(["2027-02-20", "2028-02-19", "2028-02-20", "2028-02-21", "1980-02-29"])
comparisons = (
    compared("points", NUMBERS)
    | compared("likes", st.booleans())
    | compared("diet", LETTERS)
    | compared("bought", LETTERS)
    | compared("since", DAYS)
)
conditions = st.recursive(
    comparisons,
    lambda inner: (
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3))
        | st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3))
        | st.builds(lambda part: {"not": part}, inner)
    ),
    max_leaves=6,
)
facts = st.fixed_dictionaries(
    {},
    optional={
        "points": NUMBERS,
        "likes": st.booleans(),
        "diet": LETTERS,
        "bought": st.frozensets(LETTERS),
        "since": DAYS | st.just("--02-29"),
    },
)


def by_hand(condition: dict[str, Any], known: dict[str, Any]) -> bool | None:
    """Kleene's three values over the table above, as docs/rules.md says it."""
    if "all" in condition:
        parts = [by_hand(part, known) for part in condition["all"]]
        return False if False in parts else None if None in parts else True
    if "any" in condition:
        parts = [by_hand(part, known) for part in condition["any"]]
        return True if True in parts else None if None in parts else False
    if "not" in condition:
        part = by_hand(condition["not"], known)
        return None if part is None else not part
    field, sign, wanted = condition["field"], condition["op"], condition["value"]
    if field not in known:
        return None
    where = _where(sign, known[field], wanted)
    return None if where is None else TRUTHS[sign][where + 1]


def _where(sign: str, fact: Any, wanted: Any) -> int | None:
    if sign in ("in", "not in"):
        return 0 if fact in wanted else 1
    if sign in ("has", "lacks"):
        return 0 if wanted in fact else 1
    if sign.endswith(("within_next", "within_last")):
        return _near(sign, fact, int(wanted[:-1]))
    if isinstance(fact, str) and fact.startswith("--"):
        return None
    return int(fact > wanted) - int(fact < wanted)  # ISO dates order as text


def _near(sign: str, fact: str, days: int) -> int | None:
    if sign == "yearly_within_next":
        coming = [TODAY + timedelta(days=ahead) for ahead in range(days + 1)]
        return 0 if fact[-5:] in {day.isoformat()[-5:] for day in coming} else 1  # 2028 has a 29 February
    if fact.startswith("--"):
        return None
    ahead = (date.fromisoformat(fact) - TODAY).days * (1 if sign == "within_next" else -1)
    return 0 if 0 <= ahead <= days else 1


@settings(max_examples=400, deadline=None)
@given(conditions, facts)
def test_decision_explanation_and_the_table_by_hand_agree_on_any_condition(
    condition: dict[str, Any], known: dict[str, Any]
) -> None:
    assert both(condition, view_of(**known)) is by_hand(condition, known)
