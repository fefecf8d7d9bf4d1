"""Names that people in a shop know: a scanner is called by the zone that it hangs in."""

from __future__ import annotations

import numpy as np

from gateway.zones import geometry
from gateway.zones.plan import Scanner, StorePlan, Zone
from rules.texts import Language


def scanner_name(plan: StorePlan, scanner: str, language: Language) -> str:
    """Return `Wine (pi-1)`; only the id where the plan doesn't say in which zone it hangs, or doesn't know it."""
    part = next((part for part in plan.scanners if part.id == scanner), None)
    zone = None if part is None else _zone_of(plan, part)
    return scanner if zone is None else f"{zone.called(language)} ({scanner})"


def _zone_of(plan: StorePlan, part: Scanner) -> Zone | None:
    """Return the zone a scanner is said to hang in, or else the one that its place is in."""
    for zone in plan.zones:
        if zone.id == part.zone:
            return zone
        if part.zone is None and part.at is not None and zone.polygon and geometry.inside(np.array([part.at]), zone.polygon)[0]:
            return zone
    return None
