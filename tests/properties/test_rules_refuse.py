"""Whatever is handed in as a book is either a book or refused with places: nothing else comes out, and nothing hangs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

import rules
from rules import BookError, load_book, load_data
from rules.format.conditions import Vocabulary, parse
from rules.format.fields import BUILT_IN
from rules.texts import Language

LINES = (Path(rules.__file__).parent / "books" / "fashion.yaml").read_text(encoding="utf-8").splitlines()
SNIPPETS = (
    "- ", "{", "}", "[", "]", ": ", "&a ", "*a", "!!python/name:os.system ", "|", "if: ", "null", "1e999", "\t", "'", '"',
    "- id: x", "\ud800", "    if: not", "zone: {}", "offers: 3", "𝔘", "\x85", "{percent}", "30d", "-1", "for: 0s", "..",
    "2026-02-30",
)  # fmt: skip
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.sampled_from(SNIPPETS),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["id", "if", "at", "all", "not", "field", "nl"]), inner)
    ),
    max_leaves=12,
)
KEYS = (
    "book",
    "salt",
    "offers",
    "hours",
    "zones",
    "attributes",
    "groups",
    "limits",
    "caps",
    "cases",
    "timezone",
    "quiet",
    "attention",
)


def refusal(attempt: Callable[[], object]) -> BookError | None:
    """The refusal, or None when there was none. Any other exception is a failure."""
    try:
        attempt()
    except BookError as error:
        return error
    return None


def is_told(error: BookError | None) -> bool:
    """True when nothing was refused, or everything that was is said in both languages."""
    return error is None or bool(error.problems and all(one.text(Language.NL) and one.text(Language.EN) for one in error.problems))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, len(LINES) - 1), st.integers(0, 60), st.sampled_from(SNIPPETS), st.booleans()),
        min_size=1,
        max_size=3,
    )
)
def test_a_damaged_book_is_a_book_or_refused(damages: list[tuple[int, int, str, bool]]) -> None:
    lines = list(LINES)
    for number, column, snippet, replaces in damages:
        line = lines[number]
        lines[number] = snippet if replaces else line[:column] + snippet + line[column:]
    assert is_told(refusal(lambda: load_book("\n".join(lines))))


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), values) | values)
@example({"book": "b", "hours": {"mon": "\ud800"}})
def test_any_data_is_a_book_or_refused(data: Any) -> None:
    assert is_told(refusal(lambda: load_data(data)))


@settings(max_examples=200, deadline=None)
@given(
    st.text(max_size=60)
    | st.lists(
        st.sampled_from(["stage", "visits", "in", "[fan]", "not", "(", ")", "and", "==", "seen", "'", "3", "30d", ".", ","])
    ).map(" ".join)
    | values
)
def test_any_condition_is_parsed_or_refused(condition: Any) -> None:
    assert is_told(refusal(lambda: parse(condition, "if", Vocabulary(BUILT_IN, frozenset({"a"})))))
