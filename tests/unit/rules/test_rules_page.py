"""docs/rules.md names everything that a book can say, and its examples work."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from rules import EVENTS, HAPPENINGS, PURPOSES, Gate, load_book
from rules.format.condition_text import FUNCTIONS
from rules.format.document import Document
from rules.format.fields import BUILT_IN
from rules.format.operators import OPERATORS
from rules.format.schema_parts import CalendarWindow, FactType, Kind, MomentEvent
from rules.format.templates import PLACEHOLDERS

PAGE = (Path(__file__).parents[3] / "docs" / "rules.md").read_text(encoding="utf-8")
YAML = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def models(annotation: Any) -> set[type[BaseModel]]:
    """Every model inside an annotation, and inside those."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        inner = {model for field in annotation.model_fields.values() for model in models(field.annotation)}
        return {annotation} | inner
    return {model for argument in get_args(annotation) for model in models(argument)}


def keys() -> set[str]:
    return {field.alias or name for model in models(Document) for name, field in model.model_fields.items()}


def named(word: str) -> bool:
    """True when the page has the word in code: by itself, as a key, or in an example."""
    return re.search(rf"[`{{ (,]{re.escape(word)}[`:}} ,)(]", PAGE) is not None


@pytest.mark.parametrize("key", sorted(keys()))
def test_every_key_of_a_book_is_on_the_page(key: str) -> None:
    assert re.search(rf"`{re.escape(key)}[`:]|[{{ ]{re.escape(key)}: ", PAGE), key


@pytest.mark.parametrize(
    "word",
    sorted(
        {*BUILT_IN, *OPERATORS, *FUNCTIONS, *Gate, *EVENTS, *HAPPENINGS, *PURPOSES}
        | {word for words in (FactType, Kind, MomentEvent, CalendarWindow) for word in get_args(words)}
    ),
)
def test_every_field_operator_function_gate_and_kind_is_on_the_page(word: str) -> None:
    assert named(word), word


@pytest.mark.parametrize("placeholder", PLACEHOLDERS)
def test_every_placeholder_is_on_the_page(placeholder: str) -> None:
    assert f"`{{{placeholder}}}`" in PAGE


def test_the_shortest_book_loads_and_the_error_shown_is_the_real_one(tmp_path: Path) -> None:
    assert load_book(YAML[0]).id == "my-shop"
    wrong = YAML[0].replace("event: dwell", "event: dwel")
    with pytest.raises(ValueError, match="did you mean `dwell`") as caught:
        load_book(wrong)
    shown = next(line.strip() for line in PAGE.splitlines() if line.startswith("    my-shop.yaml:6"))
    assert shown == f"my-shop.yaml:{caught.value}"


def test_the_two_ways_to_write_a_condition_are_the_same() -> None:
    conditions = [text for text in YAML if text.startswith("if:")]
    assert len(conditions) == 2
    offer = YAML[0].replace("id: fresh-bread", "id: wine-tasting")
    indented = ["\n    ".join(["    " + lines[0], *lines[1:]]) for lines in (text.rstrip().splitlines() for text in conditions)]
    one, other = (load_book(f"{offer}{text}\n") for text in indented)
    assert [leaf.path for leaf in one.rules[0].node.parts] == [leaf.path for leaf in other.rules[0].node.parts]  # type: ignore[union-attr]
    assert one.rules[0].node == other.rules[0].node
