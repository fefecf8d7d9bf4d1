"""A condition as one line of text, read through Python's own parser with a whitelist and turned into the tree of conditions.py.

Nothing is ever executed: the text becomes an `ast`, and each node is either one of the few forms below or refused.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection
from typing import Any

from rules.format.errors import BookError, BookProblem, nearest
from rules.situation import HAPPENINGS

LONGEST = 1000
"""Characters in one line of condition."""

FUNCTIONS = ("seen", *HAPPENINGS, "count", "affinity")
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}
_MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_BARE = re.compile(r"\"[^\"]*\"|'[^']*'|\b\d+(?:\.\d+)?[smhdw]\b|\b[A-Za-z_]\w*(?:-\w+)+")
"""Strings, and what is no Python but reads well: durations (30d) and ids with hyphens (wine-tasting). There is no subtraction."""


def parse_line(line: str, fields: Collection[str]) -> Any:
    """Return the tree of a line such as `stage in [regular, fan] and not seen("wine-tasting", 30d)`. Raises BookError."""
    if len(line) > LONGEST:
        raise _refused("condition_size", most=f"{LONGEST} characters")
    quoted = _BARE.sub(lambda found: found[0] if found[0][0] in "\"'" else f'"{found[0]}"', line)
    try:
        parsed = ast.parse(quoted.strip().replace("\n", " "), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise _refused("condition_syntax", why=getattr(error, "msg", None) or str(error)) from None
    return _Reader(fields).node(parsed.body)


def _refused(code: str, near: str | None = None, **values: str) -> BookError:
    return BookError([BookProblem(code, nearest=near, values=values)])


def _word(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id  # the common case: unparse is slow
    try:
        return ast.unparse(node)[:80]
    except RecursionError:
        return type(node).__name__


class _Reader:
    def __init__(self, fields: Collection[str]) -> None:
        self._fields = fields

    def node(self, node: ast.expr) -> Any:
        if isinstance(node, ast.BoolOp):
            key = "all" if isinstance(node.op, ast.And) else "any"
            return {key: [self.node(part) for part in node.values]}
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return {"not": self.node(node.operand)}
        if isinstance(node, ast.Compare):
            return self._comparison(node)
        if isinstance(node, ast.Call):
            return self._operand(node)
        if isinstance(node, ast.Name):
            return {"field": node.id, "op": "==", "value": True}
        raise _refused("condition_word", value=_word(node))

    def _comparison(self, node: ast.Compare) -> Any:
        sides = [node.left, *node.comparators]
        pairs = [
            self._pair(left, _COMPARISONS.get(type(operator), ""), right)
            for left, operator, right in zip(sides, node.ops, sides[1:], strict=False)
        ]
        return pairs[0] if len(pairs) == 1 else {"all": pairs}

    def _pair(self, left: ast.expr, operator: str, right: ast.expr) -> Any:
        if not operator:
            raise _refused("condition_word", value=_word(left))
        if operator in ("in", "not in") and not isinstance(right, ast.List | ast.Tuple | ast.Set):
            field = self._operand(right)
            return {**field, "op": "has" if operator == "in" else "lacks", "value": self._value(left)}
        mirrored = operator in _MIRRORED and self._is_operand(right) and not self._is_operand(left)
        if mirrored or not isinstance(left, ast.Call | ast.Name | ast.Attribute):
            if operator not in _MIRRORED:
                raise _refused("condition_word", value=_word(left))
            left, operator, right = right, _MIRRORED[operator], left
        return {**self._operand(left), "op": operator, "value": self._value(right)}

    def _is_operand(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Call) or (isinstance(node, ast.Name | ast.Attribute) and _word(node) in self._fields)

    def _operand(self, node: ast.expr) -> dict[str, Any]:
        """What is compared. Whether there is such a field is seen in the tree, so that every slip in a line is told at once."""
        if isinstance(node, ast.Name | ast.Attribute):
            return {"field": _word(node)}
        if not isinstance(node, ast.Call):
            raise _refused("condition_word", value=_word(node))
        name = node.func.id if isinstance(node.func, ast.Name) else _word(node.func)
        if name not in FUNCTIONS:
            raise _refused("unknown_function", nearest(name, FUNCTIONS), value=name)
        if node.keywords or len(node.args) > 3:
            raise _refused("condition_word", value=_word(node))
        words = [self._value(argument) for argument in node.args]
        if name == "affinity":
            return {"field": f"affinity.{words[0] if words else ''}"}
        if name != "count":
            words.insert(0, name)
        return dict(zip(("count", "offer", "within"), words, strict=False)) or {"count": ""}

    def _value(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Constant) and type(node.value) in (str, int, float, bool):
            return node.value
        if isinstance(node, ast.Name):
            return {"true": True, "false": False}.get(node.id.lower(), node.id)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
            number = node.operand.value
            if type(number) in (int, float):
                return -number  # type: ignore[operator]  # the line above says it is a number
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            return [self._value(part) for part in node.elts]
        raise _refused("condition_word", value=_word(node))
