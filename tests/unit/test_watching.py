"""What deploy/ has for Prometheus and Grafana: it can be loaded, and names only figures that the gateway gives."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from gateway.dashboard.metrics import Figures
from gateway.zones.plan import load_plan
from tests.support.pretend_view import PretendView
from tests.support.supermarket import PLAN_FILE

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = yaml.safe_load((DEPLOY / "prometheus" / "etalage-alerts.yml").read_text())["groups"][0]["rules"]
DASHBOARD = json.loads((DEPLOY / "grafana" / "etalage.json").read_text())


@pytest.fixture(scope="module")
def figures() -> dict[str, set[str]]:
    """Every figure the gateway gives, as Prometheus stores it, with its labels."""
    view = PretendView(load_plan(PLAN_FILE), refused={"zones": {"late": 1}})
    view.come([f"s-{number}" for number in range(40)], "wine")
    view.promise("s-1", "Rioja")
    found: dict[str, set[str]] = {"up": set()}
    for family in Figures(view).collect():
        labels = {label for sample in family.samples for label in sample.labels}
        for sample in family.samples:
            found[sample.name] = labels
    return found


def named(expression: str) -> set[str]:
    return set(re.findall(r"\b(?:etalage_\w+|up)\b", expression))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_an_alert_reads_figures_there_are_and_says_what_to_do(
    rule: dict[str, dict[str, str]], figures: dict[str, set[str]]
) -> None:
    expression = str(rule["expr"])
    assert named(expression)
    assert named(expression) <= set(figures)
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert len(rule["annotations"]["description"]) > 40
    labels = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"]))) - {"instance"}
    assert all(labels <= figures[name] for name in named(expression))


@pytest.mark.parametrize("panel", DASHBOARD["panels"], ids=lambda panel: str(panel["title"]))
def test_a_panel_reads_figures_there_are(panel: dict[str, list[dict[str, str]]], figures: dict[str, set[str]]) -> None:
    for target in panel["targets"]:
        names = named(target["expr"])
        assert names
        assert names <= set(figures)
        shown = set(re.findall(r"{{(\w+)}}", target["legendFormat"])) - {"instance"}
        assert all(shown <= figures[name] for name in names)


def test_panels_have_places_of_their_own() -> None:
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in DASHBOARD["panels"]]
    assert len(set(places)) == len(places) == len({panel["id"] for panel in DASHBOARD["panels"]})
