"""The measures: accuracy, false entries, delay, stays found, entries per stay.

accuracy: share of the time in some true zone during which the tracker's zone is that zone. False entry: an entered zone that is
not the true zone at any time within ±3 s. Delay: start of a true stay of 6 s or more until the tracker's zone is first right in it.
"""

from __future__ import annotations

import csv
import statistics
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gateway.model import Move, MoveEvent

SLACK_S = 3.0
LONG_STAY_S = 6.0
BLOCK_S = 120.0
"""Errors of two minutes of one shopper hang together: blocks of these are drawn anew (block bootstrap, Künsch 1989)."""
RESAMPLES = 300
BINS = 10
"""Of the reliability table, and of the expected calibration error (Naeini et al. 2015)."""


class Said(NamedTuple):
    """What a tracker said of a shopper at a moment."""

    at_s: float
    shopper: str
    zone: str
    confidence: float


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
    blocks: list[tuple[float, float, int]] = field(default_factory=list)
    """True seconds, right seconds and false entries of each block."""
    reliability: dict[int, tuple[int, float, int]] = field(default_factory=dict)
    """By bin of confidence: moments, the sum of their confidence, and how many were right."""

    def __iadd__(self, other: Tally) -> Tally:
        for name in ("true_s", "right_s", "entries", "false_entries", "long_stays", "stays"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.delays_s += other.delays_s
        self.blocks += other.blocks
        for bin_, counted in other.reliability.items():
            mine = self.reliability.get(bin_, (0, 0.0, 0))
            self.reliability[bin_] = (mine[0] + counted[0], mine[1] + counted[1], mine[2] + counted[2])
        return self

    def measures(self) -> dict[str, float]:
        return {
            "accuracy": round(self.right_s / max(self.true_s, 1e-9), 4),
            "false_per_h": round(self.false_entries / max(self.true_s, 1e-9) * 3600, 1),
            "delay_s": round(statistics.median(self.delays_s), 2) if self.delays_s else float("inf"),
            "found": round(len(self.delays_s) / max(self.long_stays, 1), 3),
            "entries_per_stay": round(self.entries / max(self.stays, 1), 2),
            **self._uncertainty(),
            **({"ece": round(self.calibration_error(), 3)} if self.reliability else {}),
        }

    def calibration_error(self) -> float:
        """Return the mean gap between confidence and the share that was right, over bins, each by its moments."""
        moments = sum(count for count, _, _ in self.reliability.values())
        return sum(abs(said - right) for _, said, right in self.reliability.values()) / max(moments, 1)

    def _uncertainty(self) -> dict[str, float]:
        """Return the standard errors of accuracy and false entries, by drawing blocks anew."""
        blocks = np.array(self.blocks)
        drawn = np.random.default_rng(0).integers(len(blocks), size=(RESAMPLES, len(blocks)))
        true_s, right_s, false = blocks[drawn].sum(1).T
        hours = np.maximum(true_s, 1e-9) / 3600
        return {"accuracy_se": round(float((right_s / 3600 / hours).std()), 4), "false_se": round(float((false / hours).std()), 1)}


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
    blocks: dict[int, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for stay in true_stays:
        total.true_s += stay.end_s - stay.start_s
        right = [s for s in seen if s.zone == stay.zone and s.start_s < stay.end_s and s.end_s > stay.start_s]
        right_s = sum(min(s.end_s, stay.end_s) - max(s.start_s, stay.start_s) for s in right)
        total.right_s += right_s
        block = blocks[int(stay.start_s // BLOCK_S)]
        block[0] += stay.end_s - stay.start_s
        block[1] += right_s
        if stay.end_s - stay.start_s >= LONG_STAY_S:
            total.long_stays += 1
            if right:
                total.delays_s.append(max(0.0, right[0].start_s - stay.start_s))
    for entry in seen:
        near = (s for s in true_stays if s.start_s <= entry.start_s + SLACK_S and s.end_s >= entry.start_s - SLACK_S)
        false = all(s.zone != entry.zone for s in near)
        total.false_entries += false
        if false:
            blocks[int(entry.start_s // BLOCK_S)][2] += 1
    total.blocks = [(true_s, right_s, int(false)) for true_s, right_s, false in blocks.values()]
    return total


def reliability(truth: Iterable[Stay], said: Iterable[Said]) -> Tally:
    """Hold what was said at moments within true stays against them."""
    stays: dict[str, list[Stay]] = defaultdict(list)
    for stay in sorted(truth, key=lambda stay: stay.start_s):
        stays[stay.shopper].append(stay)
    starts = {shopper: [stay.start_s for stay in own] for shopper, own in stays.items()}
    total = Tally()
    for one in said:
        index = bisect_right(starts.get(one.shopper, []), one.at_s) - 1
        if index < 0 or one.at_s >= stays[one.shopper][index].end_s:
            continue
        bin_ = min(int(one.confidence * BINS), BINS - 1)
        count, confidence, right = total.reliability.get(bin_, (0, 0.0, 0))
        is_right = stays[one.shopper][index].zone == one.zone
        total.reliability[bin_] = (count + 1, confidence + one.confidence, right + is_right)
    return total
