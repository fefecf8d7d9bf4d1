"""Conditions compiled to closures, in three-valued logic: True, False, or None for unknown.

Kleene's tables: `all` is false as soon as one part is, otherwise unknown if one part is; `any` the other way round; `not` unknown
is unknown. So missing data can't make a condition true, whatever stands around it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rules.conditions import All, Compare, Count, Known, Node, Not, Some
from rules.situation import Happening, Value

SHOP = "*"
"""The scope of any offer of the shop."""

Test = Callable[["View"], bool | None]


class View:
    """What the conditions of one decision see: the facts that may be used, and the shopper's history by offer."""

    __slots__ = ("_by_scope", "_history", "_scopes", "at_s", "known_limits", "values")

    def __init__(
        self, at_s: float, values: dict[str, Value], history: Sequence[Happening], scopes: Mapping[str, tuple[str, ...]]
    ) -> None:
        self.at_s = at_s
        self.values = values
        self.known_limits: dict[str, bool] = {}
        """Which limits of a category, a group or the shop are reached: the same for all their offers, so counted once."""
        self._history = history
        self._scopes = scopes
        self._by_scope: dict[str, list[Happening]] = {}
        for happening in history:
            self._by_scope.setdefault(happening.offer, []).append(happening)

    def met(self, offer: str) -> bool:
        """True when anything at all happened with that offer: where not, its limits and cool-downs needn't be looked at."""
        return offer in self._by_scope

    def count(self, what: str, scope: str, since_s: float | None = None, visit: str | None = None) -> int:
        """How often it happened since then, or in that visit. Scope: an offer, `category/…`, `group/…` or SHOP for any offer.

        `seen` is announced or shown, whichever says more.
        """
        happenings = self._by_scope.get(scope)
        if happenings is None:
            if scope in self._scopes:
                return 0
            happenings = self._by_scope[scope] = self._shared(scope)
        if what == "seen":
            return max(_count(happenings, "announced", since_s, visit), _count(happenings, "shown", since_s, visit))
        return _count(happenings, what, since_s, visit)

    def _shared(self, scope: str) -> list[Happening]:
        if scope == SHOP:
            return list(self._history)
        return [happening for happening in self._history if scope in self._scopes.get(happening.offer, ())]


def _count(happenings: Sequence[Happening], what: str, since_s: float | None, visit: str | None) -> int:
    number = 0
    for _, happened, at_s, in_visit in happenings:  # mostly one or two: a generator would cost more than the counting
        if happened == what and (visit is None or in_visit == visit) and (since_s is None or at_s >= since_s):
            number += 1
    return number


_COMPARISONS: Mapping[str, Callable[[str, Any], Test]] = {
    "==": lambda name, want: lambda view: None if (got := view.values.get(name)) is None else got == want,
    "!=": lambda name, want: lambda view: None if (got := view.values.get(name)) is None else got != want,
    "<": lambda name, want: lambda view: None if (got := view.values.get(name)) is None else got < want,
    "<=": lambda name, want: lambda view: None if (got := view.values.get(name)) is None else got <= want,
    ">": lambda name, want: lambda view: None if (got := view.values.get(name)) is None else got > want,
    ">=": lambda name, want: lambda view: None if (got := view.values.get(name)) is None else got >= want,
    "in": lambda name, want: lambda view: None if (got := view.values.get(name)) is None else got in want,
    "not in": lambda name, want: lambda view: None if (got := view.values.get(name)) is None else got not in want,
    "has": lambda name, want: lambda view: None if (got := view.values.get(name)) is None else want in got,  # type: ignore[operator]  # a set, see Field.admits
    "lacks": lambda name, want: lambda view: None if (got := view.values.get(name)) is None else want not in got,  # type: ignore[operator]
}
_COUNTS: Mapping[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def compile_test(node: Node) -> Test:
    """The closure that tests a condition against a View."""
    if isinstance(node, Compare):
        return _COMPARISONS[node.operator](node.field.name, node.value)
    if isinstance(node, Count):
        return _counting(node)
    if isinstance(node, Known):
        name = node.field.name
        return lambda view: True if name in view.values else None
    if isinstance(node, Not):
        return _negation(compile_test(node.part))
    tests = tuple(compile_test(part) for part in node.parts)
    return _conjunction(tests) if isinstance(node, All) else _disjunction(tests)


def _counting(node: Count) -> Test:
    compare, what, within_s, value = _COUNTS[node.operator], node.what, node.within_s, node.value
    scope = node.offer or SHOP

    def test(view: View) -> bool:
        return compare(view.count(what, scope, None if within_s is None else view.at_s - within_s), value)

    return test


def _negation(inner: Test) -> Test:
    def test(view: View) -> bool | None:
        truth = inner(view)
        return None if truth is None else not truth

    return test


def _conjunction(tests: tuple[Test, ...]) -> Test:
    def test(view: View) -> bool | None:
        truth: bool | None = True
        for inner in tests:
            part = inner(view)
            if part is False:
                return False
            if part is None:
                truth = None
        return truth

    return test


def _disjunction(tests: tuple[Test, ...]) -> Test:
    def test(view: View) -> bool | None:
        truth: bool | None = False
        for inner in tests:
            part = inner(view)
            if part is True:
                return True
            if part is None:
                truth = None
        return truth

    return test


def combine(node: Node, parts: Sequence[bool | None]) -> bool | None:
    """The truth of all, any or not from the truths of its parts: every part looked at, for explanations."""
    if isinstance(node, Not):
        return None if parts[0] is None else not parts[0]
    if isinstance(node, Some):
        return True if True in parts else None if None in parts else False
    assert isinstance(node, All)
    return False if False in parts else None if None in parts else True
