"""Conditions: a typed tree over declared fields and the shopper's history, checked when a book is loaded.

A tree is `{all: […]}`, `{any: […]}`, `{not: …}`, `{field, op, value}` or `{count, offer, within, op, value}`; any part may
also be a line of text (see condition_text.py). The cost is bounded by construction: no loops, no regular expressions, at most
MOST_LEAVES leaves.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from rules.format.condition_text import parse_line
from rules.format.dates import UNITS_S, parse_duration
from rules.format.errors import BookError, BookProblem, nearest
from rules.format.fields import AFFINITY, Field, affinity_field
from rules.format.literals import parse_literal
from rules.format.operators import OPERATORS, Operator, Wants, counting_signs, signs_for
from rules.situation import HAPPENINGS

MOST_LEAVES = 64
"""Comparisons in one condition: far more than anyone can read, few enough to evaluate in microseconds."""
DEEPEST_CONDITION = 12
"""Levels of all / any / not."""

COUNTED = ("seen", *HAPPENINGS)
"""What of the history can be counted. `seen` is announced or shown, whichever says more: delivery unknown may mean seen."""


@dataclass(frozen=True, slots=True)
class All:
    """True when every part is."""

    path: str
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """True when one part is."""

    path: str
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True when its part is false; unknown stays unknown."""

    path: str
    part: Node


@dataclass(frozen=True, slots=True)
class Compare:
    """A field against a value of its own type."""

    path: str
    field: Field
    operator: str
    value: Any


@dataclass(frozen=True, slots=True)
class Count:
    """How often something happened with an offer (None: any offer) within so many seconds (infinite: ever), against a number."""

    path: str
    what: str
    offer: str | None
    within_s: float
    operator: str
    value: float


@dataclass(frozen=True, slots=True)
class IsKnown:
    """True when a field has a usable value, otherwise unknown: what a text's placeholder asks. Books can't write it."""

    path: str
    field: Field


Leaf = Compare | Count | IsKnown
Node = All | Some | Not | Leaf


class Vocabulary(NamedTuple):
    """The words a book's conditions may use."""

    fields: Mapping[str, Field]
    offers: Collection[str]

    def field(self, name: str) -> Field | None:
        """The field of that name, or None. `affinity.<offer>` exists for every offer."""
        offer = name.removeprefix(AFFINITY + ".")
        return affinity_field(offer) if offer != name and offer in self.offers else self.fields.get(name)


def parse(tree: object, path: str, vocabulary: Vocabulary) -> Node:
    """A condition as text or tree, typed. Raises BookError with every fault, each with its path below `path`."""
    parser = _Parser(vocabulary)
    node = parser.node(tree, path, 0)
    if parser.leaves > MOST_LEAVES:
        parser.refuse("condition_size", path, most=f"{MOST_LEAVES} comparisons")
    if parser.problems or node is None:
        raise BookError(parser.problems)
    return node


def leaves(node: Node) -> tuple[Leaf, ...]:
    """The comparisons of a condition, in reading order."""
    if isinstance(node, All | Some):
        return tuple(leaf for part in node.parts for leaf in leaves(part))
    return leaves(node.part) if isinstance(node, Not) else (node,)


def fields_of(node: Node) -> dict[str, Field]:
    """The fields that a condition reads, by name."""
    return {leaf.field.name: leaf.field for leaf in leaves(node) if isinstance(leaf, Compare | IsKnown)}


class _Parser:
    """One pass over one condition: collects faults instead of stopping at the first."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._words = vocabulary
        self.problems: list[BookProblem] = []
        self.leaves = 0

    def refuse(self, code: str, path: str, near: str | None = None, **values: str) -> None:
        self.problems.append(BookProblem(code, path, nearest=near, values=values))

    def node(self, tree: object, path: str, depth: int) -> Node | None:
        if depth > DEEPEST_CONDITION:
            self.refuse("condition_size", path, most=f"{DEEPEST_CONDITION} levels")
            return None
        if isinstance(tree, str):
            return self._text(tree, path, depth)
        if not isinstance(tree, dict):
            self.refuse("condition_shape", path, keys="all, any, not, field, count")
            return None
        if len(tree) == 1 and (key := next(iter(tree))) in ("all", "any", "not"):
            return self._joined(key, tree[key], path, depth)
        self.leaves += 1
        if "field" in tree:
            return self._compare(tree, path)
        if "count" in tree:
            return self._count(tree, path)
        wrong = next((str(key) for key in tree), "")
        near = nearest(wrong, ("all", "any", "not", "field", "count"))
        self.refuse("condition_shape", path, near, keys="all, any, not, field, count")
        return None

    def _text(self, line: str, path: str, depth: int) -> Node | None:
        try:
            tree, problems = parse_line(line, self._words.fields)
        except BookError as error:
            self.problems += [replace(problem, path=path) for problem in error.problems]
            return None
        self.problems += [replace(problem, path=path) for problem in problems]
        return self.node(tree, path, depth + 1)

    def _joined(self, key: str, inner: object, path: str, depth: int) -> Node | None:
        if key == "not":
            part = self.node(inner, f"{path}.not", depth + 1)
            return Not(path, part) if part is not None else None
        if not isinstance(inner, list) or not inner:
            self.refuse("condition_shape", f"{path}.{key}", keys="a list of conditions")
            return None
        found = [self.node(part, f"{path}.{key}[{index}]", depth + 1) for index, part in enumerate(inner)]
        parts = tuple(part for part in found if part is not None)
        return All(path, parts) if key == "all" else Some(path, parts)

    def _compare(self, tree: dict[str, object], path: str) -> Node | None:
        self._only(tree, ("field", "op", "value"), path)
        name, operator = str(tree["field"]), str(tree.get("op", "=="))
        field = self._words.field(name)
        if field is None:
            near = nearest(name, self._words.fields)
            self.refuse("unknown_field", path, near, value=name)
            return None
        row = OPERATORS.get(operator)
        if row is None:
            self.refuse("unknown_operator", path, nearest(operator, OPERATORS), value=operator)
            return None
        if field.type not in row.types:
            words = {"operator": operator, "field": name, "type": field.type.value, "allowed": ", ".join(signs_for(field.type))}
            self.refuse("operator_type", path, **words)
            return None
        return Compare(path, field, operator, self._wanted(row, field, tree.get("value", True), path))

    def _wanted(self, row: Operator, field: Field, value: object, path: str) -> object:
        """Return what an operator compares with, in the form that it wants."""
        match row.wants:
            case Wants.VALUE:
                return self._literal(field, value, path)
            case Wants.LIST:
                many = value if isinstance(value, list) else [value]
                if not many:
                    self.refuse("empty_list", path, operator=row.sign)
                return frozenset(self._literal(field, one, path) for one in many)
            case Wants.DAYS:
                seconds = parse_duration(value)
                if seconds is None or seconds % UNITS_S["d"]:
                    self.refuse("whole_days", path, value=str(value)[:80])
                return int((seconds or 0.0) // UNITS_S["d"])

    def _count(self, tree: dict[str, object], path: str) -> Node | None:
        self._only(tree, ("count", "offer", "within", "op", "value"), path)
        what, offer, operator = str(tree["count"]), str(tree.get("offer", "any")), str(tree.get("op", ">="))
        if what not in COUNTED:
            self.refuse("unknown_function", path, nearest(what, COUNTED), value=what)
        if offer != "any" and offer not in self._words.offers:
            self.refuse("unknown_offer", path, nearest(offer, self._words.offers), value=offer)
        if operator not in counting_signs():
            self.refuse("unknown_operator", path, nearest(operator, counting_signs()), value=operator)
        within_s = math.inf if tree.get("within") is None else parse_duration(tree["within"])
        if within_s is None:
            self.refuse("duration", path, value=str(tree["within"]))
            return None
        value = tree.get("value", 1)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.refuse("wrong_type", path, value=str(value), type="number", field=what)
            return None
        return Count(path, what, None if offer == "any" else offer, within_s, operator, value)

    def _only(self, tree: dict[str, object], allowed: tuple[str, ...], path: str) -> None:
        for key in tree:
            if key not in allowed:
                self.refuse("unknown_key", f"{path}.{key}", nearest(str(key), allowed), key=str(key))

    def _literal(self, field: Field, value: object, path: str) -> object:
        try:
            return parse_literal(field, value)
        except BookError as error:
            self.problems += [replace(problem, path=path) for problem in error.problems]
            return None
