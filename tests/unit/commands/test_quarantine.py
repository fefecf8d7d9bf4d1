"""`etalage quarantine`: what was set aside is shown without what it says, and goes again when a person says so."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.commands import CommandError
from gateway.commands.quarantine import quarantine
from gateway.settings import StorageSettings
from gateway.storage import Store, open_store, outbox
from gateway.storage.quarantine import set_aside


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "etalage.toml"
    path.write_text('[storage]\npath = "etalage.db"\n', encoding="utf-8")
    return path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(StorageSettings(path=tmp_path / "etalage.db"))
    row: dict[str, Any] = {"topic": "offers", "shopper": "s-1", "body": "SECRET", "at_s": 1.0, "expires_at_s": 9e9}
    for name in ("p-1", "p-2"):
        opened.writer.submit(partial(outbox.put, event_id=name, **row)).result()
        opened.writer.submit(partial(set_aside, event_id=name, reason="lost (5 times)", at_s=2.0)).result()
    yield opened
    opened.close()


def run(*arguments: str | Path) -> str:
    found = CliRunner().invoke(quarantine, [str(argument) for argument in arguments], env={"COLUMNS": "200"}, catch_exceptions=True)
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found.output


def test_the_list_says_why_and_not_what(store: Store, config: Path) -> None:
    said = run("list", "--config", config)
    assert "p-1" in said
    assert "5 times" in said
    assert "SECRET" not in said
    assert "s-1" not in said


def test_one_or_all_go_again(store: Store, config: Path) -> None:
    assert "1 message set to go again" in run("retry", "p-1", "--config", config)
    assert "1 message set to go again" in run("retry", "--config", config)
    assert "Nothing is set aside" in run("list", "--config", config)
    with store.read() as connection:
        assert outbox.count(connection) == 2


def test_an_id_that_is_not_there_is_an_error_that_says_what_to_do(store: Store, config: Path) -> None:
    with pytest.raises(CommandError, match="quarantine list"):
        run("retry", "nonsense", "--config", config)
