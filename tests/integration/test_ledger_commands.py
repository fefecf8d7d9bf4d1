"""`etalage books`, as a person types it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.commands import CommandError
from gateway.commands.books import books
from gateway.settings import StorageSettings
from gateway.storage import open_store

BOOK = """
book: demo
salt: demo-2026
four_eyes_above: 1
offers:
- id: wine
  kind: voucher
  at: {event: enter, zone: wine}
  caps: {issues: 2}
  voucher: {worth: {percent: 10}, cost: 2.5, codes: {generated: 8}}
  content: {nl: {title: "TITLE"}, en: {title: "TITLE"}}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Settings beside a plan of one zone, of a box that has run once."""
    (tmp_path / "plan.yaml").write_text(
        "store: demo\nzones:\n- {id: wine, name: {nl: Wijn, en: Wine}}\nscanners:\n- {id: pi-1, zone: wine}\n"
    )
    (tmp_path / "etalage.toml").write_text('[store]\nplan = "plan.yaml"\n')
    open_store(StorageSettings(path=tmp_path / "etalage.db")).close()
    return tmp_path / "etalage.toml"


def _say(config: Path, *words: str) -> str:
    result = CliRunner().invoke(books, [*words, "--config", str(config)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return str(result.output)


def _kept(config: Path, title: str) -> str:
    document = config.parent / f"{title}.yaml"
    document.write_text(BOOK.replace("TITLE", title))
    said = _say(config, "add", str(document), "--by", "anna")
    return said.split("Book ")[1][:12]


def test_a_book_is_added_approved_by_another_live_paused_and_rolled_back(config: Path) -> None:
    first, second = _kept(config, "one"), _kept(config, "two")
    with pytest.raises(CommandError, match="approve it"):
        _say(config, "approve", first, "--by", "anna")
    for book in (first, second):
        _say(config, "approve", book, "--by", "bert")
        _say(config, "live", book, "--by", "bert")
    assert first in _say(config, "rollback", "--by", "bert")
    _say(config, "pause", first, "--by", "bert", "--note", "queue")
    assert "live again" in _say(config, "resume", first, "--by", "bert")
    listed = _say(config, "list")
    assert "archived" in listed
    assert "live" in listed


def test_a_faulty_book_names_file_place_and_the_right_word(config: Path) -> None:
    document = config.parent / "faulty.yaml"
    document.write_text(BOOK.replace("zone: wine}", "zone: wien}"))
    with pytest.raises(CommandError, match="wine"):
        _say(config, "add", str(document))


def test_what_is_not_there_is_said_so(config: Path) -> None:
    with pytest.raises(CommandError, match="can't be read"):
        _say(config, "add", "nowhere.yaml")
    with pytest.raises(CommandError, match="books list"):
        _say(config, "live", "beef")
    with pytest.raises(CommandError, match="no zone"):
        _say(config, "live", "beef", "--zone", "atlantis")
    with pytest.raises(CommandError, match="neither a file"):
        _say(config, "diff", "beef")
    assert "No books yet" in _say(config, "list")


def test_a_draft_is_compared_with_an_empty_log(config: Path) -> None:
    document = config.parent / "draft.yaml"
    document.write_text(BOOK)
    assert "0 decisions" in _say(config, "diff", str(document))
