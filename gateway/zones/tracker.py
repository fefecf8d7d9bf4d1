"""The zone tracker: sightings and ticks in, moves out.

`see` only notes a reading; once per step all shoppers are predicted, updated and judged together (filter.py, announcer.py). Time
comes in with `tick`, or with a recording's readings (timestamps.py). What can't be used is counted in `skipped` and leaves no
other trace.
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

from gateway.model import RSSI_MISSING_DBM, Move, Sighting
from gateway.settings import ZonesSettings
from gateway.zones.announcer import NO_ZONE, Announcer, Track
from gateway.zones.calibration import Calibration, calibrated, load_calibration
from gateway.zones.filter import MOST_STEPS_AT_ONCE, RECENT_STEPS_S, Filter
from gateway.zones.learning import MapLearner
from gateway.zones.observation import OFFSET, PHONE_STATE, Readings
from gateway.zones.parameters import ModelParameters
from gateway.zones.pending import BEARING, DISTANCE, PendingReadings
from gateway.zones.place_model import PlaceModel, build_place_model
from gateway.zones.plan import StorePlan
from gateway.zones.silence import ScannerSilence
from gateway.zones.smoothing import StepRecord
from gateway.zones.timestamps import ClockSkew, TimestampGuard, TimestampVerdict

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


class Whereabouts(NamedTuple):
    """Where a shopper is now. `zone` None: in the shop, no zone certain."""

    shopper: str
    zone: str | None
    confidence: float
    since_s: float


class Tracker:
    """Follows all shoppers of one shop. Memory: one row of arrays per shopper in the shop, and the readings of one step."""

    def __init__(self, place: PlaceModel, settings: ZonesSettings, parameters: ModelParameters) -> None:
        self._settings = settings
        self._place = place
        self._filter = Filter(place, parameters, settings.step_s)
        self._silence_watch = ScannerSilence(place)
        self._learner = MapLearner(place, settings.step_s)
        self._announcer = Announcer(place.zones, settings.false_entry_cost, settings.dwell_steps_s)
        self._columns = {name: column for column, name in enumerate(place.scanners)}
        self._clock = TimestampGuard()
        self._skew = ClockSkew(len(place.scanners))
        self._due_s = -math.inf
        self._tracks: dict[str, Track] = {}
        self._free: list[int] = []
        self._pending = PendingReadings()
        self._measured: NDArray[np.float32] | None = None
        self._spans = max(1, round(RECENT_STEPS_S / settings.step_s))
        self.skipped: Counter[str] = Counter()
        self.leapt_s = 0.0
        """By how much the box's own time has leapt in all since the start: what others keep of visits has to leap along."""
        self._grow(ROWS_AT_START)

    def see(self, sighting: Sighting) -> Sequence[Move]:
        """Take one reading; the moves are those of the steps that its time completes."""
        column = self._columns.get(sighting.scanner)
        if column is None:
            self.skipped["unknown scanner"] += 1
            return ()
        if not WEAKEST_DBM <= sighting.rssi_dbm <= STRONGEST_DBM and not (
            sighting.measured and sighting.rssi_dbm == RSSI_MISSING_DBM
        ):
            self.skipped["impossible RSSI"] += 1
            return ()
        if not all(one.can_be() for one in sighting.measured):
            self.skipped["impossible measurement"] += 1
            return ()
        at_s = self._skew.correct(column, sighting.at_s)
        moves = self._pass_time(at_s)
        if moves is None:
            return ()
        self._silence_watch.heard(column)
        track = self._tracks.get(sighting.shopper) or self._start_track(sighting.shopper, at_s)
        if track is None:
            self.skipped["too many shoppers"] += 1
            return moves
        if at_s > track.last_heard_s:
            track.last_heard_s = at_s
        if sighting.rssi_dbm != RSSI_MISSING_DBM:
            self._pending.add_level(track.row, column, sighting.rssi_dbm)
        if sighting.measured:
            self._pending.add_measured(track.row, column, sighting.measured)
        return moves

    def tick(self, now_s: float) -> Sequence[Move]:
        """Let time pass, by the box's own clock: from now on no reading has a say in what time it is."""
        return self._pass_own_time(now_s)

    def scanner_down(self, scanner: str, at_s: float) -> Sequence[Move]:
        """Note that a scanner is deaf: its silence is no evidence, and zones that only it answers for become unknown."""
        return self._told(scanner, hears=False, at_s=at_s)

    def scanner_up(self, scanner: str, at_s: float) -> Sequence[Move]:
        """Note that a scanner hears again."""
        return self._told(scanner, hears=True, at_s=at_s)

    def _told(self, scanner: str, hears: bool, at_s: float) -> Sequence[Move]:
        moves = self._pass_own_time(at_s)
        if scanner in self._columns:
            self._silence_watch.told(self._columns[scanner], hears)
        return moves

    def forget(self, shopper: str) -> None:
        """Drop a shopper at once, without a move."""
        track = self._tracks.pop(shopper, None)
        if track is not None:
            self._release(track)

    def end(self, at_s: float) -> Sequence[Move]:
        """Let everybody leave, because the place they are followed in ends: another plan takes over."""
        return self._end_all(at_s)

    def present(self) -> list[Whereabouts]:
        """Return everybody in the shop, in the order they came."""
        zones = self._place.zones
        return [
            Whereabouts(who, zones[track.zone] if track.zone != NO_ZONE else None, track.confidence, track.since_s)
            for who, track in self._tracks.items()
            if track.announced
        ]

    def unknown_zones(self) -> frozenset[str]:
        """Return the zones of which nothing can be known now, because nothing that answers for them hears."""
        return frozenset(self._place.zones[zone] for zone in self._silence_watch.blind())

    def deaf_scanners(self) -> frozenset[str]:
        """Return the scanners that were told to be down, or are silent where that can't be chance."""
        return frozenset(name for name, alive in zip(self._place.scanners, self._silence_watch.alive, strict=True) if not alive)

    def use_dwell_steps(self, steps_s: Iterable[float]) -> None:
        """Tell of dwell at these stays as well as at the settings' own: what the live rule books wait for."""
        steps = tuple(sorted({*self._settings.dwell_steps_s, *steps_s}))
        self._announcer = replace(self._announcer, dwell_steps_s=steps)

    def unlearn(self) -> None:
        """Forget what was learned about the place since the start."""
        self._learner = MapLearner(self._place, self._settings.step_s)
        self._filter.use(self._place)

    # -- time ---------------------------------------------------------------------------------------------------------------

    def _pass_time(self, at_s: float) -> list[Move] | tuple[()] | None:
        """Step up to a reading's moment; return None where that moment is not to be believed."""
        if at_s < self._due_s and at_s > self._due_s - 2 * self._settings.step_s:
            return ()
        if not abs(at_s) < FARTHEST_S:
            self.skipped["impossible time"] += 1
            return None
        before_s, verdict = self._clock.now_s, self._clock.judge(at_s)
        if verdict in (TimestampVerdict.LATE, TimestampVerdict.DOUBTED):
            self.skipped["late" if verdict is TimestampVerdict.LATE else "impossible time"] += 1
            return None
        moves: list[Move] = []
        if verdict is TimestampVerdict.MOVED and before_s is not None:
            moves += self._end_all(before_s)
            self._due_s = -math.inf
        return moves + self._steps_to(at_s)

    def _pass_own_time(self, now_s: float) -> list[Move]:
        """Step up to the box's own time. Where that leapt, nobody came or went by it: what is known of people leaps along."""
        if not abs(now_s) < FARTHEST_S:
            self.skipped["impossible time"] += 1
            return []
        before_s, self._skew.told_time = self._clock.now_s, True
        if self._clock.tick(now_s) is TimestampVerdict.MOVED and before_s is not None:
            self.leapt_s += now_s - before_s
            self._due_s = -math.inf
            for track in self._tracks.values():
                track.shift(now_s - before_s)
        return self._steps_to(now_s)

    def _steps_to(self, at_s: float) -> list[Move]:
        moves: list[Move] = []
        if self._due_s == -math.inf:
            self._due_s = (math.floor(at_s / self._settings.step_s) + 1) * self._settings.step_s
        while at_s >= self._due_s:
            moves += self._step(self._due_s)
            behind_s = at_s - self._due_s
            leap = max(1, math.floor(behind_s / self._settings.step_s)) if behind_s > LONGEST_CATCH_UP_S or not self._tracks else 1
            self._due_s = round(self._due_s + leap * self._settings.step_s, 6)
        return moves

    def _end_all(self, at_s: float) -> list[Move]:
        self._pending = PendingReadings()
        return self._end_tracks(list(self._tracks.values()), at_s)

    def _end_tracks(self, leaving: Iterable[Track], at_s: float) -> list[Move]:
        moves = []
        for track in leaving:
            del self._tracks[track.shopper]
            self._release(track)
            if track.announced:
                moves.append(self._announcer.leave(track, at_s, over=True))
        return moves

    # -- rows ---------------------------------------------------------------------------------------------------------------

    def _grow(self, rows: int) -> None:
        old = len(self._belief) if self._tracks else 0
        n, r = len(self._place.zone_of_state), len(self._place.scanners)
        belief = np.zeros((rows, 1 + len(self._place.headings), n), dtype=np.float32)
        phone = np.zeros((PHONE_STATE, rows), dtype=np.float32)
        recent = np.zeros((2, 2 * self._spans + 1, rows, r), dtype=np.float32)
        waited = np.zeros(rows, dtype=np.intp)
        if old:
            belief[:old], phone[:, :old], recent[:, :, :old] = self._belief, self._phone, self._recent
            waited[:old] = self._waited
        self._belief: NDArray[np.float32] = belief
        self._phone: NDArray[np.float32] = phone
        self._recent: NDArray[np.float32] = recent
        """(2, spans + 1, rows, r) sums and counts of the latest steps; the last is still being filled."""
        self._waited: NDArray[np.intp] = waited
        self._free += range(rows - 1, old - 1, -1)

    def _start_track(self, shopper: str, at_s: float) -> Track | None:
        if len(self._tracks) >= self._settings.most_shoppers:
            return None
        if not self._free:
            self._grow(2 * len(self._belief))
        track = Track(shopper, self._free.pop(), at_s, at_s)
        self._tracks[shopper] = track
        self._belief[track.row] = self._filter.initial_belief()
        self._phone[:, track.row] = self._filter.new_phone()
        self._recent[:, :, track.row] = 0.0
        self._waited[track.row] = 0
        return track

    def _release(self, track: Track) -> None:
        self._free.append(track.row)
        self._learner.drop(track.row)
        self._pending.drop(track.row)

    # -- one step -----------------------------------------------------------------------------------------------------------

    def _step(self, at_s: float) -> list[Move]:
        """Take everybody one step on: who left, where the others are, what is to be announced."""
        self._skew.compare()
        gone_s = at_s - self._settings.gone_after_s
        hears = bool(self._silence_watch.alive.any())
        moves = self._end_tracks([p for p in self._tracks.values() if p.last_heard_s < gone_s and hears], at_s)
        if not self._tracks:
            return moves
        self._take_pending()
        known = self._learner.update_map(at_s)
        if known is not None:
            self._filter.use(known)
        due = self._due_people()
        rows = np.array([track.row for track in due], dtype=np.intp)
        heard = self._is_heard(rows).tolist()
        self._filter_all(rows)
        self._recent[:, :-1, rows] = self._recent[:, 1:, rows]
        self._recent[:, -1, rows] = 0.0
        self._waited[rows] = 0
        return moves + self._judge(due, rows, heard, at_s)

    def _judge(self, due: list[Track], rows: NDArray[np.intp], heard: list[bool], at_s: float) -> list[Move]:
        belief = self._filter.zones(self._belief[rows])
        between = np.maximum(0, 1 - belief.sum(1, keepdims=True))
        blind = self._silence_watch.blind()
        moves: list[Move] = []
        for track, believed, was_heard in zip(due, np.hstack([belief, between]).tolist(), heard, strict=True):
            if was_heard or track.zone in blind:
                moves += self._announcer.judge(track, believed, blind, at_s)
        return moves

    def _take_pending(self) -> None:
        """Put the readings of the step that ends now to those that wait for their shopper's turn."""
        rows, scanners = self._recent.shape[2:]
        sums, counts = self._pending.take_levels(rows, scanners)
        self._recent[0, -1] += sums
        self._recent[1, -1] += counts
        self._measured = self._pending.take_measured(rows, scanners)

    def _is_heard(self, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Tell of whom (b,) anything was received since their last step."""
        heard = self._recent[1, -1, rows].any(1)
        return heard if self._measured is None else np.asarray(heard | self._measured[:, rows].any((0, 2)))

    def _due_people(self) -> list[Track]:
        """Return those with enough new readings, or who waited long enough."""
        self._waited += 1
        due = (self._recent[1, -1].sum(1) >= ENOUGH_READINGS) | (self._waited >= MOST_STEPS_AT_ONCE)
        if self._measured is not None:
            due |= self._measured.any((0, 2))
        turn = due.tolist()
        return [track for track in self._tracks.values() if turn[track.row]]

    def _filter_all(self, rows: NDArray[np.intp]) -> None:
        """Predict and update everybody due, in groups that fit the processor's cache; then judge the scanners."""
        if self._settings.learns:
            self._learner.choose(rows)
        packets = np.zeros((2, len(self._place.scanners)))
        for steps in range(1, MOST_STEPS_AT_ONCE + 1):
            group = rows[self._waited[rows] == steps]
            for first in range(0, len(group), ROWS_AT_ONCE):
                packets += self._filter_group(group[first : first + ROWS_AT_ONCE], steps)
        if packets.any():
            self._silence_watch.listen(*packets)

    def _filter_group(self, rows: NDArray[np.intp], steps: int) -> NDArray[np.float64]:
        """Filter shoppers who waited equally long; return the packets heard of them, and expected (2, r)."""
        recent = self._recent[:, 1:][:, :, rows]
        sums, counts = recent[0, -1], recent[1, -1]
        spans = recent.reshape(2, 2, self._spans, *counts.shape).sum(2)
        heard = self._is_heard(rows)
        walking = np.where(heard, self._filter.walking_log_odds(spans[0], spans[1]) * self._settings.step_s, 0).astype(np.float32)
        belief = self._filter.predict(self._belief[rows], walking, steps)
        self._belief[rows] = belief
        if not heard.any():
            return np.zeros((2, len(self._place.scanners)))
        rows, sums, counts, belief = rows[heard], sums[heard], counts[heard], belief[heard]
        means, phone, reception = sums / np.maximum(counts, 1), self._phone[:, rows], self._silence_watch.reception
        rate = self._filter.observations.packets(phone) * np.float32(steps)
        ranges = None if self._measured is None else self._measured[:, rows]
        readings = Readings(means, counts) if ranges is None else Readings(means, counts, ranges[DISTANCE], ranges[BEARING])
        updated, phone, expected = self._filter.update(belief, phone, readings, reception, steps)
        self._belief[rows], self._phone[:, rows] = updated, phone
        unheard = np.where(counts == 0, rate[:, None] * reception, 0).astype(np.float32)
        above = means - phone[OFFSET][:, None]
        record = StepRecord(rows, belief, updated, walking[heard], above, counts, phone[OFFSET], unheard, steps)
        self._learner.record(self._filter, rows, record)
        return np.stack([counts.sum(0), expected.sum(0)]).astype(float)


def make_tracker(plan: StorePlan, calibration: Calibration | Path | None = None, settings: ZonesSettings | None = None) -> Tracker:
    """Build a plan's tracker, with a calibration where there is one. Raises CalibrationError where it doesn't fit."""
    settings = settings or ZonesSettings()
    if isinstance(calibration, Path):
        calibration = load_calibration(calibration)
    place = build_place_model(plan, settings.step_s, calibration.walked if calibration is not None else ())
    if calibration is not None:
        place = calibrated(place, plan, calibration)
    return Tracker(place, settings, ModelParameters())
