"""`etalage contract`: writes the documents, notices old and changed ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.commands import CommandError
from gateway.commands.contract import contract
from gateway.mqtt.contract import documents


def test_what_was_written_is_current(tmp_path: Path) -> None:
    contract(tmp_path, check=False)
    contract(tmp_path, check=True)
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")} == set(documents())


def test_a_changed_or_left_over_document_is_named(tmp_path: Path) -> None:
    contract(tmp_path, check=False)
    (tmp_path / "asyncapi.yaml").write_text("changed", encoding="utf-8")
    (tmp_path / "schemas" / "horoscope.json").write_text("{}", encoding="utf-8")
    with pytest.raises(CommandError, match=r"asyncapi\.yaml, schemas/horoscope\.json"):
        contract(tmp_path, check=True)
    contract(tmp_path, check=False)
    contract(tmp_path, check=True)
    assert not (tmp_path / "schemas" / "horoscope.json").exists()
