"""Reads where walkers truly were, and compares a calibrated tracker with it."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.model import Move, MoveEvent
from gateway.zones.calibration import CalibrationError
from gateway.zones.plan import StorePlan
from gateway.zones.survey import TrueStay, Walk, learn
from gateway.zones.tracker import make_tracker

NOWHERE = "-"
"""Column for time in which no zone was said."""


class GroundTruthError(ValueError):
    """A truth file can't be used; the text is one line."""


@dataclass(frozen=True, slots=True)
class Confusion:
    """Time in true zones by the zone that was said; `share` (true, said) sums to 1 in each row."""

    true_zones: tuple[str, ...]
    said_zones: tuple[str, ...]
    share: tuple[tuple[float, ...], ...]
    accuracy: float


def read_ground_truth(path: Path, plan: StorePlan) -> tuple[TrueStay, ...]:
    """Read the stays of a `.truth.csv` (`shopper,start,end,zone`). Raises GroundTruthError with file and line."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return tuple(_stay(path, number, row, plan) for number, row in enumerate(csv.DictReader(file), start=2))
    except OSError as error:
        raise GroundTruthError(f"{path}: can't be read ({error.strerror}); give the truth of the recording") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise GroundTruthError(f"{path}: is no CSV text; write lines of shopper,start,end,zone") from error


def _stay(path: Path, number: int, row: dict[str, str | None], plan: StorePlan) -> TrueStay:
    try:
        stay = TrueStay(str(row["shopper"]), float(row["start"] or ""), float(row["end"] or ""), str(row["zone"]))
    except (KeyError, ValueError) as error:
        raise GroundTruthError(f"{path}:{number}: write shopper,start,end,zone with times in seconds") from error
    if not (math.isfinite(stay.start_s) and math.isfinite(stay.end_s) and stay.start_s <= stay.end_s):
        raise GroundTruthError(f"{path}:{number}: the stay ends before it starts")
    if stay.zone not in plan.zone_ids:
        raise GroundTruthError(f"{path}:{number}: zone {stay.zone} is not in the plan of {plan.store}")
    return stay


def confusion(plan: StorePlan, walks: Sequence[Walk]) -> Confusion:
    """Judge each walk by a calibration from the others; a single walk by its two halves, each from the other."""
    parts = list(walks) if len(walks) > 1 else [part for walk in walks for part in _halves(walk)]
    seconds: dict[tuple[str, str], float] = {}
    for index, part in enumerate(parts):
        try:
            calibration = learn(plan, parts[:index] + parts[index + 1 :])
        except CalibrationError:
            continue
        tracker = make_tracker(plan, calibration)
        moves = [move for sighting in part.sightings for move in tracker.see(sighting)]
        _add(seconds, part.stays, moves)
    true_zones = tuple(zone for zone in plan.zone_ids if any(true == zone for true, _ in seconds))
    said_zones = tuple(zone for zone in (*plan.zone_ids, NOWHERE) if any(said == zone for _, said in seconds))
    whole = {zone: sum(s for (true, _), s in seconds.items() if true == zone) for zone in true_zones}
    share = tuple(tuple(seconds.get((true, said), 0.0) / whole[true] for said in said_zones) for true in true_zones)
    right_s = sum(s for (true, said), s in seconds.items() if true == said)
    return Confusion(true_zones, said_zones, share, right_s / max(sum(whole.values()), 1e-9))


def _halves(walk: Walk) -> list[Walk]:
    """Split by every other stay: both halves see all zones where each was walked twice."""
    halves = []
    for parity in (0, 1):
        stays = walk.stays[parity::2]
        heard = [s for s in walk.sightings if any(stay.start_s <= s.at_s < stay.end_s for stay in stays)]
        halves.append(Walk(heard, stays))
    return halves if all(half.sightings for half in halves) else []


def _add(seconds: dict[tuple[str, str], float], stays: Sequence[TrueStay], moves: Sequence[Move]) -> None:
    for stay in stays:
        at_s, said = stay.start_s, NOWHERE
        for move in moves:
            if move.shopper != stay.shopper or move.event is not MoveEvent.ENTER:
                continue
            if stay.start_s < move.at_s < stay.end_s:
                seconds[stay.zone, said] = seconds.get((stay.zone, said), 0.0) + move.at_s - at_s
                at_s = move.at_s
            if move.at_s < stay.end_s:
                said = move.zone or NOWHERE
        seconds[stay.zone, said] = seconds.get((stay.zone, said), 0.0) + stay.end_s - at_s
