"""What somebody types, on a card, a command line or a page, is understood the same way everywhere."""

from __future__ import annotations

from typing import Any

import pytest

from rules.format.fields import Field, FieldType
from rules.format.literals import answer_fact, typed_fact
from rules.texts import in_all

LABEL = in_all("x")


@pytest.mark.parametrize(
    ("kind", "text", "meant"),
    [
        ("flag", "ja", True),
        ("flag", "Yes", True),
        ("flag", " NEE ", False),
        ("flag", "misschien", "misschien"),
        ("number", "12", 12),
        ("number", "2,5", 2.5),
        ("number", "-2.5", -2.5),
        ("number", "1.000,5", "1.000,5"),
        ("number", "1e9", "1e9"),
        ("number", "nan", "nan"),
        ("number", "1_000", "1_000"),
        ("set", "fish, wine", ["fish", "wine"]),
        ("date", "2026-12-05", "2026-12-05"),
        ("text", "12", "12"),
    ],
)
def test_a_typed_word_is_a_value_of_its_field(kind: str, text: str, meant: Any) -> None:
    found = typed_fact(Field("told", FieldType(kind), LABEL), text)
    assert found == meant
    assert type(found) is type(meant)


def test_an_answer_that_the_field_cannot_hold_is_none() -> None:
    assert answer_fact(Field("kids", FieldType.FLAG, LABEL), "ja") is True
    assert answer_fact(Field("kids", FieldType.FLAG, LABEL), "misschien") is None
    assert answer_fact(Field("diet", FieldType.SET, LABEL), "a, b") == frozenset({"a, b"})
    assert answer_fact(Field("born", FieldType.DATE, LABEL), "5 december") is None
