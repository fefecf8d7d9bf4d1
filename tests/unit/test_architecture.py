"""ARCHITECTURE.md against the code: rooms, parts, imports, and the one clock."""

from __future__ import annotations

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest

from gateway.app import Gateway
from gateway.recall import PATIENCE_S
from gateway.settings import load_settings
from gateway.supervisor import Duty, Task, Thread
from tests.support.shop import HandScanner

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "ARCHITECTURE.md").read_text()
SOURCES = [path for package in ("gateway", "rules", "firmware_sim") for path in sorted((ROOT / package).rglob("*.py"))]
WIDEST = 25
"""How many of our own modules one module may import."""


def table(heading: str) -> list[list[str]]:
    """The cells of the first table under a heading, without its head."""
    section = PAGE.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line] for line in lines[2:]]


def test_nothing_waits_for_a_future_without_an_end() -> None:
    """`Future.result()` and `wrap_future` wait for ever: storage's `waiting` and `reader` put an end to it, for everybody."""
    found = []
    for path in SOURCES:
        for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
            called = ast.unparse(call.func)
            endless = called.endswith(".result") and not call.args and not call.keywords
            elsewhere = called.endswith("wrap_future") and path.name not in ("waiting.py", "reader.py")
            if endless or elsewhere:
                found.append(f"{path.relative_to(ROOT)}:{call.lineno}: {ast.unparse(call)}")
    assert found == []


def test_the_rooms_are_those_of_the_tree() -> None:
    told = [name for row in table("Rooms") for name in re.findall(r"`([^`]+)`", row[1])]
    there = {f"{path.name}/" for path in (ROOT / "gateway").iterdir() if (path / "__init__.py").exists()}
    there |= {path.stem for path in (ROOT / "gateway").glob("*.py")} - {"__init__"}
    assert sorted(told) == sorted(there)


def test_the_floors_are_those_of_the_import_contract() -> None:
    contract = (ROOT / "pyproject.toml").read_text().split('containers = ["gateway"]', 1)[1].split("]", 1)[0]
    layers = [set(re.findall(r"\w+", line)) for line in re.findall(r'"([^"]+)"', contract)]
    floor_of = {name.rstrip("/"): int(row[0]) for row in table("Rooms") for name in re.findall(r"`([^`]+)`", row[1])}
    for above, below in pairwise(layers):
        assert min(floor_of[name] for name in above) >= max(floor_of[name] for name in below), (above, below)


def test_the_parts_are_those_that_the_supervisor_minds(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text("{store: demo, zones: [{id: wine}], scanners: [{id: pi-1, zone: wine}]}")
    (tmp_path / "etalage.toml").write_text('[store]\nchain = "c"\nstore = "demo"\nplan = "plan.yaml"\n[dashboard]\nport = 0\n')
    gateway = Gateway(load_settings(tmp_path / "etalage.toml"), scanners=[HandScanner("pi-1")])
    kinds = {Thread: "thread", Task: "task"}
    minded = []
    for part in gateway.parts():
        kind = ("vital duty" if part.vital else "duty") if isinstance(part, Duty) else kinds[type(part)]
        minded.append((part.name.replace("pi-1", "…"), kind))
    assert [(row[0].strip("`"), row[1]) for row in table("Parts")] == minded
    assert gateway.listener is not None
    gateway.listener.close()
    gateway.rooms.reader.start()
    gateway.rooms.close()


def test_the_patience_of_a_moment_is_as_told() -> None:
    assert PATIENCE_S == 2.0
    assert "later than two seconds is dropped" in PAGE


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_imports_more_than_a_person_can_keep_in_mind(path: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in ("gateway", "rules", "firmware_sim"):
            folder = ROOT / node.module.replace(".", "/")
            for name in node.names:
                is_module = (folder / f"{name.name}.py").exists() or (folder / name.name).is_dir()
                imported.add(f"{node.module}.{name.name}" if is_module else node.module)
    assert len(imported) <= WIDEST


def test_nothing_but_the_clock_asks_the_system_for_the_time() -> None:
    asks = re.compile(r"\btime\.time\b|\bdatetime\.(now|utcnow|today)\b|\bdate\.today\b")
    found = [str(path) for path in (ROOT / "gateway").rglob("*.py") if path.name != "clock.py" and asks.search(path.read_text())]
    found += [str(path) for path in (ROOT / "rules").rglob("*.py") if asks.search(path.read_text())]
    assert found == []
