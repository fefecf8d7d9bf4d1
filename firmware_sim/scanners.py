"""What the receivers of a simulated shop do to the truth: gains, clocks that are off, time not listening, and death."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.zones.plan import StorePlan

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Outage:
    """A scanner that reports nothing between two moments (seconds since the world's start)."""

    scanner: str
    from_s: float
    to_s: float = float("inf")


class Receivers:
    """The plan's scanners with their flaws, drawn once per world."""

    def __init__(
        self, plan: StorePlan, rng: np.random.Generator, gain_spread_db: float, clock_spread_s: float, outages: tuple[Outage, ...]
    ) -> None:
        placed = [scanner for scanner in plan.scanners if scanner.at is not None]
        if len(placed) < len(plan.scanners):
            raise ValueError(f"plan {plan.store}: a simulated shop needs `at` for every scanner")
        self.ids = [scanner.id for scanner in placed]
        self.at: Floats = np.array([scanner.at for scanner in placed], dtype=float)
        self.gain_db: Floats = rng.normal(0, gain_spread_db, len(placed))
        self.clock_s: Floats = rng.normal(0, clock_spread_s, len(placed))
        self._outages = [(self.ids.index(outage.scanner), outage.from_s, outage.to_s) for outage in outages]

    def alive(self, elapsed_s: float) -> NDArray[np.bool_]:
        """Return which scanners work at a moment, seconds since the world's start."""
        alive = np.ones(len(self.ids), dtype=bool)
        for index, from_s, to_s in self._outages:
            alive[index] &= not from_s <= elapsed_s < to_s
        return alive
