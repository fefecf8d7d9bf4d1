"""A condition as one line of text, read through Python's own parser with a whitelist and turned into the tree of conditions.py.

Nothing is ever executed: the text becomes an `ast`, and each node is either one of the few forms below or refused. What other
languages write (`&&`, `AND`, a single `=`) is refused with our word for it, and read as that, so that the rest is checked as well.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection
from keyword import iskeyword
from typing import NamedTuple

from rules.format.errors import BookError, BookProblem, nearest
from rules.format.operators import OPERATORS
from rules.situation import HAPPENINGS

LONGEST = 1000
"""Characters in one line of condition."""

FUNCTIONS = ("seen", *HAPPENINGS, "count", "affinity")
WORD_OPERATORS = tuple(sign for sign in OPERATORS if sign.isidentifier() and not iskeyword(sign))
"""Operators that read as words. Python has none: to its parser `since within_last 14d` is `since == within_last @ "14d"`."""
RESERVED = frozenset({*FUNCTIONS, *WORD_OPERATORS, "and", "or", "not", "in", "is", "true", "false", "any", "all"})
"""Words with a meaning of their own in a condition: no field may be called so."""


def _python_comparison(sign: str) -> type[ast.cmpop] | None:
    try:
        body = ast.parse(f"a {sign} b", mode="eval").body
    except SyntaxError:
        return None
    return type(body.ops[0]) if isinstance(body, ast.Compare) else None


_COMPARISONS = {node: sign for sign in OPERATORS if (node := _python_comparison(sign)) is not None}
_HINTS = {"&&": "and", "||": "or", "<>": "!=", "=>": ">=", "=<": "<=", "=": "==", "!": "not"}
_SCAN = re.compile(
    r"""(?P<string>"[^"]*"|'[^']*')"""
    rf"""|(?<=\s)(?P<operator>{"|".join(WORD_OPERATORS)})(?=\s)"""
    r"""|(?P<moment>\b\d{4}-\d{1,2}-\d{1,2}\b|\b\d{1,2}:\d{2}\b)"""
    r"""|(?P<bare>\b\d+(?:\.\d+)?[smhdw]\b|\b[A-Za-z_]\w*(?:-\w+)+)"""
    r"""|\b(?P<shouted>AND|OR|NOT|IN)\b"""
    r"""|(?P<hint>&&|\|\||<>|=>|=<|(?<![=<>!])=(?![=<>])|!(?!=))"""
    r"""|(?P<forbidden>[#@])"""
)
"""Strings, which nothing looks into, and what is no Python: our own operators, durations (30d), ids with hyphens (wine-tasting;
there is no subtraction), and what is meant well but written otherwise."""


class ParsedLine(NamedTuple):
    """The tree of a line, and what was wrong in its spelling alone."""

    tree: object
    problems: tuple[BookProblem, ...]


def parse_line(line: str, fields: Collection[str]) -> ParsedLine:
    """Return the tree of a line such as `stage in [regular, fan] and not seen("wine-tasting", 30d)`. Raises BookError."""
    if len(line) > LONGEST:
        raise _refused("condition_size", most=f"{LONGEST} characters")
    problems: list[BookProblem] = []
    spelled = _SCAN.sub(lambda found: _respelled(found, problems), line)
    try:
        parsed = ast.parse(spelled.strip().replace("\n", " "), mode="eval")
        return ParsedLine(_Reader(fields).node(parsed.body), tuple(problems))
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        if isinstance(error, BookError):
            raise BookError([*problems, *error.problems]) from None
        syntax = BookProblem("condition_syntax", values={"why": getattr(error, "msg", None) or str(error)})
        raise BookError(problems or [syntax]) from None  # a wrong spelling mostly is why


def _respelled(found: re.Match[str], problems: list[BookProblem]) -> str:
    """One piece of a line as Python's parser takes it; a piece that we write otherwise is noted."""
    text = found[0]
    match found.lastgroup:
        case "operator":
            return f"== {text} @"
        case "bare":
            return f'"{text}"'
        case "moment":
            problems.append(BookProblem("condition_quotes", nearest=f'"{text}"', values={"value": text}))
            return f'"{text}"'
        case "shouted":
            problems.append(BookProblem("condition_spelling", nearest=text.lower(), values={"value": text}))
            return text.lower()
        case "hint":
            problems.append(BookProblem("condition_spelling", nearest=_HINTS[text], values={"value": text}))
            return f" {_HINTS[text]} "
        case "forbidden":
            raise _refused("condition_comment" if text == "#" else "condition_word", value=text)
    return text


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

    def node(self, node: ast.expr) -> object:
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

    def _comparison(self, node: ast.Compare) -> object:
        sides = [node.left, *node.comparators]
        pairs = [
            self._pair(left, _COMPARISONS.get(type(operator), ""), right)
            for left, operator, right in zip(sides, node.ops, sides[1:], strict=False)
        ]
        return pairs[0] if len(pairs) == 1 else {"all": pairs}

    def _pair(self, left: ast.expr, sign: str, right: ast.expr) -> object:
        if not sign:
            raise _refused("condition_word", value=_word(left))
        if isinstance(right, ast.BinOp) and isinstance(right.op, ast.MatMult):  # one of our own words, see WORD_OPERATORS
            return {**self._operand(left), "op": _word(right.left), "value": self._value(right.right)}
        if sign in ("in", "not in") and not isinstance(right, ast.List | ast.Tuple | ast.Set):
            field = self._operand(right)
            return {**field, "op": "has" if sign == "in" else "lacks", "value": self._value(left)}
        mirrored = OPERATORS[sign].mirrored
        turned = mirrored is not None and self._is_operand(right) and not self._is_operand(left)
        if turned or not isinstance(left, ast.Call | ast.Name | ast.Attribute):
            if mirrored is None:
                raise _refused("condition_word", value=_word(left))
            left, sign, right = right, mirrored, left
        return {**self._operand(left), "op": sign, "value": self._value(right)}

    def _is_operand(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Call) or (isinstance(node, ast.Name | ast.Attribute) and _word(node) in self._fields)

    def _operand(self, node: ast.expr) -> dict[str, object]:
        """Return what is compared. Whether there is such a field is seen in the tree: every slip in a line is told at once."""
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

    def _value(self, node: ast.expr) -> object:
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
