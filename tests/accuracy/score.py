"""Scores the tracker and its rivals, prints the table and compares it with the committed baseline.

python -m tests.accuracy.score                  everything; fails when a measure fell behind baseline.json beyond its noise
python -m tests.accuracy.score --scene tetam    one scene only
python -m tests.accuracy.score --accept         writes baseline.json anew
python -m tests.accuracy.score --hard           the harder conditions (conditions.py), plan only, paired with the rivals
python -m tests.accuracy.score --reliability    how often it is right when it says so and so
python -m tests.accuracy.score --bound          the tracker with the simulator's own true levels for a map: what the data hold
python -m tests.accuracy.score --trade docs/zones-trade.svg    draws delay against false entries over `false_entry_cost`
"""

from __future__ import annotations

import gateway  # noqa: F401 # isort: skip  # before numpy, as it sets one BLAS thread

import argparse
import json
import math
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
from tests.accuracy.conditions import CONDITIONS
from tests.accuracy.rivals import KalmanNearest, StrongestMean, StrongestWithHysteresis, moves_of
from tests.accuracy.scenes import NAMES, SIMULATED, Scene, true_levels
from tests.accuracy.scenes import scene as scene_of
from tests.accuracy.scoring import Said, Tally, reliability, tally

BASELINE = Path(__file__).parent / "baseline.json"
NOISE = {"accuracy": -0.03, "false_per_h": 12.0, "delay_s": 0.75}
"""How far a measure may fall behind: about two standard errors of the shortest recordings. False entries: or a third."""
RIVALS = {"strongest mean": StrongestMean, "kalman nearest": KalmanNearest, "strongest, hysteresis": StrongestWithHysteresis}
PERFECT_MAP_DB = 2.5
"""A level is never known better: another phone, another hand."""
Table = dict[str, dict[str, dict[str, float]]]
LARGEST_ECE, ECE_NOISE = 0.05, 0.02
"""Confidence has to hold so well on every scene; where it doesn't yet, it mustn't become worse by more than noise."""
Follow = Callable[[StorePlan, tuple[Sighting, ...], int], Iterable[Move]]


class Followed(list[Move]):
    """A tracker's moves, and what it said once a step."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[Said] = []


def follow(plan: StorePlan, heard: Iterable[Sighting], settings: ZonesSettings, lesson: tuple[Walk, ...] | None) -> list[Move]:
    """Return the tracker's moves over a passage; with a lesson given, calibrated by it."""
    calibration = _learned(plan, lesson) if lesson else None
    return through(make_tracker(plan, calibration, settings), heard, settings)


def through(tracker: Tracker, heard: Iterable[Sighting], settings: ZonesSettings) -> Followed:
    """Return a tracker's moves over a passage."""
    moves = Followed()
    last_s = next_s = -math.inf
    for sighting in heard:
        moves += tracker.see(sighting)
        last_s = sighting.at_s
        if last_s >= next_s:
            next_s = last_s + settings.step_s
            moves.said += [Said(last_s, p.shopper, p.zone, p.confidence) for p in tracker.present() if p.zone is not None]
    moves += tracker.tick(last_s + settings.step_s)
    return moves


_CALIBRATIONS: dict[int, Calibration] = {}


def _learned(plan: StorePlan, lesson: tuple[Walk, ...]) -> Calibration:
    """Passages that share a lesson share its calibration."""
    if id(lesson) not in _CALIBRATIONS:
        _CALIBRATIONS[id(lesson)] = learn(plan, lesson)
    return _CALIBRATIONS[id(lesson)]


def score(scene: Scene, moves: Follow) -> Tally:
    total = Tally()
    for passage, (heard, stays) in enumerate(scene.passages):
        found = moves(scene.plan, heard, passage)
        total += tally(stays, found)
        if isinstance(found, Followed):
            total += reliability(stays, found.said)
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


def table(names: tuple[str, ...], measure: Callable[[str], dict[str, dict[str, float]]]) -> Table:
    """All measures, printed as they come; scenes side by side, one to a core."""
    result: Table = {}
    print(f"{'':16s} {'':42s} accuracy ± s.e.  false/h ± s.e.  delay s  found  entries/stay    ece")
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        for name, rows in zip(names, pool.map(measure, names), strict=True):
            result[name] = rows
            for method, m in rows.items():
                print(
                    f"{name:16s} {method:42s} {m['accuracy']:8.3f} {m['accuracy_se']:.3f} "
                    f"{m['false_per_h']:8.1f} {m['false_se']:5.1f} "
                    f"{m['delay_s']:8.1f} {m['found']:6.2f} {m['entries_per_stay']:8.2f} {m.get('ece', math.nan):10.3f}",
                    flush=True,
                )
    return result


def hard(name: str) -> dict[str, dict[str, float]]:
    """Return the measures of one scene under the harder conditions, of a simulated shop in its first world."""
    place = scene_of(name, worlds=1)
    result: dict[str, dict[str, float]] = {}
    for condition, change in CONDITIONS.items():
        changed = change(place)
        for method, moves in methods(changed).items():
            if method != "etalage, calibrated":
                result[f"{condition}: {method}"] = score(changed, moves).measures()
    return result


def reliability_table(names: tuple[str, ...]) -> None:
    """Print, by scene, how often the tracker is right when it says so and so."""
    for name in names:
        place = scene_of(name)
        for method in ("etalage, plan only", "etalage, calibrated"):
            bins = sorted(score(place, methods(place)[method]).reliability.items())
            row = "  ".join(f"{said / count:.2f}→{right / count:.2f} ({count})" for _, (count, said, right) in bins)
            print(f"{name:16s} {method:20s} {row}", flush=True)


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
            if "ece" in rows[name] and now.get(scene, {}).get(name, {}).get("ece", 1.0) > max(
                LARGEST_ECE, rows[name]["ece"] + ECE_NOISE
            ):
                faults.append(f"{scene}, {name}: ece was {rows[name]['ece']}, is {now.get(scene, {}).get(name, {}).get('ece')}")
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accept", action="store_true", help="make this run the baseline")
    parser.add_argument("--bound", action="store_true", help="score with the simulator's true levels for a map")
    parser.add_argument("--trade", type=Path, help="draw the trade of delay and false entries to this SVG file")
    parser.add_argument("--hard", action="store_true", help="score under harder conditions")
    parser.add_argument("--reliability", action="store_true", help="print how often it is right when it says so and so")
    parser.add_argument("--scene", choices=NAMES, action="append", help="only this scene; may be given several times")
    arguments = parser.parse_args()
    names = tuple(arguments.scene or NAMES)
    if arguments.hard:
        table(names, hard)
        return 0
    if arguments.reliability:
        reliability_table(names)
        return 0
    if arguments.bound:
        bound()
        return 0
    if arguments.trade:
        arguments.trade.write_text(trade.drawing(trade.curves(follow, score)), encoding="utf-8")
        return 0
    now = table(names, measured)
    baseline: Table = json.loads(BASELINE.read_text(encoding="utf-8"))
    if arguments.accept:
        BASELINE.write_text(
            json.dumps({name: now.get(name) or baseline[name] for name in NAMES}, indent=1) + "\n", encoding="utf-8"
        )
        return 0
    faults = behind(now, {name: baseline[name] for name in names})
    print("\n".join(faults) or "nothing fell behind the baseline")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
