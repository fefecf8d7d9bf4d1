"""The table of operators is all there is: one more row works in a line, a tree, a decision and an explanation."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import rules
from rules.format.fields import FieldType
from rules.format.operators import BY_ORDER, OPERATORS, by_order, counting_signs, signs_for

ONE_MORE = """    Operator("starts_with", _WORDS, False, True, False, place=lambda fact, wanted, _: -(not fact.startswith(wanted))),
"""
USE = """
from rules import Situation, explain, load_data
words = {"nl": {"title": "x"}, "en": {"title": "x"}}
declared = {"postcode": {"type": "text", "label": {"nl": "x", "en": "x"}, "supplier": "backend"}}
conditions = {
    "line": "postcode starts_with '10'",
    "tree": {"field": "postcode", "op": "starts_with", "value": "10"},
    "other": "not postcode starts_with '10'",
}
plain = {"kind": "content", "at": {"event": "enter"}, "content": words}
offers = [{"id": name, "if": condition, **plain} for name, condition in conditions.items()]
book = load_data({"book": "b", "salt": "s", "attributes": declared, "offers": offers})
facts = {"postcode": "1012"}
here = Situation("s", 1.8e9, "enter", None, 0.0, "v", frozenset({"offers"}), "nl", facts, {}, (), 6.0, frozenset())
for one in explain(book, here):
    print(one.offer, one.gate, one.leaves[0].expected_text("en"))
"""


def test_one_more_row_is_all_that_a_new_operator_takes(tmp_path: Path) -> None:
    copy = shutil.copytree(Path(rules.__file__).parent, tmp_path / "rules", ignore=shutil.ignore_patterns("__pycache__"))
    table = copy / "format" / "operators.py"
    written = table.read_text(encoding="utf-8")
    last_row = written.index("OPERATORS: dict") - len(")\n")
    table.write_text(written[:last_row] + ONE_MORE + written[last_row:], encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", USE],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        timeout=60,
    )
    assert done.stdout.splitlines() == [
        "line rank postcode starts_with 10",
        "tree chosen postcode starts_with 10",
        "other condition postcode starts_with 10",
    ]


def test_an_inverse_holds_just_where_its_operator_does_not() -> None:
    for row in OPERATORS.values():
        if row.inverse is not None:
            inverse = OPERATORS[row.inverse]
            assert (inverse.below, inverse.at, inverse.above) == (not row.below, not row.at, not row.above)
            assert (inverse.inverse, inverse.place, inverse.wants, inverse.types) == (row.sign, row.place, row.wants, row.types)


def test_a_mirrored_operator_says_the_same_with_its_sides_exchanged() -> None:
    for row in OPERATORS.values():
        if row.mirrored is not None:
            mirrored = OPERATORS[row.mirrored]
            assert (mirrored.above, mirrored.at, mirrored.below) == (row.below, row.at, row.above)


def test_the_short_way_of_a_row_that_goes_by_order_says_the_same_as_the_row() -> None:
    for row in OPERATORS.values():
        if row.place is by_order:
            short = BY_ORDER[row.below, row.at, row.above]
            assert [short(fact, 3) for fact in (2, 3, 4)] == [row.below, row.at, row.above]


def test_every_type_has_operators_and_counts_are_compared_like_numbers() -> None:
    assert all(signs_for(kind) for kind in FieldType)
    assert counting_signs() == ("==", "!=", "<", "<=", ">", ">=")
