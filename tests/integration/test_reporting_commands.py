"""Every command that reports something says it to programs too: `--json`, and an exit code as docs/commands.md has it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.core import TyperCommand, TyperGroup
from typer.testing import CliRunner, Result

from gateway.__main__ import build
from gateway.offers.ledger import Ledger
from gateway.settings import StorageSettings
from gateway.storage import open_store
from rules import Chosen, Content, Decision, Gate, Group, Situation, Verdict

ROOT = Path(__file__).parents[2]
BOOKS = ROOT / "rules" / "books"
PLAN = ROOT / "firmware_sim" / "shops" / "supermarket" / "plan.yaml"
DOES = {
    "run": "runs until it is stopped",
    "scanner": "runs until it is stopped",
    "schema": "prints JSON anyway",
    "export": "prints JSON anyway",
    "privacy statement": "prints a paper",
    "privacy dpia": "prints a paper",
    "users token": "prints the token, and nothing else",
    "users claim": "prints the code, and nothing else",
    "users reset": "prints the code, and nothing else",
    "users add": "prints the path, and nothing else",
    "users password": "does what it says",
    "users revoke": "does what it says",
    "books add": "does what it says",
    "books approve": "does what it says",
    "books live": "does what it says",
    "books pause": "does what it says",
    "books resume": "does what it says",
    "books rollback": "does what it says",
    "shop set": "does what it says",
    "shop clear": "does what it says",
    "quarantine retry": "does what it says",
    "plan import": "does what it says",
    "plan export": "prints the plan, and nothing else",
    "update": "does what it says, and tells each step of it",
    "rollback": "does what it says, and tells each step of it",
}
"""Commands without a report, and why. A new command stands here or has `--json`."""
REPORTS = [
    "users list",
    "books list",
    f"books diff {BOOKS}/supermarket.yaml --days 1",
    "shop list",
    "quarantine list",
    "privacy report",
    "recall wine-tasting",
    "erase s-1 --yes",
    "backup",
]
"""Reports on a box that is fine. `{}` is its folder."""
WITHOUT_A_BOX = [
    "settings",
    f"rules check {BOOKS}/supermarket.yaml",
    f"rules explain {BOOKS}/supermarket.yaml --event enter --zone wine",
    f"contract --check --folder {ROOT}/docs",
]


def leaves(command: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, TyperCommand]]:
    """Yield every command that does something, with its path."""
    if isinstance(command, TyperGroup):
        for name, below in command.commands.items():
            yield from leaves(below, (*path, name))
    elif isinstance(command, TyperCommand):
        yield " ".join(path), command


def run(*words: str) -> Result:
    return CliRunner().invoke(build(words[0]), list(words))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A box with the simulated supermarket's plan and book, that has run once."""
    (tmp_path / "backups").mkdir()
    (tmp_path / "etalage.toml").write_text(
        f'[store]\nplan = "{PLAN}"\nrule_book = "{BOOKS}/supermarket.yaml"\n[shoppers]\nbackups = "backups"\n'
    )
    open_store(StorageSettings(path=tmp_path / "etalage.db")).close()
    here = ("--config", str(tmp_path / "etalage.toml"))
    assert run("books", "add", f"{BOOKS}/supermarket.yaml", *here).exit_code == 0
    [book] = json.loads(run("books", "list", "--json", *here).output)
    assert run("books", "approve", book["hash"], "--by", "bert", *here).exit_code == 0
    assert run("books", "live", book["hash"], *here).exit_code == 0
    return tmp_path / "etalage.toml"


def test_every_command_either_reports_as_json_or_is_known_to_report_nothing() -> None:
    found = dict(leaves(typer.main.get_command(build())))
    options = {name: {option for parameter in command.params for option in parameter.opts} for name, command in found.items()}
    without = {name for name, known in options.items() if "--json" not in known}
    assert without == set(DOES)


@pytest.mark.parametrize("command", REPORTS)
def test_a_report_is_json_and_ends_with_0_where_all_is_fine(command: str, config: Path) -> None:
    result = run(*command.split(), "--json", "--config", str(config))
    assert result.exit_code == 0, result.output
    json.loads(result.stdout)


@pytest.mark.parametrize("command", WITHOUT_A_BOX)
def test_a_report_that_needs_no_box_is_json_too(command: str) -> None:
    result = run(*command.split(), "--json")
    assert result.exit_code == 0, result.output
    json.loads(result.stdout)


def test_a_backup_and_what_came_back_of_it_are_reported(config: Path) -> None:
    made = json.loads(run("backup", "--json", "--config", str(config)).stdout)
    back = json.loads(run("restore", made["file"], "--replace", "--json", "--config", str(config)).stdout)
    assert (back["rows"], back["unreadable"]) == (made["rows"], 0)


def test_settings_that_are_not_right_are_reported_and_end_with_1(config: Path) -> None:
    fine = ended("settings", "--check", str(config), "--json")
    assert (fine.returncode, json.loads(fine.stdout)["right"]) == (0, True)
    config.write_text("[stor]\n")
    wrong = ended("settings", "--check", str(config), "--json")
    assert wrong.returncode == 1
    told = json.loads(wrong.stdout)
    assert not told["right"]
    assert "stor" in told["faults"][0]


def test_a_book_that_is_not_right_is_reported_and_ends_with_1(tmp_path: Path) -> None:
    book = tmp_path / "book.yaml"
    book.write_text("book: b\nsalt: s\noffers: []\n")
    wrong = ended("rules", "check", str(book), "--json")
    assert wrong.returncode == 1
    assert not json.loads(wrong.stdout)["right"]


def test_a_recall_takes_back_what_is_unsent_and_says_where_the_offer_is_live(config: Path) -> None:
    store, now_s = open_store(StorageSettings(path=config.parent / "etalage.db")), time.time()
    content = Content("Wijn", "")
    chosen = Chosen("wine-tasting", "content", None, "wine", "nl", content, now_s + 3600, 1, 1, 1, None, ())
    decision = Decision((chosen,), (), (Verdict("wine-tasting", Gate.CHOSEN),), "b" * 64, Group.TREATED)
    situation = Situation("s-1", now_s, "enter", "wine", 0, "v", frozenset(), "nl", {}, {}, (), 6, frozenset())
    Ledger(store, "etalage/c/s/gw-1").promise(decision, situation).result(30)
    store.close()
    words = ("recall", "wine-tasting", "--json", "--config", str(config))
    assert json.loads(run(*words).stdout) == {"offer": "wine-tasting", "taken_back": 1, "stand": 0, "live_in": ["supermarket"]}
    assert json.loads(run(*words).stdout)["taken_back"] == 0
    assert run("recall", "wine-tastin", "--config", str(config)).exit_code == 1


def test_what_can_t_be_done_ends_with_1_and_a_command_line_that_can_t_be_read_with_2(tmp_path: Path) -> None:
    nowhere = ended("users", "list", "--config", str(tmp_path / "nowhere.toml"))
    assert (nowhere.returncode, nowhere.stdout) == (1, "")
    assert ended("users", "list", "--colour").returncode == 2
    assert ended("users", "lisst").returncode == 2


def ended(*words: str) -> subprocess.CompletedProcess[str]:
    """Return how a command ended, as a shell sees it."""
    return subprocess.run([sys.executable, "-m", "gateway", *words], capture_output=True, text=True, timeout=60, check=False)
