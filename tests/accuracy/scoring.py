"""The measures: accuracy, false entries, delay, stays found, entries per stay.

accuracy: share of the time in some true zone during which the tracker's zone is that zone. False entry: an entered zone that is
not the true zone at any time within ±3 s. Delay: start of a true stay of 6 s or more until the tracker's zone is first right in it.
"""

from __future__ import annotations

import csv
import statistics
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from gateway.model import Move, MoveEvent

SLACK_S = 3.0
LONG_STAY_S = 6.0


@dataclass(frozen=True, slots=True)
class Stay:
    shopper: str
    start_s: float
    end_s: float
    zone: str


@dataclass(slots=True)
class Tally:
    """Sums over shoppers and recordings, from which the measures come."""

    true_s: float = 0.0
    right_s: float = 0.0
    entries: int = 0
    false_entries: int = 0
    long_stays: int = 0
    stays: int = 0
    delays_s: list[float] = field(default_factory=list)

    def __iadd__(self, other: Tally) -> Tally:
        for name in ("true_s", "right_s", "entries", "false_entries", "long_stays", "stays"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.delays_s += other.delays_s
        return self

    def measures(self) -> dict[str, float]:
        return {
            "accuracy": round(self.right_s / max(self.true_s, 1e-9), 4),
            "false_per_h": round(self.false_entries / max(self.true_s, 1e-9) * 3600, 1),
            "delay_s": round(statistics.median(self.delays_s), 2) if self.delays_s else float("inf"),
            "found": round(len(self.delays_s) / max(self.long_stays, 1), 3),
            "entries_per_stay": round(self.entries / max(self.stays, 1), 2),
        }


def read_ground_truth(path: Path) -> list[Stay]:
    with path.open(encoding="utf-8") as file:
        return [Stay(row["shopper"], float(row["start"]), float(row["end"]), row["zone"]) for row in csv.DictReader(file)]


def tally(truth: Iterable[Stay], moves: Iterable[Move]) -> Tally:
    true_stays: dict[str, list[Stay]] = defaultdict(list)
    for stay in truth:
        true_stays[stay.shopper].append(stay)
    seen: dict[str, list[Stay]] = defaultdict(list)
    open_: dict[str, tuple[str, float]] = {}
    for move in moves:
        if move.event is MoveEvent.DWELL:
            continue
        if move.shopper in open_:
            zone, start_s = open_.pop(move.shopper)
            seen[move.shopper].append(Stay(move.shopper, start_s, move.at_s, zone))
        if move.event is MoveEvent.ENTER and move.zone is not None:
            open_[move.shopper] = (move.zone, move.at_s)
    for shopper, (zone, start_s) in open_.items():
        seen[shopper].append(Stay(shopper, start_s, float("inf"), zone))
    total = Tally()
    for shopper, stays in true_stays.items():
        total += _one(stays, seen[shopper])
    return total


def _one(true_stays: list[Stay], seen: list[Stay]) -> Tally:
    total = Tally(stays=len(true_stays), entries=len(seen))
    for stay in true_stays:
        total.true_s += stay.end_s - stay.start_s
        right = [s for s in seen if s.zone == stay.zone and s.start_s < stay.end_s and s.end_s > stay.start_s]
        total.right_s += sum(min(s.end_s, stay.end_s) - max(s.start_s, stay.start_s) for s in right)
        if stay.end_s - stay.start_s >= LONG_STAY_S:
            total.long_stays += 1
            if right:
                total.delays_s.append(max(0.0, right[0].start_s - stay.start_s))
    for entry in seen:
        near = (s for s in true_stays if s.start_s <= entry.start_s + SLACK_S and s.end_s >= entry.start_s - SLACK_S)
        total.false_entries += all(s.zone != entry.zone for s in near)
    return total
