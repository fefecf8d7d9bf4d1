"""Conditions compiled to closures, in three-valued logic: True, False, or None for unknown.

Kleene's tables: `all` is false as soon as one part is, otherwise unknown if one part is; `any` the other way round; `not` unknown
is unknown. So missing data can't make a condition true, whatever stands around it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from rules.format.conditions import All, Compare, Count, IsKnown, Node, Not, Some
from rules.format.fields import FieldType
from rules.format.operators import BY_ORDER, OPERATORS, among, by_order
from rules.situation import Happening

EVER = -math.inf
SHOP = "*"
"""The scope of any offer of the shop."""

Test = Callable[["FactsView"], bool | None]


class LimitRule(NamedTuple):
    """At most so often in a scope (an offer, `category/…` or SHOP), in a visit or in a window."""

    scope: str
    what: str
    at_most: int
    per_visit: bool
    within_s: float
    """Infinite for ever."""
    every: str | None
    path: str
    """Where it stands: below the offer, or below the book for a category's, a group's or the shop's."""


class FactsView:
    """What the conditions of one decision see: the facts that may be used, and the shopper's history by offer."""

    __slots__ = ("_history", "_scopes", "_shared", "at_s", "day", "happened", "reached", "values")

    def __init__(
        self,
        at_s: float,
        day: int,
        values: dict[str, Any],
        history: Sequence[Happening],
        scopes: Mapping[str, tuple[str, ...]],
    ) -> None:
        self.at_s = at_s
        self.day = day
        """The ordinal of the shop's own date."""
        self.values = values
        self.happened: dict[str, list[Happening]] = {}
        """By offer. Of an offer that isn't in here, limits and cool-downs needn't be looked at."""
        self.reached: dict[str, LimitRule | None] = {}
        """By `Rule.family`, the first limit reached of those its offers share: worked out once for all of them."""
        self._history = history
        self._scopes = scopes
        self._shared: dict[str, list[Happening]] = {}
        for happening in history:
            self.happened.setdefault(happening.offer, []).append(happening)

    def happenings(self, scope: str) -> Sequence[Happening]:
        """Return what happened with an offer, with those of a `category/…` or `group/…`, or (SHOP) with any."""
        if scope in self._scopes:
            return self.happened.get(scope, ())
        found = self._shared.get(scope)
        if found is None:
            mine = [one for one in self._history if scope == SHOP or scope in self._scopes.get(one.offer, ())]
            found = self._shared[scope] = mine
        return found


def count_happenings(happenings: Sequence[Happening], what: str, since_s: float = EVER, visit: str | None = None) -> int:
    """Return how many of these are that, since then, or in that visit. `seen` is announced or shown, whichever says more."""
    wanted, besides = ("announced", "shown") if what == "seen" else (what, "")
    number = others = 0
    for _, happened, at_s, in_visit in happenings:  # mostly one or two: a generator would cost more than the counting
        if at_s >= since_s and (visit is None or in_visit == visit):
            if happened == wanted:
                number += 1
            elif happened == besides:
                others += 1
    return number if number >= others else others


def compile_tests(node: Node) -> tuple[Test, ...]:
    """The closures that must all be true for a condition to be."""
    return tuple(compile_test(part) for part in (node.parts if isinstance(node, All) else (node,)))


def compile_test(node: Node) -> Test:
    """The closure that tests a condition against a FactsView."""
    if isinstance(node, Compare):
        return _comparing(node)
    if isinstance(node, Count):
        return _counting(node)
    if isinstance(node, IsKnown):
        name = node.field.name
        return lambda view: True if name in view.values else None
    if isinstance(node, Not):
        part = node.part
        if isinstance(part, Compare | Count) and (inverse := OPERATORS[part.operator].inverse) is not None:
            return compile_test(replace(part, operator=inverse))  # what isn't equal is unequal: one call less
        return _negation(compile_test(part))
    tests = tuple(compile_test(part) for part in node.parts)
    return _conjunction(tests) if isinstance(node, All) else _disjunction(tests)


def _comparing(node: Compare) -> Test:
    """The row of the operator, shortened where it goes by order or by membership: a table's row costs two calls more."""
    name, wanted, row = node.field.name, node.value, OPERATORS[node.operator]
    if row.place is by_order and node.field.type is not FieldType.DATE:
        compare = BY_ORDER[row.below, row.at, row.above]
        return lambda view: None if (fact := view.values.get(name)) is None else compare(fact, wanted)
    if row.place is among:
        is_at = row.at
        return lambda view: None if (fact := view.values.get(name)) is None else (fact in wanted) is is_at
    holds = row.holds
    return lambda view: None if (fact := view.values.get(name)) is None else holds(fact, wanted, view.day)


def _counting(node: Count) -> Test:
    row = OPERATORS[node.operator]
    compare, what, within_s, value = BY_ORDER[row.below, row.at, row.above], node.what, node.within_s, node.value
    if node.offer is None:
        return lambda view: compare(count_happenings(view.happenings(SHOP), what, view.at_s - within_s), value)
    offer, of_none = node.offer, compare(0, value)

    def test(view: FactsView) -> bool:
        mine = view.happened.get(offer)
        return of_none if mine is None else compare(count_happenings(mine, what, view.at_s - within_s), value)

    return test


def _negation(inner: Test) -> Test:
    def test(view: FactsView) -> bool | None:
        truth = inner(view)
        return None if truth is None else not truth

    return test


def _conjunction(tests: tuple[Test, ...]) -> Test:
    def test(view: FactsView) -> bool | None:
        truth: bool | None = True
        for inner in tests:
            if (part := inner(view)) is not True:
                if part is False:
                    return False
                truth = None
        return truth

    return test


def _disjunction(tests: tuple[Test, ...]) -> Test:
    def test(view: FactsView) -> bool | None:
        truth: bool | None = False
        for inner in tests:
            part = inner(view)
            if part is not False:
                if part is True:
                    return True
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
