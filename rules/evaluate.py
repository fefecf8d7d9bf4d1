"""Conditions compiled to closures, in three-valued logic: True, False, or None for unknown.

Kleene's tables: `all` is false as soon as one part is, otherwise unknown if one part is; `any` the other way round; `not` unknown
is unknown. So missing data can't make a condition true, whatever stands around it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rules.conditions import All, Some, Compare, Count, Known, Node, Not
from rules.situation import Happening, Value

SHOP = "*"
"""The scope of any offer of the shop."""

Test = Callable[["View"], bool | None]


class View:
    """What the conditions of one decision see: the facts that may be used, and the shopper's history, indexed when first asked."""

    __slots__ = ("_history", "_scopes", "_times", "at_s", "values")

    def __init__(
        self, at_s: float, values: dict[str, Value], history: Sequence[Happening], scopes: Mapping[str, tuple[str, ...]]
    ) -> None:
        self.at_s = at_s
        self.values = values
        self._history = history
        self._scopes = scopes
        self._times: dict[tuple[str, str], list[tuple[float, str]]] | None = None

    def _index(self) -> dict[tuple[str, str], list[tuple[float, str]]]:
        times: dict[tuple[str, str], list[tuple[float, str]]] = {}
        for offer, what, at_s, visit in self._history:
            entry = (at_s, visit)
            times.setdefault((what, offer), []).append(entry)
            for scope in self._scopes.get(offer, (SHOP,)):
                times.setdefault((what, scope), []).append(entry)
        return times

    def count(self, what: str, scope: str, since_s: float | None = None, visit: str | None = None) -> int:
        """How often it happened since then, or in that visit. Scope: an offer, `category/…`, `group/…` or SHOP for any offer.

        `seen` is announced or shown, whichever says more.
        """
        if what == "seen":
            return max(self.count("announced", scope, since_s, visit), self.count("shown", scope, since_s, visit))
        if self._times is None:
            self._times = self._index()
        times = self._times.get((what, scope))
        if times is None:
            return 0
        if visit is not None:
            return sum(in_visit == visit for _, in_visit in times)
        return len(times) if since_s is None else sum(at_s >= since_s for at_s, _ in times)


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
