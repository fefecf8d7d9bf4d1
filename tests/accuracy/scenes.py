"""The scenes that are scored: recordings, and simulated shops with the walks they are calibrated by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from firmware_sim.world import World
from gateway.model import Advertisement, Sighting
from gateway.radio.frames import beacon_id
from gateway.radio.recordings import read_recording
from gateway.zones.place_model import Floats, PlaceModel
from gateway.zones.plan import StorePlan, load_plan
from gateway.zones.survey import TrueStay, Walk
from tests.accuracy.scoring import Stay, read_ground_truth

HERE = Path(__file__).parent
RECORDINGS = HERE / "recordings"
SHOPS = HERE.parents[1] / "firmware_sim" / "shops"
SIMULATED = ("supermarket", "department_store", "drugstore")
CALIBRATORS, SHOPPERS, CALIBRATION_S, TEST_S = 8, 8, 600.0, 1200.0
SEEDS = (11, 12, 13)
"""So many worlds of each shop: shadows, scanners and phones are drawn anew for each, and worlds differ more than versions do."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One place: its plan, the passages that are scored, and walks to calibrate by for each passage."""

    name: str
    plan: StorePlan
    passages: tuple[tuple[tuple[Sighting, ...], tuple[Stay, ...]], ...]
    calibration_walks: tuple[tuple[Walk, ...], ...]
    """For each passage what a calibration may learn from: never that passage itself."""


def scenes() -> Iterator[Scene]:
    """All scenes, one after the other."""
    return map(scene, NAMES)


def scene(name: str, worlds: int = len(SEEDS)) -> Scene:
    """Make one scene anew; of a simulated shop so many worlds."""
    return _simulated(name, SEEDS[:worlds]) if name in SIMULATED else RECORDED[name]()


def _read(folder: str, name: str) -> tuple[tuple[Sighting, ...], tuple[Stay, ...]]:
    path = RECORDINGS / folder / f"{name}.jsonl.gz"
    heard = tuple(Sighting(a.at_s, "s-1", a.scanner, a.rssi_dbm) for a in read_recording(path) if beacon_id(a.payload) is not None)
    return heard, tuple(read_ground_truth(RECORDINGS / folder / f"{name}.truth.csv"))


def _walk(heard: tuple[Sighting, ...], stays: tuple[Stay, ...]) -> Walk:
    return Walk(heard, tuple(TrueStay(s.shopper, s.start_s, s.end_s, s.zone) for s in stays))


def _names(folder: str, pattern: str) -> list[str]:
    return sorted(path.name.removesuffix(".jsonl.gz") for path in (RECORDINGS / folder).glob(f"{pattern}.jsonl.gz"))


def _tetam() -> Scene:
    passages = tuple(_read("tetam", name) for name in _names("tetam", "trk_*"))
    lesson = (_walk(*_read("tetam", "calibration")),)
    return Scene("tetam", load_plan(RECORDINGS / "tetam/plan.yaml"), passages, (lesson,) * len(passages))


def _sal() -> Scene:
    """Each drive by what the other seven taught."""
    passages = tuple(_read("sal_rb", name) for name in _names("sal_rb", "car_*"))
    walks = [_walk(*passage) for passage in passages]
    calibration_walks = tuple(tuple(walks[:i] + walks[i + 1 :]) for i in range(len(walks)))
    return Scene("sal_rb", load_plan(RECORDINGS / "sal_rb/plan.yaml"), passages, calibration_walks)


def _flat() -> Scene:
    """One long recording; calibrated by each half for the other."""
    heard, stays = _read("kolakowski_flat", "calibration")
    middle_s = stays[len(stays) // 2].start_s
    halves = [
        (tuple(s for s in heard if (s.at_s < middle_s) == first), tuple(s for s in stays if (s.start_s < middle_s) == first))
        for first in (True, False)
    ]
    calibration_walks = ((_walk(*halves[1]),), (_walk(*halves[0]),))
    return Scene("kolakowski_flat", load_plan(RECORDINGS / "kolakowski_flat/plan.yaml"), tuple(halves), calibration_walks)


def _simulated(shop: str, seeds: tuple[int, ...]) -> Scene:
    plan = load_plan(SHOPS / shop / "plan.yaml")
    passages, walks = zip(*(_lived(plan, seed) for seed in seeds), strict=True)
    return Scene(shop, plan, passages, tuple((walk,) for walk in walks))


def _lived(plan: StorePlan, seed: int) -> tuple[tuple[tuple[Sighting, ...], tuple[Stay, ...]], Walk]:
    """One world of a shop: eight shoppers teach in the first ten minutes; eight others are scored over twenty."""
    world = _world(plan, seed)
    who = {beacon.packed(): shopper for shopper, beacon in world.beacons.items()}
    teachers = {f"s-{n + 1}" for n in range(CALIBRATORS)}
    taught: list[Sighting] = []
    scored: list[Sighting] = []
    for advertisement in world.advance(TEST_S):
        sighting = _sighting(advertisement, who)
        if sighting.shopper not in teachers:
            scored.append(sighting)
        elif sighting.at_s < CALIBRATION_S:
            taught.append(sighting)
    truth = [Stay(s.shopper, s.start_s, s.end_s, s.zone) for s in world.ground_truth()]
    walk = _walk(tuple(taught), tuple(s for s in truth if s.shopper in teachers and s.start_s < CALIBRATION_S))
    return (tuple(scored), tuple(s for s in truth if s.shopper not in teachers)), walk


def _world(plan: StorePlan, seed: int) -> World:
    return World(plan, CALIBRATORS + SHOPPERS, seed, away_s=(20.0, 40.0))


def true_levels(scene: Scene, passage: int, place: PlaceModel) -> Floats:
    """Mean level (n, r) that the scanners of a simulated shop's passage truly hear at a place's states."""
    assert place.at is not None
    return _world(scene.plan, SEEDS[passage]).levels_dbm(place.at)


def _sighting(advertisement: Advertisement, who: dict[bytes, str]) -> Sighting:
    shopper = who[beacon_id(advertisement.payload) or b""]
    return Sighting(advertisement.at_s, shopper, advertisement.scanner, advertisement.rssi_dbm)


RECORDED = {"tetam": _tetam, "sal_rb": _sal, "kolakowski_flat": _flat}
NAMES = (*RECORDED, *SIMULATED)
