"""Measures the house: how much product code there is, and whether a name still has one meaning (`make house`).

python tests/house.py             print the figures
python tests/house.py --check     also fail when one is beyond its limit
python tests/house.py --names     also list each type that is defined more than once, and where
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).parents[1]
ROOMS = ("gateway", "rules", "firmware_sim")
LIMITS = {"Any": 56, "widest importer": 25, "types defined twice": 0, "function docstrings that open with a question word": 0}
"""What may not grow; lower one when it has fallen. Statements aren't held: a new room adds some, and the review looks."""
QUESTION_WORD = re.compile(r"(What|Who|Whom|Whose|How|Whether|Why|When|Where|Which)\b")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class House:
    """What was counted."""

    modules: int = 0
    lines: int = 0
    statements: int = 0
    any: int = 0
    functions: list[int] = field(default_factory=list)
    """Lines of each."""
    docstrings: int = 0
    questions: int = 0
    imports: dict[str, set[str]] = field(default_factory=dict)
    """Module to those of ours that it imports."""
    names: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Top-level class to the modules that define it. Functions are called by their module's name: `promises.find` is plain."""
    aliases: list[str] = field(default_factory=list)
    """Imports of ours under another name."""

    @property
    def doubles(self) -> dict[str, set[str]]:
        """Return the public names that more than one module defines."""
        return {name: places for name, places in sorted(self.names.items()) if len(places) > 1 and not name.startswith("_")}

    @property
    def widest(self) -> tuple[str, int]:
        """Return the module that imports most of ours, and how many."""
        return max(((name, len(found)) for name, found in self.imports.items()), key=lambda one: one[1])


def measure(root: Path) -> House:
    """Read every module of the product below `root`. Migrations are left out: they are records, not code to live in."""
    house = House()
    for path in sorted(path for room in ROOMS for path in (root / room).rglob("*.py")):
        if "migrations" not in path.parts and "guest" not in path.parts:
            text = path.read_text(encoding="utf-8")
            _count(house, ".".join(path.relative_to(root).with_suffix("").parts), ast.parse(text), text)
    return house


def _count(house: House, module: str, tree: ast.Module, text: str) -> None:
    house.modules += 1
    house.lines += text.count("\n")
    found: set[str] = set()
    for node in ast.walk(tree):
        house.statements += isinstance(node, ast.stmt) and not _is_docstring(node)
        house.any += isinstance(node, ast.Name) and node.id == "Any"
        if isinstance(node, Function):
            house.functions.append((node.end_lineno or node.lineno) - node.lineno + 1)
        if isinstance(node, Function) and (
            said := ast.get_docstring(node)
        ):  # a class is a thing: its docstring may open with what it is
            house.docstrings += 1
            house.questions += QUESTION_WORD.match(said) is not None
        found.update(_imported(node))
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ROOMS:
            house.aliases += [f"{module}: {one.name} as {one.asname}" for one in node.names if one.asname]
    house.imports[module] = found
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            house.names[node.name].add(module)


def _is_docstring(node: ast.stmt) -> bool:
    """Return whether a statement is text alone: a docstring, or one under a constant or a field."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ROOMS:
        yield node.module or ""
    elif isinstance(node, ast.Import):
        yield from (one.name for one in node.names if one.name.split(".")[0] in ROOMS)


def _report(house: House) -> dict[str, int]:
    name, widest = house.widest
    held = {
        "Any": house.any,
        "widest importer": widest,
        "types defined twice": len(house.doubles),
        "function docstrings that open with a question word": house.questions,
    }
    print(f"{house.modules} modules, {house.lines:,} lines, {house.statements:,} statements, {len(house.functions):,} functions")
    middle, most = median(house.functions), quantiles(house.functions, n=10)[-1]
    print(f"lines of a function: median {middle:.0f}, 90th percentile {most:.0f}, longest {max(house.functions)}")
    print(f"function docstrings that open with a question word: {house.questions} of {house.docstrings}")
    print(f"Any: {house.any}")
    print(f"widest importer: {name}, {widest} of our modules")
    print(
        f"types defined twice: {len(house.doubles)} of {len(house.names)}; imports of ours under another name: {len(house.aliases)}"
    )
    return held


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("root", nargs="?", type=Path, default=ROOT, help="another checkout to measure")
    parser.add_argument("--check", action="store_true", help="fail when a figure is beyond its limit")
    parser.add_argument("--names", action="store_true", help="list what is defined more than once, and aliases")
    options = parser.parse_args()
    house = measure(options.root)
    held = _report(house)
    if options.names:
        for name, places in house.doubles.items():
            print(f"  {name}: {', '.join(sorted(places))}")
        for alias in house.aliases:
            print(f"  {alias}")
    beyond = [f"{name}: {held[name]}, at most {limit}" for name, limit in LIMITS.items() if held[name] > limit]
    if options.check and beyond:
        print("beyond its limit: " + "; ".join(beyond), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
