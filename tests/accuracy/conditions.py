"""Harder conditions for a scene: packets lost, scanners dead or dying, a fast clock, a loud phone, a plan without positions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from gateway.model import Sighting
from gateway.zones.plan import parse_plan
from tests.accuracy.scenes import Scene

Heard = tuple[Sighting, ...]
KEPT_SHARE = 0.3
CLOCK_AHEAD_S = 3.0
LOUDER_DB = 10


def thinned(scene: Scene) -> Scene:
    """Keep three receptions in ten."""

    def kept(heard: Heard) -> Heard:
        keep = np.random.default_rng(len(heard)).random(len(heard)) < KEPT_SHARE
        return tuple(sighting for sighting, stays in zip(heard, keep, strict=True) if stays)

    return _changed(scene, kept)


def dead(scene: Scene) -> Scene:
    """Take one scanner's readings out, from the start; the plan still has it."""
    return _changed(scene, lambda heard: tuple(sighting for sighting in heard if sighting.scanner != _victim(scene)))


def without_it(scene: Scene) -> Scene:
    """Take the same scanner out of the plan as well: what a dead one is held against."""
    plan = scene.plan.model_dump(mode="json", exclude_none=True)
    plan["scanners"] = [scanner for scanner in plan["scanners"] if scanner["id"] != _victim(scene)]
    return replace(dead(scene), plan=parse_plan(plan))


def dying(scene: Scene) -> Scene:
    """Let one scanner fall silent half-way."""

    def until_half(heard: Heard) -> Heard:
        middle_s = (heard[0].at_s + heard[-1].at_s) / 2
        return tuple(sighting for sighting in heard if sighting.scanner != _victim(scene) or sighting.at_s < middle_s)

    return _changed(scene, until_half)


def fast_clock(scene: Scene) -> Scene:
    """Stamp one scanner's readings three seconds ahead."""
    victim = _victim(scene)
    return _changed(
        scene, lambda heard: tuple(s._replace(at_s=s.at_s + CLOCK_AHEAD_S) if s.scanner == victim else s for s in heard)
    )


def loud_phone(scene: Scene) -> Scene:
    """Hear everybody's phone 10 dB louder."""
    return _changed(scene, lambda heard: tuple(s._replace(rssi_dbm=min(s.rssi_dbm + LOUDER_DB, 0)) for s in heard))


def without_positions(scene: Scene) -> Scene:
    """Leave only the zone of each scanner in the plan: no drawing, no positions, no walls."""
    plan = scene.plan.model_dump(mode="json", exclude_none=True)
    bare = {
        "store": plan["store"],
        "zones": [{"id": zone["id"]} for zone in plan["zones"]],
        "scanners": [{"id": one["id"], "zone": one["zone"]} for one in plan["scanners"] if "zone" in one],
    }
    return replace(scene, plan=parse_plan(bare))


CONDITIONS: dict[str, Callable[[Scene], Scene]] = {
    "thinned to 30 %": thinned,
    "scanner dead": dead,
    "plan without it": without_it,
    "scanner dies": dying,
    "clock 3 s ahead": fast_clock,
    "phones 10 dB louder": loud_phone,
    "no positions": without_positions,
}


def _changed(scene: Scene, change: Callable[[Heard], Heard]) -> Scene:
    """Apply a change to what was heard; the truth stays."""
    return replace(scene, passages=tuple((change(heard), stays) for heard, stays in scene.passages))


def _victim(scene: Scene) -> str:
    """Return the scanner that fails: the second of the plan's own order."""
    return scene.plan.scanners[1].id
