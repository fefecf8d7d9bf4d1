"""Shoppers who walk: routes round the shelves, two kinds of intent, stops, and the truth of where they are."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from gateway.zones import geometry
from gateway.zones.plan import StorePlan

Floats = NDArray[np.float64]

CELL_M = 0.5
"""Grid of the route finder: half a shelf's depth."""
POINTS_PER_ZONE = 6
"""Places in a zone where somebody stops; few, so that routes can be kept."""
DOOR_MARGIN_M = 1.0


class Intent(StrEnum):
    """The two kinds of shopper."""

    GOAL_DIRECTED = "goal-directed"
    BROWSING = "browsing"


@dataclass(frozen=True, slots=True)
class Habits:
    """How one kind of shopper moves: ranges that each shopper and each stop draw from."""

    speed_m_s: tuple[float, float]
    stop_s: tuple[float, float]
    zones: tuple[int, int]
    stops_per_zone: tuple[int, int]
    revisits: float
    """Chance that a next zone is one already seen."""


HABITS = {
    Intent.GOAL_DIRECTED: Habits((1.0, 1.5), (6.0, 25.0), (2, 5), (1, 1), 0.0),
    Intent.BROWSING: Habits((0.5, 0.9), (15.0, 75.0), (5, 10), (1, 3), 0.3),
}


class FloorMap:
    """The plan as a grid one can walk on: routes that cross no wall."""

    def __init__(self, plan: StorePlan, rng: np.random.Generator) -> None:
        if any(zone.polygon is None for zone in plan.zones):
            raise ValueError(f"plan {plan.store}: a simulated shop needs a polygon for every zone")
        corners = np.array([corner for zone in plan.zones for corner in zone.polygon or ()])
        self.low, self.high = corners.min(0), corners.max(0)
        self.shape = tuple(int(n) for n in np.ceil((self.high - self.low) / CELL_M))
        self._walls = [(start, end) for start, end, _loss_db in plan.barriers()]
        self._open = self._passages()
        self._routes: dict[tuple[float, ...], list[Floats]] = {}
        self._ways: dict[tuple[int, int], NDArray[np.int32]] = {}
        self.stops = {zone.id: self._stops_in(zone.polygon or (), rng) for zone in plan.zones}

    def centre(self, cell: tuple[int, int]) -> Floats:
        """A cell's middle in metres."""
        return np.asarray(self.low + (np.asarray(cell) + 0.5) * CELL_M)

    def cell(self, at: Floats) -> tuple[int, int]:
        """The cell a point lies in."""
        x, y = np.clip(((at - self.low) / CELL_M).astype(int), 0, np.array(self.shape) - 1)
        return int(x), int(y)

    def route(self, start: Floats, goal: Floats) -> list[Floats]:
        """Way points from start to goal, both included, straightened where nothing is in between. Kept: stops are few."""
        ends = (*start.tolist(), *goal.tolist())
        if ends not in self._routes:
            self._routes[ends] = self._route(start, goal)
        return self._routes[ends]

    def _route(self, start: Floats, goal: Floats) -> list[Floats]:
        way = self._way_to(self.cell(goal))
        here, points = self.cell(start), [start]
        while here != self.cell(goal):
            onward = int(way[here])
            if onward < 0:
                break
            here = (onward // self.shape[1], onward % self.shape[1])
            points.append(self.centre(here))
        points.append(goal)
        return self._straightened(points)

    def _straightened(self, points: list[Floats]) -> list[Floats]:
        kept, i = [points[0]], 0
        while i < len(points) - 1:
            j = min(i + 12, len(points) - 1)
            while j > i + 1 and self._blocked(points[i], points[j]):
                j -= 1
            kept.append(points[j])
            i = j
        return kept

    def _blocked(self, a: Floats, b: Floats) -> bool:
        side = np.array([-(b - a)[1], (b - a)[0]])
        side = side / (np.hypot(*side) or 1.0) * 0.3  # shoulders: shelves are not grazed
        starts, ends = np.array([a, a + side, a - side]), np.array([b, b + side, b - side])
        return any(geometry.crossings(starts, ends, p, q).any() for p, q in self._walls)

    def _passages(self) -> dict[tuple[int, int], NDArray[np.bool_]]:
        """For each of the eight steps: from which cells it crosses no wall."""
        cells = np.stack(np.meshgrid(*map(np.arange, self.shape), indexing="ij"), -1).reshape(-1, 2)
        centres = self.low + (cells + 0.5) * CELL_M
        passages = {}
        for step in [(dx, dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1) if dx or dy]:
            to = cells + step
            free = np.all((to >= 0) & (to < self.shape), axis=1)
            for p, q in self._walls:
                free &= ~geometry.crossings(centres, centres + np.multiply(step, CELL_M * 1.01), p, q)
            passages[step] = free.reshape(self.shape)
        return passages

    def _way_to(self, goal: tuple[int, int]) -> NDArray[np.int32]:
        """Breadth first from the goal: for each cell the next one on the way, -1 where there is none."""
        if goal in self._ways:
            return self._ways[goal]
        way = np.full(self.shape, -1, dtype=np.int32)
        seen, queue = {goal}, deque([goal])
        while queue:
            here = queue.popleft()
            for (dx, dy), free in self._open.items():
                there = (here[0] + dx, here[1] + dy)
                if free[here] and there not in seen:
                    seen.add(there)
                    way[there] = here[0] * self.shape[1] + here[1]
                    queue.append(there)
        self._ways[goal] = way
        return way

    def _stops_in(self, ring: geometry.Ring, rng: np.random.Generator) -> list[Floats]:
        corners = np.asarray(ring, dtype=float)
        tries = rng.uniform(corners.min(0), corners.max(0), size=(400, 2))
        points = list(tries[geometry.inside(tries, ring)])
        clear = [p for p in points if not any(_near(p, a, b) for a, b in self._walls)]
        return (clear or points or [corners.mean(0)])[:POINTS_PER_ZONE]


def _near(point: Floats, a: geometry.Point, b: geometry.Point, margin_m: float = 0.4) -> bool:
    start, along = np.asarray(a), np.subtract(b, a)
    share = np.clip(np.dot(point - start, along) / max(float(np.dot(along, along)), 1e-9), 0, 1)
    return bool(np.hypot(*(point - start - share * along)) < margin_m)


@dataclass(slots=True)
class Walker:
    """One shopper's walk: where it is, which way it faces, and what comes next. `at` None: not in the shop."""

    shopper: str
    intent: Intent
    speed_m_s: float
    at: Floats | None
    heading: float
    plan: Iterator[tuple[Floats, float]]
    """Way points still to come, each with how long to stand there."""
    target: Floats | None = None
    wait_s: float = 0.0
    stay_s: float = 0.0
    """How long to stand at the target once there."""

    def step(self, dt_s: float) -> None:
        """Walk or stand for dt_s seconds."""
        while dt_s > 0:
            if self.wait_s > 0:
                used = min(self.wait_s, dt_s)
                self.wait_s -= used
                dt_s -= used
            elif self.target is None:
                self._next()
            else:
                dt_s = self._walk(dt_s)

    def _next(self) -> None:
        point, stay_s = next(self.plan)
        if np.isnan(point[0]):
            self.at, self.wait_s = None, stay_s
        elif self.at is None:
            self.at, self.wait_s = point, stay_s
        else:
            self.target, self.stay_s = point, stay_s

    def _walk(self, dt_s: float) -> float:
        assert self.at is not None
        assert self.target is not None
        way = self.target - self.at
        distance = float(np.hypot(*way))
        reach = self.speed_m_s * dt_s
        if distance > 1e-9:
            self.heading = float(np.arctan2(way[1], way[0]))
        if reach < distance:
            self.at = self.at + way * (reach / distance)
            return 0.0
        self.at, self.target, self.wait_s = self.target, None, self.stay_s
        return dt_s - distance / self.speed_m_s


AWAY = np.array([np.nan, np.nan])
"""As a way point: leave the shop, and stay away for the time given."""


def visits_of(
    floor: FloorMap, intent: Intent, rng: np.random.Generator, away_s: tuple[float, float]
) -> Iterator[tuple[Floats, float]]:
    """Way points of one shopper for ever: visit after visit, with absences in between."""
    yield AWAY, float(rng.uniform(0, away_s[0]))
    zones = list(floor.stops)
    door = floor.stops["entrance" if "entrance" in zones else zones[0]][0]
    till = ["checkout"] if "checkout" in zones else []
    while True:
        here = door
        yield here, 0.0
        for zone in [*_wish_list(zones, intent, rng), *till]:
            low, high = HABITS[intent].stops_per_zone
            for _ in range(int(rng.integers(low, high + 1))):
                goal = floor.stops[zone][int(rng.integers(len(floor.stops[zone])))]
                for point in floor.route(here, goal)[1:-1]:
                    yield point, 0.0
                yield goal, float(rng.uniform(*HABITS[intent].stop_s))
                here = goal
        for point in floor.route(here, door)[1:]:
            yield point, 0.0
        yield AWAY, float(rng.uniform(*away_s))


def _wish_list(zones: list[str], intent: Intent, rng: np.random.Generator) -> list[str]:
    habits = HABITS[intent]
    choice = [zone for zone in zones if zone not in ("entrance", "checkout")] or zones
    count = min(int(rng.integers(habits.zones[0], habits.zones[1] + 1)), len(choice))
    wishes = [choice[i] for i in rng.permutation(len(choice))[:count]]
    for i in range(2, len(wishes)):
        if rng.random() < habits.revisits:
            wishes[i] = wishes[int(rng.integers(i - 1))]
    return wishes
