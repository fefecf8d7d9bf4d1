"""Rule books read, compiled and tried, each once: who does it before the writer has to finds it done there.

A large document is first read in a process of its own with limits: what would take minutes or all memory ends there.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Collection
from functools import lru_cache

from rules import Book, BookError, load_book
from rules.workbench.cases import run_cases

SMALL_BYTES = 32_768
"""What fits in so many takes a second or two at worst, whatever it says."""
CPU_MAX_S = 20
"""A book of 2,000 good offers takes 3 s on a PC."""
MEMORY_MAX_BYTES = 512 << 20
"""Address space of the reading process; Python with the rules has 100 MB of it."""
APART_WITHIN_S = 120.0
"""By the clock, on a box that does much else."""
KEPT = 4
"""Compiled books that are remembered: a step needs one or two, and the largest takes tens of megabytes."""


def load(document: str, zones: Collection[str] | None = None) -> Book:
    """The book in a stored document, which is never taken for a file's name. Raises BookError."""
    return _load(document, None if zones is None else tuple(sorted(zones)))


def failing_cases(document: str, zones: Collection[str] | None = None) -> tuple[str, ...]:
    """Return the names of a book's own cases that come out otherwise. Raises BookError."""
    return _failing_cases(document, None if zones is None else tuple(sorted(zones)))


def is_affordable(document: str, zones: Collection[str] | None = None) -> bool:
    """Return whether a document can be read and its cases run within the limits; also when it has faults."""
    if len(document.encode(errors="replace")) <= SMALL_BYTES:
        return True
    given = {"document": document, "zones": None if zones is None else sorted(zones)}
    command = [sys.executable, "-m", "gateway.books.reading", str(CPU_MAX_S), str(MEMORY_MAX_BYTES)]
    try:
        return (
            subprocess.run(
                command, input=json.dumps(given).encode(), capture_output=True, timeout=APART_WITHIN_S, check=False
            ).returncode
            == 0
        )
    except subprocess.TimeoutExpired:
        return False


@lru_cache(KEPT)
def _load(document: str, zones: tuple[str, ...] | None) -> Book:
    return load_book(document if "\n" in document else document + "\n", zones)


@lru_cache(KEPT)
def _failing_cases(document: str, zones: tuple[str, ...] | None) -> tuple[str, ...]:
    return tuple(result.name for result in run_cases(_load(document, zones)).results if not result.passed)


def _read_apart(cpu_s: int, memory_bytes: int) -> None:
    """Read what is on standard input, within the limits; the process ends with 0 when that could be done."""
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    given = json.load(sys.stdin)
    try:
        failing_cases(given["document"], given["zones"])
    except BookError:
        return


if __name__ == "__main__":
    _read_apart(int(sys.argv[1]), int(sys.argv[2]))
