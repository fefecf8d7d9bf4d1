"""Scores the tracker and its rivals, prints the table and compares it with the committed baseline.

python -m tests.accuracy.score                  everything; fails when a measure fell behind baseline.json beyond its noise
python -m tests.accuracy.score --accept         writes baseline.json anew
python -m tests.accuracy.score --bound          the tracker with the simulator's own true levels for a map: what the data hold
python -m tests.accuracy.score --trade docs/zones-trade.svg    draws delay against false entries over `false_entry_cost`
"""

from __future__ import annotations

import gateway  # noqa: F401 # isort: skip  # before numpy, as it sets one BLAS thread

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from gateway.model import Move, Sighting
from gateway.settings import ZonesSettings
from gateway.zones.calibration import Calibration
from gateway.zones.parameters import ModelParameters
from gateway.zones.place_model import build_place_model
from gateway.zones.plan import StorePlan
from gateway.zones.survey import Walk, learn
from gateway.zones.tracker import Tracker, make_tracker
from tests.accuracy import trade
from tests.accuracy.rivals import KalmanNearest, StrongestMean, StrongestWithHysteresis, moves_of
from tests.accuracy.scenes import NAMES, SIMULATED, Scene, true_levels
from tests.accuracy.scenes import scene as scene_of
from tests.accuracy.scoring import Tally, tally

BASELINE = Path(__file__).parent / "baseline.json"
NOISE = {"accuracy": -0.03, "false_per_h": 12.0, "delay_s": 0.75}
"""How far a measure may fall behind: about two standard errors of the shortest recordings. False entries: or a third."""
RIVALS = {"strongest mean": StrongestMean, "kalman nearest": KalmanNearest, "strongest, hysteresis": StrongestWithHysteresis}
PERFECT_MAP_DB = 2.5
"""A level is never known better: another phone, another hand."""
Table = dict[str, dict[str, dict[str, float]]]
Follow = Callable[[StorePlan, tuple[Sighting, ...], int], Iterable[Move]]


def follow(plan: StorePlan, heard: Iterable[Sighting], settings: ZonesSettings, lesson: tuple[Walk, ...] | None) -> list[Move]:
    """Return the tracker's moves over a passage; with a lesson given, calibrated by it."""
    calibration = _learned(plan, lesson) if lesson else None
    return through(make_tracker(plan, calibration, settings), heard, settings)


def through(tracker: Tracker, heard: Iterable[Sighting], settings: ZonesSettings) -> list[Move]:
    """Return a tracker's moves over a passage."""
    moves: list[Move] = []
    last_s = 0.0
    for sighting in heard:
        moves += tracker.see(sighting)
        last_s = sighting.at_s
    return [*moves, *tracker.tick(last_s + settings.step_s)]


_CALIBRATIONS: dict[int, Calibration] = {}


def _learned(plan: StorePlan, lesson: tuple[Walk, ...]) -> Calibration:
    """Passages that share a lesson share its calibration."""
    if id(lesson) not in _CALIBRATIONS:
        _CALIBRATIONS[id(lesson)] = learn(plan, lesson)
    return _CALIBRATIONS[id(lesson)]


def score(scene: Scene, moves: Follow) -> Tally:
    total = Tally()
    for passage, (heard, stays) in enumerate(scene.passages):
        total += tally(stays, moves(scene.plan, heard, passage))
    return total


def methods(scene: Scene) -> dict[str, Follow]:
    """Return every method that is scored on a scene."""
    settings = ZonesSettings()
    result: dict[str, Follow] = {
        name: lambda plan, heard, _, make=make: moves_of(make, plan, heard)  # type: ignore[misc]  # bound per rival
        for name, make in RIVALS.items()
    }
    result["etalage, plan only"] = lambda plan, heard, passage: follow(plan, heard, settings, None)
    result["etalage, calibrated"] = lambda plan, heard, passage: follow(plan, heard, settings, scene.calibration_walks[passage])
    return result


def table() -> Table:
    """All measures, printed as they come; scenes side by side, one to a core."""
    result: Table = {}
    print(f"{'':16s} {'':20s} accuracy  false/h  delay s  found  entries/stay")
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        for name, rows in zip(NAMES, pool.map(measured, NAMES), strict=True):
            result[name] = rows
            for method, m in rows.items():
                print(
                    f"{name:16s} {method:20s} {m['accuracy']:8.3f} {m['false_per_h']:8.1f} {m['delay_s']:8.1f} "
                    f"{m['found']:6.2f} {m['entries_per_stay']:8.2f}",
                    flush=True,
                )
    return result


def measured(name: str) -> dict[str, dict[str, float]]:
    """All measures of one scene."""
    _CALIBRATIONS.clear()
    place = scene_of(name)
    return {method: score(place, moves).measures() for method, moves in methods(place).items()}


def bound() -> None:
    """Print what is reached with a perfect map; the rest is body, fading and the moment that a change takes to be sure of."""
    for scene in map(scene_of, SIMULATED):
        m = score(scene, lambda _, heard, passage, scene=scene: knowing(scene, passage, heard)).measures()  # type: ignore[misc]  # bound per scene
        print(f"{scene.name:16s} true levels {m['accuracy']:8.3f} {m['false_per_h']:8.1f} {m['delay_s']:8.1f}", flush=True)


def knowing(scene: Scene, passage: int, heard: tuple[Sighting, ...]) -> list[Move]:
    """Return the moves of a tracker that knows a simulated shop's true mean levels."""
    settings = ZonesSettings()
    place = build_place_model(scene.plan, settings.step_s)
    level = true_levels(scene, passage, place)
    known = replace(place, level_dbm=level, spread_db=np.full_like(level, PERFECT_MAP_DB))
    return through(Tracker(known, settings, ModelParameters()), heard, settings)


def behind(now: Table, baseline: Table) -> list[str]:
    """One line for each measure of the tracker that fell behind the baseline by more than its noise."""
    faults = []
    for scene, rows in baseline.items():
        for name in (row for row in rows if row.startswith("etalage")):
            for measure, noise in NOISE.items():
                was, is_ = rows[name][measure], now.get(scene, {}).get(name, {}).get(measure)
                allowed = max(noise, was / 3) if measure == "false_per_h" else noise
                if is_ is None or (is_ < was + allowed if noise < 0 else is_ > was + allowed):
                    faults.append(f"{scene}, {name}: {measure} was {was}, is {is_}")
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accept", action="store_true", help="make this run the baseline")
    parser.add_argument("--bound", action="store_true", help="score with the simulator's true levels for a map")
    parser.add_argument("--trade", type=Path, help="draw the trade of delay and false entries to this SVG file")
    arguments = parser.parse_args()
    if arguments.bound:
        bound()
        return 0
    if arguments.trade:
        arguments.trade.write_text(trade.drawing(trade.curves(follow, score)), encoding="utf-8")
        return 0
    now = table()
    if arguments.accept:
        BASELINE.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")
        return 0
    faults = behind(now, json.loads(BASELINE.read_text(encoding="utf-8")))
    print("\n".join(faults) or "nothing fell behind the baseline")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
