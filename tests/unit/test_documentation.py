"""What the pages say is true of the code, as far as a machine can tell."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.__main__ import COMMANDS
from gateway.commands.settings import reference

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md")])
IDS = [str(page.relative_to(ROOT)) for page in PAGES]


def test_the_settings_page_is_what_the_code_says() -> None:
    assert (ROOT / "docs" / "settings.md").read_text() == reference() + "\n", "run `make contract`"


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", page.read_text())
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_command_a_page_names_exists(page: Path) -> None:
    named = set(re.findall(r"(?:`|\$ |sudo |^|bin/)etalage ([a-z]+)\b", page.read_text(), flags=re.MULTILINE))
    assert named <= {*COMMANDS, "demo"}


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_make_target_a_page_names_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert set(re.findall(r"`?\bmake ([a-z]+(?:-[a-z]+)*)`", page.read_text())) <= targets
