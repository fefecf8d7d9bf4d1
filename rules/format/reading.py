"""From text to plain data, bounded: no anchors, no tags, no surprises. JSON is YAML, so one reader serves both.

Values follow YAML 1.2's core schema: `no` and `on` are words, `17:30` is text, only true and false are flags.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import yaml

from rules.format.errors import BookError, BookProblem

MOST_BYTES = 2_000_000
"""Ten times the largest book that makes sense (2,000 offers); more is a mistake or an attack."""
DEEPEST_DOCUMENT = 24
MOST_VALUES = 200_000

_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
_WORDS = {"true": True, "True": True, "false": False, "False": False, "null": None, "~": None, "": None}
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Path = tuple[str | int, ...]


def read_document(source: str, file: str = "", lines: dict[Path, int] | None = None) -> object:
    """Plain dicts, lists and scalars of one document; `lines` is filled with the line of every path. Raises BookError."""
    size = len(source.encode(errors="surrogatepass"))
    if size > MOST_BYTES:
        raise BookError([BookProblem("too_large", file=file, values={"size": str(size), "most": str(MOST_BYTES)})])
    try:
        return _Builder(_LOADER(source).get_event, file, lines).document()
    except (yaml.YAMLError, UnicodeError) as error:
        mark = getattr(error, "problem_mark", None)
        why = str(getattr(error, "problem", None) or "characters that are not allowed")
        line = mark.line + 1 if mark is not None else None
        raise BookError([BookProblem("syntax", file=file, line=line, values={"why": why})]) from None


class _Builder:
    """Builds values from YAML events; refuses what could expand or run."""

    def __init__(self, next_event: Callable[[], Any], file: str, lines: dict[Path, int] | None) -> None:
        self._next = next_event
        self._file = file
        self._lines = lines
        self._path: list[str | int] = []
        self._count = 0

    def document(self) -> object:
        self._next()  # the start of the stream
        if isinstance(self._next(), yaml.StreamEndEvent):
            return None
        return self._value(self._next())

    def _refuse(self, code: str, event: Any, **values: str) -> BookError:
        line = event.start_mark.line + 1
        return BookError([BookProblem(code, path_text(self._path), file=self._file, line=line, values=values)])

    def _value(self, event: Any) -> Any:
        kind = event.__class__
        self._count += 1
        if self._count > MOST_VALUES:
            raise self._refuse("too_many", event, most=str(MOST_VALUES))
        if kind is yaml.AliasEvent or event.anchor is not None:
            raise self._refuse("anchor", event)
        if event.tag is not None and event.tag != "!":
            raise self._refuse("tag", event, tag=event.tag[:80])
        if self._lines is not None:
            self._lines[tuple(self._path)] = event.start_mark.line + 1
        if kind is yaml.ScalarEvent:
            return scalar(event.value) if event.implicit[0] else event.value
        if len(self._path) >= DEEPEST_DOCUMENT:
            raise self._refuse("too_deep", event, most=str(DEEPEST_DOCUMENT))
        return self._mapping() if kind is yaml.MappingStartEvent else self._sequence()

    def _mapping(self) -> dict[str, object]:
        found: dict[str, object] = {}
        while (event := self._next()).__class__ is not yaml.MappingEndEvent:
            if event.__class__ is not yaml.ScalarEvent or event.anchor is not None:
                raise self._refuse("key", event)
            key = event.value
            if key in found:
                raise self._refuse("twice", event, key=key[:80])
            self._path.append(key)
            found[key] = self._value(self._next())
            self._path.pop()
        return found

    def _sequence(self) -> list[object]:
        found: list[object] = []
        while (event := self._next()).__class__ is not yaml.SequenceEndEvent:
            self._path.append(len(found))
            found.append(self._value(event))
            self._path.pop()
        return found


def scalar(text: str) -> object:
    """Return what an unquoted word means: a number, a flag, nothing, or itself."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in "0123456789-+." and len(text) < 40 and _NUMBER.fullmatch(text):
        return float(text) if any(mark in text for mark in ".eE") else int(text)
    return text


def path_text(path: Sequence[str | int]) -> str:
    """`("offers", 3, "if")` as people write it: `offers[3].if`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
