"""Gathers the readings of one step, to be handed to the filter as arrays when the step ends."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gateway.model import Measurement, Quantity

Array = NDArray[np.float32]

RANGES = 4
DISTANCE, BEARING = slice(0, 2), slice(2, 4)
"""Rows of the sums (4, rows, r): distance / variance and 1 / variance; the bearing's cosine and sine, each / variance."""


class PendingReadings:
    """Holds readings by their shopper's row and their scanner's column."""

    def __init__(self) -> None:
        self._rows: list[int] = []
        self._columns: list[int] = []
        self._levels_dbm: list[int] = []
        self._measured: list[tuple[int, int, Measurement]] = []

    def add_level(self, row: int, column: int, rssi_dbm: int) -> None:
        """Add a received level."""
        self._rows.append(row)
        self._columns.append(column)
        self._levels_dbm.append(rssi_dbm)

    def add_measured(self, row: int, column: int, measured: Sequence[Measurement]) -> None:
        """Add distances and bearings."""
        self._measured += [(row, column, one) for one in measured]

    def drop(self, row: int) -> None:
        """Drop a shopper's readings."""
        if row in self._rows:
            kept = [index for index, other in enumerate(self._rows) if other != row]
            self._rows, self._columns = [self._rows[i] for i in kept], [self._columns[i] for i in kept]
            self._levels_dbm = [self._levels_dbm[i] for i in kept]
        self._measured = [one for one in self._measured if one[0] != row]

    def take_levels(self, rows: int, scanners: int) -> tuple[Array, Array]:
        """Return the sums of the levels and their counts, each (rows, r), and forget them."""
        flat = np.array(self._rows, dtype=np.intp) * scanners + np.array(self._columns, dtype=np.intp)
        sums = np.bincount(flat, np.array(self._levels_dbm, dtype=float), rows * scanners)
        counts = np.bincount(flat, minlength=rows * scanners)
        self._rows, self._columns, self._levels_dbm = [], [], []
        shape = (rows, scanners)
        return sums.reshape(shape).astype(np.float32), counts.reshape(shape).astype(np.float32)

    def take_measured(self, rows: int, scanners: int) -> Array | None:
        """Return the sums (4, rows, r) of what was measured, and forget it; None: nothing was."""
        if not self._measured:
            return None
        sums = np.zeros((RANGES, rows, scanners), dtype=np.float32)
        for row, column, (quantity, value, sd) in self._measured:
            if quantity is Quantity.DISTANCE:
                sums[DISTANCE, row, column] += (value / sd**2, 1 / sd**2)
            else:
                angle, weight = math.radians(value), 1 / math.radians(sd) ** 2
                sums[BEARING, row, column] += (weight * math.cos(angle), weight * math.sin(angle))
        self._measured = []
        return sums
