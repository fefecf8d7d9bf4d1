"""Reports the mutants that no test noticed: `python tests/survivors.py MUTMUT`, after `mutmut run` (`make mutants`).

A survivor is either killed by a new test, or it changes nothing that anybody could see; then a line of `equivalent_mutants.txt`
says why: the line as written, the line as mutated, the reason, separated by " => " and " # because ". Names of mutants are
numbers that move with the code; lines stay. Fails while a survivor has no reason.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REASONS = Path(__file__).parent / "equivalent_mutants.txt"
SURVIVED = ("survived", "no tests", "suspicious")


def reasons(text: str) -> dict[tuple[str, str], str]:
    """Return the reason for each pair of lines, as written and as mutated. Lines that open with # are comments."""
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            change, because, reason = line.partition(" # because ")
            written, arrow, mutated = change.partition(" => ")
            if not because or not arrow:
                raise ValueError(f"not `written => mutated # because reason`: {line}")
            found[written.strip(), mutated.strip()] = reason.strip()
    return found


def change_in(diff: str) -> tuple[str, str]:
    """Return the first line that a diff takes away and the first that it adds, without indentation."""
    lines = [line for line in diff.splitlines() if line.startswith(("-", "+")) and not line.startswith(("---", "+++"))]
    taken = next((line[1:].strip() for line in lines if line.startswith("-")), "")
    added = next((line[1:].strip() for line in lines if line.startswith("+")), "")
    return taken, added


def survivors(results: str) -> list[str]:
    """Return the names in `mutmut results` that survived."""
    named = (line.strip().rpartition(": ") for line in results.splitlines())
    return [name for name, _, state in named if state in SURVIVED]


def main(mutmut: str) -> int:
    """Print each survivor without a reason; 1 if there is one."""
    known = reasons(REASONS.read_text(encoding="utf-8"))
    names = survivors(subprocess.run([mutmut, "results"], capture_output=True, text=True, check=True).stdout)
    open_ones = 0
    for name in names:
        shown = subprocess.run([mutmut, "show", name], capture_output=True, text=True, check=True).stdout
        taken, added = change_in(shown)
        if (taken, added) not in known:
            open_ones += 1
            print(f"{name}\n    {taken}\n => {added}")
    print(f"{len(names)} mutants survived: {len(names) - open_ones} with a reason, {open_ones} without")
    return 1 if open_ones else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
