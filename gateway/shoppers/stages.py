"""The customer journey: which stage a shopper stands in, and why. Pure.

new → returning → regular → engaged → fan → ambassador. Each stage names what it takes; a shopper stands in the highest stage
whose needs are all met. To reach a stage takes more than to stay in it (hysteresis), so nobody goes up and down with every visit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

STAGES = ("new", "returning", "regular", "engaged", "fan", "ambassador")
THRESHOLDS_VERSION = 1
"""Raised whenever a number below changes; every reason names the version it was made with."""


class Need(NamedTuple):
    """What a stage takes of one signal: so many to reach it, so many to stay."""

    signal: str
    reach: int
    stay: int


NEEDS: Mapping[str, tuple[tuple[Need, ...], ...]] = MappingProxyType(
    {
        # Twice in a quarter is no longer chance; once in a quarter keeps the thread.
        "returning": ((Need("visits_90d", 2, 1),),),
        # Every other week, or a little less often and buying; down to once in three weeks.
        "regular": ((Need("visits_90d", 6, 4),), (Need("visits_90d", 4, 3), Need("purchases_90d", 4, 3))),
        # Comes, and does something with what the shop offers.
        "engaged": ((Need("visits_90d", 4, 3), Need("engagements_90d", 3, 2)),),
        # Comes often, does a lot with it, and has said so in public.
        "fan": ((Need("visits_90d", 6, 4), Need("engagements_90d", 6, 4), Need("reviews_365d", 1, 1)),),
        # Brings others.
        "ambassador": ((Need("visits_90d", 4, 3), Need("engagements_90d", 4, 2), Need("shares_365d", 3, 2)),),
    }
)
"""For each stage the ways there; on each way every need must be met. Counts over rolling windows that end now.

Purchases open a second way and are needed on none: who keeps theirs to themselves can still reach every stage.
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """A stage, since when (epoch seconds), and why: the needs it met as signal → [seen, needed], with the thresholds' version."""

    stage: str
    since_s: float
    reason: Mapping[str, object]
    set_by: str | None = None
    """Who set it by hand; None: it follows the signals."""


def start(at_s: float) -> Standing:
    """Return where everybody starts."""
    return Standing(STAGES[0], at_s, MappingProxyType({"thresholds": THRESHOLDS_VERSION, "first_seen": True}))


def follow(before: Standing, signals: Mapping[str, int], now_s: float) -> Standing:
    """Return where a shopper stands by these signals; the same object when nothing changes. A stage set by hand stays."""
    if before.set_by is not None:
        return before
    stage = stage_of(before.stage, signals)
    if stage == before.stage:
        return before
    return Standing(stage, now_s, MappingProxyType(reason(before.stage, stage, signals)))


def stage_of(current: str, signals: Mapping[str, int]) -> str:
    """Return the highest stage that some way leads to: up to the current one by what it takes to stay."""
    place = STAGES.index(current)
    for index in range(len(STAGES) - 1, 0, -1):
        if _way(STAGES[index], signals, staying=index <= place) is not None:
            return STAGES[index]
    return STAGES[0]


def reason(before: str, after: str, signals: Mapping[str, int]) -> dict[str, object]:
    """Return why a stage changed: going up, the needs now met; going down, those of the old stage's first way no longer met."""
    way = _way(after, signals, staying=False) if STAGES.index(after) > STAGES.index(before) else None
    if way is not None:
        counted = {need.signal: {"seen": signals.get(need.signal, 0), "needed": need.reach} for need in way}
    else:
        missed = [need for need in NEEDS[before][0] if signals.get(need.signal, 0) < need.stay]
        counted = {need.signal: {"seen": signals.get(need.signal, 0), "needed": need.stay} for need in missed}
    return {"thresholds": THRESHOLDS_VERSION, "from": before, "signals": counted}


def _way(stage: str, signals: Mapping[str, int], *, staying: bool) -> tuple[Need, ...] | None:
    """Return the first way to a stage (or to stay in it) on which every need is met."""
    for way in NEEDS[stage]:
        if all(signals.get(need.signal, 0) >= (need.stay if staying else need.reach) for need in way):
            return way
    return None


def set_by_hand(stage: str, who: str, now_s: float) -> Standing:
    """Return a stage that staff set, whatever the signals say. Raises ValueError for an unknown stage."""
    if stage not in STAGES:
        raise ValueError(f"no such stage {stage!r}; there are {', '.join(STAGES)}")
    return Standing(stage, now_s, MappingProxyType({"thresholds": THRESHOLDS_VERSION, "by_hand": who}), who)
