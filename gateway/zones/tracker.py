"""The zone tracker: sightings and ticks in, moves out.

`see` only notes a reading; once per step all shoppers are moved, weighed and judged together (filter.py, announcer.py). Time comes
in with the readings and with `tick`. What can't be used is counted in `skipped` and leaves no other trace.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.model import Move, Sighting
from gateway.settings import ZonesSettings
from gateway.zones.announcer import NO_ZONE, Announcer, Person
from gateway.zones.calibration import Calibration, calibrated, load_calibration
from gateway.zones.clock import Clock, Verdict
from gateway.zones.ears import Ears
from gateway.zones.filter import MOST_STEPS_AT_ONCE, RECENT_STEPS_S, Filter, Physics
from gateway.zones.hindsight import Seen
from gateway.zones.learning import Learner
from gateway.zones.place import Place, build_place
from gateway.zones.plan import StorePlan

STRONGEST_DBM, WEAKEST_DBM = 10, -120
"""No phone is heard outside of this: +42 and -200 are faults of a scanner's firmware."""
LONGEST_CATCH_UP_S = 90.0
"""After a longer pause nobody's place is known any more: steps are not made up for one by one."""
ROWS_AT_ONCE = 48
"""Arrays of 48 shoppers by 240 states stay in a processor's cache."""
ENOUGH_READINGS = 3
"""With fewer new readings a shopper waits for the next step, at most MOST_STEPS_AT_ONCE: one says little and costs as much."""
FARTHEST_S = 1e11
"""The year 5138: a time beyond it is a fault, and too coarse a number to step through by seconds."""
ROWS_AT_START = 16


class Presence(NamedTuple):
    """Where a shopper is now. `zone` None: in the shop, no zone certain."""

    shopper: str
    zone: str | None
    confidence: float
    since_s: float


class Tracker:
    """Follows all shoppers of one shop. Memory: one row of arrays per shopper in the shop, and the readings of one step."""

    def __init__(self, place: Place, settings: ZonesSettings, physics: Physics) -> None:
        self._settings = settings
        self._place = place
        self._filter = Filter(place, physics, settings.step_s)
        self._ears = Ears(place)
        self._learner = Learner(place, settings.step_s)
        self._announcer = Announcer(place.zones, settings.false_entry_cost, settings.dwell_steps_s)
        self._columns = {name: column for column, name in enumerate(place.receivers)}
        self._clock = Clock()
        self._due_s = -math.inf
        self._people: dict[str, Person] = {}
        self._free: list[int] = []
        self._pending: tuple[list[int], list[int], list[int]] = ([], [], [])
        self._spans = max(1, round(RECENT_STEPS_S / settings.step_s))
        self.skipped: Counter[str] = Counter()
        self._grow(ROWS_AT_START)

    def see(self, sighting: Sighting) -> Sequence[Move]:
        """Take one reading; the moves are those of the steps that its time completes."""
        column = self._columns.get(sighting.scanner)
        if column is None:
            self.skipped["unknown scanner"] += 1
            return ()
        if not WEAKEST_DBM <= sighting.rssi_dbm <= STRONGEST_DBM:
            self.skipped["impossible RSSI"] += 1
            return ()
        moves = self._pass_time(sighting.at_s)
        if moves is None:
            return ()
        person = self._people.get(sighting.shopper) or self._welcome(sighting.shopper, sighting.at_s)
        if person is None:
            self.skipped["too many shoppers"] += 1
            return moves
        if sighting.at_s > person.last_heard_s:
            person.last_heard_s = sighting.at_s
        rows, columns, levels = self._pending
        rows.append(person.row)
        columns.append(column)
        levels.append(sighting.rssi_dbm)
        return moves

    def tick(self, now_s: float) -> Sequence[Move]:
        """Let time pass without a reading."""
        return self._pass_time(now_s) or ()

    def scanner_down(self, scanner: str, at_s: float) -> Sequence[Move]:
        """A receiver is known to be deaf: its silence is no evidence, and zones that only it answers for become unknown."""
        return self._told(scanner, hears=False, at_s=at_s)

    def scanner_up(self, scanner: str, at_s: float) -> Sequence[Move]:
        """A receiver hears again."""
        return self._told(scanner, hears=True, at_s=at_s)

    def _told(self, scanner: str, hears: bool, at_s: float) -> Sequence[Move]:
        moves = self._pass_time(at_s) or ()
        if scanner in self._columns:
            self._ears.told(self._columns[scanner], hears)
        return moves

    def forget(self, shopper: str) -> None:
        """Drop a shopper at once, without a move."""
        person = self._people.pop(shopper, None)
        if person is not None:
            self._release(person)

    def present(self) -> list[Presence]:
        """Everybody in the shop, in the order they came."""
        zones = self._place.zones
        return [
            Presence(who, zones[person.zone] if person.zone != NO_ZONE else None, person.confidence, person.since_s)
            for who, person in self._people.items()
            if person.announced
        ]

    def unknown_zones(self) -> frozenset[str]:
        """Zones of which nothing can be known now, because nothing that answers for them hears."""
        return frozenset(self._place.zones[zone] for zone in self._ears.blind())

    def deaf_scanners(self) -> frozenset[str]:
        """Receivers that were told to be down, or are silent where that can't be chance."""
        return frozenset(name for name, alive in zip(self._place.receivers, self._ears.alive, strict=True) if not alive)

    def use_dwell_steps(self, steps_s: Iterable[float]) -> None:
        """Tell of dwell at these stays as well as at the settings' own: what the live rule books wait for."""
        steps = tuple(sorted({*self._settings.dwell_steps_s, *steps_s}))
        self._announcer = replace(self._announcer, dwell_steps_s=steps)

    def unlearn(self) -> None:
        """Forget what was learned about the place since the start."""
        self._learner = Learner(self._place, self._settings.step_s)
        self._filter.use(self._place)

    # -- time ---------------------------------------------------------------------------------------------------------------

    def _pass_time(self, at_s: float) -> list[Move] | tuple[()] | None:
        """Steps up to a moment; None where that moment is not to be believed."""
        if at_s < self._due_s and at_s > self._due_s - 2 * self._settings.step_s:
            return ()
        if not abs(at_s) < FARTHEST_S:
            self.skipped["impossible time"] += 1
            return None
        before_s, verdict = self._clock.now_s, self._clock.judge(at_s)
        if verdict is Verdict.DOUBTED:
            self.skipped["impossible time"] += 1
            return None
        moves: list[Move] = []
        if verdict is Verdict.MOVED and before_s is not None:
            moves += self._end_all(before_s)
            self._due_s = -math.inf
        if self._due_s == -math.inf:
            self._due_s = (math.floor(at_s / self._settings.step_s) + 1) * self._settings.step_s
        while at_s >= self._due_s:
            moves += self._step(self._due_s)
            behind_s = at_s - self._due_s
            leap = max(1, math.floor(behind_s / self._settings.step_s)) if behind_s > LONGEST_CATCH_UP_S or not self._people else 1
            self._due_s = round(self._due_s + leap * self._settings.step_s, 6)
        return moves

    def _end_all(self, at_s: float) -> list[Move]:
        for pending in self._pending:
            pending.clear()
        return self._farewell(list(self._people.values()), at_s)

    def _farewell(self, leaving: Iterable[Person], at_s: float) -> list[Move]:
        moves = []
        for person in leaving:
            del self._people[person.shopper]
            self._release(person)
            if person.announced:
                moves.append(self._announcer.leave(person, at_s, over=True))
        return moves

    # -- rows ---------------------------------------------------------------------------------------------------------------

    def _grow(self, rows: int) -> None:
        old = len(self._chance) if self._people else 0
        n, r = len(self._place.zone_of_state), len(self._place.receivers)
        chance = np.zeros((rows, 1 + len(self._place.ways), n), dtype=np.float32)
        offsets = np.zeros((2, rows), dtype=np.float32)
        recent = np.zeros((2, 2 * self._spans + 1, rows, r), dtype=np.float32)
        waited = np.zeros(rows, dtype=np.intp)
        if old:
            chance[:old], offsets[:, :old], recent[:, :, :old] = self._chance, self._phone, self._recent
            waited[:old] = self._waited
        self._chance: NDArray[np.float32] = chance
        self._phone: NDArray[np.float32] = offsets
        self._recent: NDArray[np.float32] = recent
        """(2, spans + 1, rows, r) sums and counts of the latest steps; the last is still being filled."""
        self._waited: NDArray[np.intp] = waited
        self._free += range(rows - 1, old - 1, -1)

    def _welcome(self, shopper: str, at_s: float) -> Person | None:
        if len(self._people) >= self._settings.most_shoppers:
            return None
        if not self._free:
            self._grow(2 * len(self._chance))
        person = Person(shopper, self._free.pop(), at_s, at_s)
        self._people[shopper] = person
        self._chance[person.row] = self._filter.fresh()
        self._phone[:, person.row] = 0.0, self._filter.physics.phone_spread_db**2
        self._recent[:, :, person.row] = 0.0
        self._waited[person.row] = 0
        return person

    def _release(self, person: Person) -> None:
        self._free.append(person.row)
        self._learner.drop(person.row)
        rows, columns, levels = self._pending
        if person.row in rows:
            kept = [i for i, row in enumerate(rows) if row != person.row]
            self._pending = ([rows[i] for i in kept], [columns[i] for i in kept], [levels[i] for i in kept])

    # -- one step -----------------------------------------------------------------------------------------------------------

    def _step(self, at_s: float) -> list[Move]:
        """Everybody one step on: who left, where the others are, what is to be said of it."""
        gone_s = at_s - self._settings.gone_after_s
        hears = bool(self._ears.alive.any())
        moves = self._farewell([p for p in self._people.values() if p.last_heard_s < gone_s and hears], at_s)
        if not self._people:
            return moves
        self._take_pending()
        known = self._learner.study(at_s)
        if known is not None:
            self._filter.use(known)
        due = self._due_people()
        rows = np.array([person.row for person in due], dtype=np.intp)
        heard = self._recent[1, -1, rows].any(1).tolist()
        self._weigh_all(rows)
        self._recent[:, :-1, rows] = self._recent[:, 1:, rows]
        self._recent[:, -1, rows] = 0.0
        self._waited[rows] = 0
        return moves + self._judge(due, rows, heard, at_s)

    def _judge(self, due: list[Person], rows: NDArray[np.intp], heard: list[bool], at_s: float) -> list[Move]:
        belief = self._filter.zones(self._chance[rows])
        between = np.maximum(0, 1 - belief.sum(1, keepdims=True))
        blind = self._ears.blind()
        moves: list[Move] = []
        for person, believed, was_heard in zip(due, np.hstack([belief, between]).tolist(), heard, strict=True):
            if was_heard or person.zone in blind:
                moves += self._announcer.judge(person, believed, blind, at_s)
        return moves

    def _take_pending(self) -> None:
        """Put the readings of the step that ends now to those that wait for their shopper's turn."""
        shape = self._recent.shape[2:]
        flat = np.array(self._pending[0], dtype=np.intp) * shape[1] + np.array(self._pending[1], dtype=np.intp)
        sums = np.bincount(flat, np.array(self._pending[2], dtype=float), shape[0] * shape[1])
        counts = np.bincount(flat, minlength=shape[0] * shape[1])
        self._recent[0, -1] += sums.reshape(shape)
        self._recent[1, -1] += counts.reshape(shape)
        for pending in self._pending:
            pending.clear()

    def _due_people(self) -> list[Person]:
        """Those with enough new readings, or who waited long enough."""
        self._waited += 1
        due = (self._recent[1, -1].sum(1) >= ENOUGH_READINGS) | (self._waited >= MOST_STEPS_AT_ONCE)
        turn = due.tolist()
        return [person for person in self._people.values() if turn[person.row]]

    def _weigh_all(self, rows: NDArray[np.intp]) -> None:
        """Move and weigh everybody due, in groups that fit the processor's cache; then what they tell of the receivers."""
        if self._settings.learns:
            self._learner.choose(rows)
        ears = np.zeros((3, len(self._place.receivers)))
        for steps in range(1, MOST_STEPS_AT_ONCE + 1):
            group = rows[self._waited[rows] == steps]
            for first in range(0, len(group), ROWS_AT_ONCE):
                ears += self._weigh(group[first : first + ROWS_AT_ONCE], steps)
        if ears.any():
            self._ears.listen(*ears)

    def _weigh(self, rows: NDArray[np.intp], steps: int) -> NDArray[np.float64]:
        """Shoppers who waited for the same number of steps; packets heard, expected, and log chance of silence (3, r)."""
        recent = self._recent[:, 1:][:, :, rows]
        sums, counts = recent[0, -1], recent[1, -1]
        spans = recent.reshape(2, 2, self._spans, *counts.shape).sum(2)
        heard = counts.any(1)
        walking = np.where(heard, self._filter.gait(spans[0], spans[1]) * self._settings.step_s, 0).astype(np.float32)
        chance = self._filter.move(self._chance[rows], walking, steps)
        self._chance[rows] = chance
        if not heard.any():
            return np.zeros((3, len(self._place.receivers)))
        rows, sums, counts, chance = rows[heard], sums[heard], counts[heard], chance[heard]
        means = sums / np.maximum(counts, 1)
        trusted = self._ears.trusted
        phone = self._phone[:, rows]
        weighed = self._filter.weigh(chance, phone[0], phone[1], means, counts, trusted.astype(np.float32))
        believed, offset_db, self._phone[1, rows] = weighed
        self._chance[rows], self._phone[0, rows] = believed, offset_db
        seen = Seen(rows, chance, believed, walking[heard], means - offset_db[:, None], counts, offset_db, trusted, steps)
        self._learner.note(self._filter, rows, seen)
        return np.stack([counts.sum(0).astype(float), *self._filter.expected(believed.sum(1), offset_db, counts)])


def make_tracker(plan: StorePlan, calibration: Calibration | Path | None = None, settings: ZonesSettings | None = None) -> Tracker:
    """The tracker for a plan, with what a calibration taught where there is one. Raises CalibrationError where it doesn't fit."""
    settings = settings or ZonesSettings()
    place = build_place(plan, settings.step_s)
    if isinstance(calibration, Path):
        calibration = load_calibration(calibration)
    if calibration is not None:
        place = calibrated(place, plan, calibration)
    return Tracker(place, settings, Physics())
