"""Setting aside what can't be read of a document, so that the rest of it is checked in the same go: faults don't come in waves."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rules.format.errors import BookProblem

_WORDS = {"nl": "x", "en": "x"}
_TEXTS = {"nl": {"title": "x"}, "en": {"title": "x"}}
_STUBS: dict[str, Callable[[Any], object]] = {
    "offers": lambda offer: {
        "id": offer["id"],
        "kind": "content",
        "at": {"event": "enter"},
        "content": _TEXTS,
        **({"if": offer["if"]} if "if" in offer else {}),
    },
    "cases": lambda case: {"name": "x", "given": {"event": "enter", "at": "2026-01-01"}},
    "attributes": lambda one: {"type": "text", "label": _WORDS, "supplier": "backend"},
    "shop_facts": lambda one: {"type": "text", "label": _WORDS},
    "categories": lambda one: {"label": _WORDS},
    "groups": lambda one: {},
    "zones": lambda one: _WORDS,
}
"""What stands in for a part that can't be read: it keeps the names that others use, and an offer its condition."""
_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


class SetAside(NamedTuple):
    """The document with stand-ins, and where and as what they stand."""

    data: object
    places: frozenset[str]
    names: frozenset[str]

    def concerns(self, problem: BookProblem) -> bool:
        """Return True for a problem of a stand-in, or one that comes of a name that stands for another thing now."""
        place = problem.path
        if any(place == one or (place.startswith(one) and place[len(one)] in ".[") for one in self.places):
            return not re.match(r"offers\[\d+\]\.if\b", place) or self._named(problem)
        return problem.code == "question_unread" or self._named(problem)

    def _named(self, problem: BookProblem) -> bool:
        return not self.names.isdisjoint(problem.values.values())


def with_stand_ins(data: object, problems: Sequence[BookProblem]) -> SetAside | None:
    """Return the document with stand-ins where its values can't be read; None where nothing is left to check."""
    if not isinstance(data, dict):
        return None
    left = copy.deepcopy(data)
    places: set[str] = set()
    names: set[str] = set()
    for problem in problems:
        steps = [int(number) if number else word for number, word in _STEP.findall(problem.path)]
        if not steps:
            return None
        section = str(steps[0])
        if len(steps) > 1 and section in _STUBS:
            try:
                left[section][steps[1]] = _STUBS[section](data[section][steps[1]])
            except (KeyError, TypeError, IndexError):
                return None
            places.add(f"{section}[{steps[1]}]" if isinstance(steps[1], int) else f"{section}.{steps[1]}")
            names.add(str(steps[1]))
        elif section in ("book", "salt"):
            left[section] = "x"
            places.add(section)
        else:
            left.pop(section, None)
            places.add(section)
    return SetAside(left, frozenset(places), frozenset(names))
