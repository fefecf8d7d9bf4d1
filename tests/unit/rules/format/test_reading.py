"""Reading is bounded: what could expand, run or surprise is refused with its line."""

from __future__ import annotations

import pytest

from rules.format.errors import BookError
from rules.format.reading import MOST_BYTES, read_document


def refused(text: str) -> str:
    with pytest.raises(BookError) as caught:
        read_document(text, "book.yaml")
    return str(caught.value)


def test_values_mean_what_they_look_like() -> None:
    text = "a: 3\nb: 2.5\nc: true\nd: no\ne: 17:30\nf: '3'\ng: ~\nh: 2026-11-21\ni: [on, off]\nj: -4\nk: 0.5e1\nl: '1_000'\nm: +-3"
    assert read_document(text) == {
        "a": 3, "b": 2.5, "c": True, "d": "no", "e": "17:30", "f": "3", "g": None, "h": "2026-11-21",
        "i": ["on", "off"], "j": -4, "k": 5.0, "l": "1_000", "m": "+-3",
    }  # fmt: skip


def test_json_is_read_the_same() -> None:
    assert read_document('{"a": [1, "x", {"b": null}]}') == {"a": [1, "x", {"b": None}]}


def test_anchors_that_expand_without_end_are_refused_at_once() -> None:
    laughs = "a: &a [x, x]\n" + "\n".join(f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]" for n in range(20))
    assert "book.yaml:1 a: anchors and aliases" in refused(laughs)
    assert "anchors" in refused("a: *nothing")
    assert "anchors" in refused("base: {x: 1}\n<<: *base")


def test_five_megabytes_are_refused_before_they_are_parsed() -> None:
    assert f"at most {MOST_BYTES}" in refused("a: " + "x" * 5_000_000)


def test_depth_and_number_of_values_are_bounded() -> None:
    assert "nested deeper" in refused("[" * 30 + "]" * 30)
    assert "more than" in refused("a: [" + "1," * 200_001 + "]")


def test_tags_that_build_objects_are_refused() -> None:
    assert "tag" in refused("a: !!python/object/apply:os.system ['true']")
    assert "tag" in refused("a: !!binary aGk=")


def test_a_key_that_stands_twice_is_refused_with_its_line() -> None:
    assert "book.yaml:3: `a` stands here twice" in refused("a: 1\nb: 2\na: 3")


def test_broken_yaml_is_refused_with_its_line() -> None:
    assert refused("a: [1, 2\nb: 3").startswith("book.yaml:2")
    assert "not readable YAML" in refused("a: \x07")


def test_a_key_is_plain_text() -> None:
    assert "a key is plain text" in refused("? [a, b]\n: 1")


def test_an_empty_text_is_nothing() -> None:
    assert read_document("") is None
