"""`etalage schema`: an editor that goes by it takes what the product takes, and marks what it refuses by its form."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

import rules
from gateway.__main__ import build
from gateway.commands.schema import Written, editor_schema
from rules.format.reading import read_document

ROOT = Path(rules.__file__).parents[1]
BOOKS = [*sorted((ROOT / "rules" / "books").glob("*.yaml")), ROOT / "deploy" / "rules.yaml"]
PLANS = [*sorted(ROOT.glob("firmware_sim/shops/*/plan.yaml")), ROOT / "deploy" / "plan.yaml"]
BOOK = """
book: b
salt: s
offers:
- id: o
  kind: voucher
  at: {event: dwell, zone: bread, for: 10s}
  until: 2026-12-24
  voucher: {worth: {percent: 10}, codes: {generated: 8}, valid_for: 2h}
  content: {nl: {title: a}, en: {title: a}}
"""


def faults(written: Written, data: Any) -> list[str]:
    """Where an editor would draw a line."""
    return [f"{'.'.join(map(str, error.path))}" for error in Draft202012Validator(editor_schema(written)).iter_errors(data)]


@pytest.mark.parametrize("written", Written)
def test_a_schema_is_one_and_is_printed(written: Written) -> None:
    shown = CliRunner().invoke(build("schema"), ["schema", written.value])
    assert json.loads(shown.stdout) == editor_schema(written)
    Draft202012Validator.check_schema(editor_schema(written))


@pytest.mark.parametrize(
    "path", [*sorted((ROOT / "rules" / "books").glob("*.yaml")), ROOT / "deploy" / "rules.yaml"], ids=lambda path: path.stem
)
def test_the_example_books_fit(path: Path) -> None:
    assert faults(Written.RULE_BOOK, read_document(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "path", [*sorted(ROOT.glob("firmware_sim/shops/*/plan.yaml")), ROOT / "deploy" / "plan.yaml"], ids=lambda path: path.parent.name
)
def test_the_example_plans_fit(path: Path) -> None:
    assert faults(Written.PLAN, yaml.safe_load(path.read_text(encoding="utf-8"))) == []


def test_the_example_settings_fit_and_a_wrong_word_does_not() -> None:
    settings = tomllib.loads((ROOT / "deploy" / "etalage.toml").read_text(encoding="utf-8"))
    assert faults(Written.SETTINGS, settings) == []
    assert faults(Written.SETTINGS, settings | {"mqtt": {"brokesr": []}}) == ["mqtt"]


@pytest.mark.parametrize(
    ("right", "wrong", "place"),
    [
        ("kind: voucher", "kind: vouchr", "offers.0.kind"),
        ("for: 10s", "for: 10", "offers.0.at"),
        ("valid_for: 2h", "valid_for: two hours", "offers.0.voucher"),
        ("until: 2026-12-24", "until: 20261224", "offers.0.until"),
        ("en: {title: a}", "de: {title: a}", "offers.0.content"),
        ("percent: 10", "percent: 10, amount: 3", "offers.0.voucher"),
        ("id: o", "id: o, tiers: 3", "offers.0"),
    ],
)
def test_what_the_check_refuses_by_its_form_an_editor_marks(right: str, wrong: str, place: str) -> None:
    assert faults(Written.RULE_BOOK, read_document(BOOK)) == []
    marked = faults(Written.RULE_BOOK, read_document(BOOK.replace(right, wrong.replace(", tiers", "\n  tiers"))))
    assert marked
    assert all(one.startswith(place) for one in marked)
