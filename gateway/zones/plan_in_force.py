"""Which plan a gateway works by: the file that the settings name, else the one drawn in the dashboard, else none at all."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple

from gateway.settings import Settings
from gateway.zones.calibration import Calibration, CalibrationError, load_calibration
from gateway.zones.plan import StorePlan, load_plan, parse_plan, with_shop
from gateway.zones.plan_folder import PlanFolder, checked
from rules.texts import N_, in_all

PlanSource = Literal["file", "dashboard", "none"]
ONLY_ZONE = "shop"
WITHOUT_A_PLAN = N_("Shop")


class PlanInForce(NamedTuple):
    """The plan, where it comes from, and what was learned of the place."""

    plan: StorePlan
    source: PlanSource
    calibration: Calibration | None = None
    misfit: str = ""
    """Why a calibration there is isn't used; empty where it is, or there is none."""


def plan_folder(settings: Settings) -> PlanFolder:
    """Return the folder of the plans that are drawn in the dashboard."""
    return PlanFolder(settings.storage.path.with_suffix(".plan"))


def plan_in_force(settings: Settings) -> PlanInForce:
    """Read the plan, with what the shop's settings say of it, and its calibration. Raises PlanError, CalibrationError."""
    place = _as_drawn(settings)
    return place._replace(plan=with_shop(place.plan, settings.shop))


def _as_drawn(settings: Settings) -> PlanInForce:
    store, folder = settings.store, plan_folder(settings)
    if store.plan is not None:
        calibration = None if store.calibration is None else load_calibration(store.calibration)
        return PlanInForce(load_plan(store.plan), "file", calibration)
    newest = folder.newest()
    if newest is None:
        return PlanInForce(without_a_plan(store.store, settings.radio.adapters), "none")
    plan = checked(newest)
    return PlanInForce(plan, "dashboard", *_calibration(plan, store.calibration or folder.calibration))


def _calibration(plan: StorePlan, path: Path) -> tuple[Calibration | None, str]:
    """Return a drawn plan's calibration, or why it isn't used: a plan put to work must not keep the gateway from its start."""
    if not path.exists():
        return None, ""
    try:
        calibration = load_calibration(path)
    except CalibrationError as error:
        return None, str(error)
    if calibration.plan != plan.fingerprint():
        return None, "it was made for another plan: zones, scanners or walls differ"
    return calibration, ""


def without_a_plan(store: str, adapters: Iterable[str]) -> StorePlan:
    """Return what is known of a shop that nobody drew: somebody is in it, or nobody is."""
    scanners = [{"id": adapter, "zone": ONLY_ZONE} for adapter in adapters] or [{"id": "pi-1", "zone": ONLY_ZONE}]
    return parse_plan({"store": store, "zones": [{"id": ONLY_ZONE, "name": in_all(WITHOUT_A_PLAN)}], "scanners": scanners})
