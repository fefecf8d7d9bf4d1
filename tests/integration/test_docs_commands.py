"""The commands that a page prints are run as they stand there, in order, on a box that was just installed.

A block after `<!-- run beside -->` goes on while the rest of its page runs. One after `<!-- not run here: why -->` needs more than
a test has; those are counted below.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *(ROOT / "docs" / page for page in ("backend-developers.md", "commands.md", "privacy.md"))]
"""Those whose every command is known to run as printed."""
BLOCK = re.compile(r"(?:<!-- (?P<mark>[^>]*) -->\n)?```(?:sh|console)\n(?P<text>.*?)```", re.DOTALL)
NOT_RUN = {"README.md": 1}
"""How many blocks of a page aren't run."""
BESIDE = {"docs/backend-developers.md": "etalage demo --no-browser --json --port 8080"}
"""What a page takes for running."""
BOX = """
ip link set lo up
ip address add 192.168.1.20/32 dev lo
mount -t tmpfs none "$ROOM"
for folder in /etc /var/lib; do
  mkdir -p "$ROOM/over$folder" "$ROOM/work$folder"
  mount -t overlay none -o "lowerdir=$folder,upperdir=$ROOM/over$folder,workdir=$ROOM/work$folder" $folder
done
mkdir -p /etc/etalage /var/lib/etalage "$ROOM/bin" "$ROOM/here"
cp "$ROOT/firmware_sim/shops/supermarket/plan.yaml" /etc/etalage/plan.yaml
cp "$ROOT/rules/books/supermarket.yaml" /etc/etalage/rules.yaml
sed -e 's/^chain = .*/chain = "demo-chain"/; s/^store = .*/store = "demo"/; s/^adapters = .*/adapters = {}/' \
    "$ROOT/deploy/etalage.toml" > /etc/etalage/etalage.toml
printf '#!/bin/sh\\nexec "%s" -m gateway "$@"\\n' "$PYTHON" > "$ROOM/bin/etalage"
chmod +x "$ROOM/bin/etalage"
export PATH="$ROOM/bin:$PATH"
cd "$ROOM/here"
printf '%s' "$BOOK" > my-shop.yaml
etalage books add /etc/etalage/rules.yaml --by anna >/dev/null
answers() { for _ in $(seq 600); do bash -c "echo > /dev/tcp/127.0.0.1/$1" 2>/dev/null && return; sleep 0.1; done; return 1; }
"""
"""An installed box in a room of its own, with the simulated supermarket's plan and book."""


class Block(NamedTuple):
    """One fenced block of commands."""

    text: str
    mark: str

    @property
    def is_run(self) -> bool:
        return not self.mark.startswith("not run here: ")


def blocks(page: Path) -> list[Block]:
    """Return the blocks of commands on a page, in order."""
    return [Block(found["text"], found["mark"] or "") for found in BLOCK.finditer(page.read_text(encoding="utf-8"))]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


RUN = [name(page) for page in PAGES if any(block.is_run for block in blocks(page))]


def script(page: str) -> str:
    """Return the page's commands as one program, each command shown before it runs."""
    lines = [BOX]
    if page in BESIDE:
        lines += [f"{BESIDE[page]} >beside.log 2>&1 &", "answers 8080 || { cat beside.log; exit 1; }"]
    for block in filter(lambda block: block.is_run, blocks(ROOT / page)):
        lines += [f"{{ {block.text.strip()}\n}} &" if block.mark == "run beside" else block.text]
        if block.mark == "run beside" and "etalage run" in block.text:
            lines += ["answers 8080"]  # it came up
    return "\n".join([*lines, "echo all ran", "kill $(jobs -p) 2>/dev/null || true"])


@pytest.mark.parametrize("page", RUN)
def test_every_command_of_a_page_runs_as_printed(page: str, tmp_path: Path) -> None:
    alone = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child"]
    alone += [] if os.geteuid() == 0 else ["--map-root-user"]
    book = re.search(r"```yaml\n(book: my-shop.*?)```", (ROOT / "docs" / "rules.md").read_text(encoding="utf-8"), re.DOTALL)
    assert book is not None
    room = {"ROOM": str(tmp_path), "ROOT": str(ROOT), "PYTHON": sys.executable, "BOOK": book[1], "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [*alone, "bash", "-ex", "-o", "pipefail", "-c", script(page)],
        env=os.environ | room,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert "all ran" in run.stdout, f"{run.stdout[-3000:]}\n{run.stderr[-3000:]}"


def test_what_is_not_run_is_counted_and_says_why() -> None:
    marked = {name(page): [block.mark for block in blocks(page) if not block.is_run] for page in PAGES}
    assert {page: len(marks) for page, marks in marked.items() if marks} == NOT_RUN
    assert all(len(mark) > len("not run here: ") + 10 for marks in marked.values() for mark in marks)


def test_no_command_stands_outside_a_block_that_is_run() -> None:
    """A command that is only indented would be read and typed, and never tried."""
    indented = re.compile(r"^    (?:sudo |\$ )?(?:etalage|curl|mosquitto_\w+|make) .*", re.MULTILINE)
    assert {name(page): found for page in PAGES if (found := indented.findall(page.read_text(encoding="utf-8")))} == {}
