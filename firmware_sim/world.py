"""A simulated shop: people walk, phones advertise, scanners hear, and the truth is known."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from firmware_sim import frames
from firmware_sim.channel import Air, RadioChannel
from firmware_sim.ranging import Ranger, Ranging
from firmware_sim.rotating import Phone
from firmware_sim.scanners import Outage, Receivers
from firmware_sim.walkers import HABITS, FloorMap, Intent, Walker, visits_of
from gateway.model import Advertisement
from gateway.zones import geometry
from gateway.zones.plan import StorePlan
from gateway.zones.survey import TrueStay

Floats = NDArray[np.float64]
STEP_S = 0.25
"""The world's pulse: at 1.5 m/s somebody moves 0.4 m in it."""
ADDRESS_LASTS_S = 900.0
"""Phones change their radio address this often."""
INTERVALS_S = ((0.1, 0.25, 1.0), (0.25, 0.5, 0.25))
"""Android's three advertising intervals and how common each is here."""
PHONES = 1
"""Sets the random numbers for phones' keys apart from all others of the same seed."""
JITTER_S = 0.010
"""The random delay the Bluetooth standard adds to each advertising event."""


class TruePosition(NamedTuple):
    """Where a shopper stands now, metres; zone None: between zones."""

    shopper: str
    x_m: float
    y_m: float
    zone: str | None


@dataclass(frozen=True, slots=True)
class Flaws:
    """How much phones and scanners differ from each other and from perfection."""

    phone_spread_db: float = 4.0
    gain_spread_db: float = 2.0
    clock_spread_s: float = 0.05
    outages: tuple[Outage, ...] = ()


class World:
    """A shop with `shoppers` opted-in people of both intents and `strangers` who merely carry radios.

    `rotating` is the share of shoppers (0 to 1) whose phones change their beacon id every quarter of an hour of world time, for the
    shop that the topics call `store` (None: the plan's name).

    Seeded: the same arguments give the same advertisements whatever the sizes of the steps (multiples of STEP_S).
    """

    def __init__(
        self,
        plan: StorePlan,
        shoppers: int,
        seed: int = 1,
        *,
        strangers: int = 0,
        browsing: float = 0.5,
        start_s: float = 0.0,
        away_s: tuple[float, float] = (30.0, 120.0),
        interval_s: float | None = None,
        air: Air | None = None,
        flaws: Flaws | None = None,
        ranging: Ranging | None = None,
        rotating: float = 0.0,
        store: str | None = None,
    ) -> None:
        self._rng = rng = np.random.default_rng(seed)
        air, flaws = air or Air(), flaws or Flaws()
        self.plan, self.now_s, self._start_s = plan, start_s, start_s
        self.floor = FloorMap(plan, rng)
        self.receivers = Receivers(plan, rng, flaws.gain_spread_db, flaws.clock_spread_s, flaws.outages)
        self._ranger = Ranger(ranging, self.receivers.at, air.height_m, seed) if ranging is not None else None
        self._channel = RadioChannel(plan, self.receivers, air, self.floor.low, self.floor.high, rng)
        self._shoppers, count = shoppers, shoppers + strangers
        self.walkers = [self._walker(index, browsing, away_s) for index in range(count)]
        self.phones = _phones(shoppers, rotating, seed, plan.store if store is None else store)
        static = {f"s-{n + 1}": frames.BeaconId(frames.STORE_UUID, 1 + n // 60000, 1 + n % 60000) for n in range(shoppers)}
        self.beacons = {shopper: beacon for shopper, beacon in static.items() if shopper not in self.phones}
        self._offset_db = rng.normal(0, flaws.phone_spread_db, count)
        chosen = rng.choice(INTERVALS_S[0], size=count, p=INTERVALS_S[1])
        self._interval_s: Floats = np.full(count, interval_s) if interval_s else chosen
        self._next_s = start_s + rng.uniform(0, self._interval_s)
        self._address_salt = int(rng.integers(1 << 40))
        self._senders: dict[int, tuple[int, str, bytes]] = {}
        self._at: Floats = np.full((count, 2), np.nan)
        self._open_stays: dict[str, tuple[str, float]] = {}
        self._stays: list[TrueStay] = []
        self._rings = [(zone.id, zone.polygon or ()) for zone in plan.zones]

    def _walker(self, index: int, browsing: float, away_s: tuple[float, float]) -> Walker:
        intent = Intent.BROWSING if self._rng.random() < browsing else Intent.GOAL_DIRECTED
        low, high = HABITS[intent].speed_m_s
        name = f"s-{index + 1}" if index < self._shoppers else f"stranger-{index + 1}"
        way = visits_of(self.floor, intent, self._rng.spawn(1)[0], away_s)
        return Walker(name, intent, float(self._rng.uniform(low, high)), None, 0.0, way)

    def advance(self, dt_s: float) -> Iterable[Advertisement]:
        """Let dt_s seconds pass, in whole steps of STEP_S; what the scanners report of them, in time order."""
        for _ in range(max(1, round(dt_s / STEP_S))):
            yield from self._step()

    def _step(self) -> list[Advertisement]:
        before = self._at.copy()
        for index, walker in enumerate(self.walkers):
            walker.step(STEP_S)
            self._at[index] = np.nan if walker.at is None else walker.at
        moved = np.nan_to_num(np.hypot(*(self._at - before).T), nan=10.0)
        self._channel.drift(moved, STEP_S)
        end_s = self.now_s + STEP_S
        device, sent_s = self._sent_until(end_s)
        heard = self._heard(device, sent_s)
        self.now_s = end_s
        self._note_truth()
        return heard

    def _sent_until(self, end_s: float) -> tuple[NDArray[np.intp], Floats]:
        devices, times = [], []
        while True:
            due = np.flatnonzero(self._next_s < end_s)
            if not len(due):
                break
            devices.append(due)
            times.append(self._next_s[due])
            self._next_s[due] += self._interval_s[due] + self._rng.uniform(0, JITTER_S, len(due))
        if not devices:
            return np.zeros(0, dtype=np.intp), np.zeros(0)
        device, sent_s = np.concatenate(devices), np.concatenate(times)
        inside = ~np.isnan(self._at[device, 0])
        return device[inside], sent_s[inside]

    def _heard(self, device: NDArray[np.intp], sent_s: Floats) -> list[Advertisement]:
        if not len(device):
            return []
        headings = np.array([walker.heading for walker in self.walkers])
        alive = self.receivers.alive(self.now_s - self._start_s)
        packet, scanner, rssi = self._channel.receive(
            device, self._offset_db[device], self._at[device], headings[device], len(device) / STEP_S, alive
        )
        at_s = sent_s[packet] + self.receivers.clock_s[scanner]
        order = np.argsort(at_s, kind="stable")
        who = device[packet[order]].tolist()
        ids, senders = self.receivers.ids, {index: self._sender(index) for index in set(who)}
        columns = zip(at_s[order].tolist(), scanner[order].tolist(), who, rssi[order].tolist(), strict=True)
        ranger = self._ranger
        return [
            Advertisement(
                at,
                ids[which],
                senders[sender][0],
                level,
                senders[sender][1],
                ranger.measure(which, self._at[sender]) if ranger else (),
            )
            for at, which, sender, level in columns
        ]

    def _sender(self, index: int) -> tuple[str, bytes]:
        """The radio address and payload that a device uses now."""
        # Addresses change at everybody's own moment; only with a rotating id it must be the moment of the id.
        lag_s = 0.0 if self.walkers[index].shopper in self.phones else index * 7.0
        window = int((self.now_s + lag_s) // ADDRESS_LASTS_S)
        known = self._senders.get(index)
        if known is None or known[0] != window:
            known = self._senders[index] = (window, *self._new_sender(index, window))
        return known[1], known[2]

    def _new_sender(self, index: int, window: int) -> tuple[str, bytes]:
        address = frames.random_address((self._address_salt * 31 + index * 0x9E3779B1 + window * 0x85EBCA77) & 0xFFFFFFFFFFFF)
        walker = self.walkers[index]
        if index < self._shoppers:
            phone = self.phones.get(walker.shopper)
            return address, frames.ibeacon(self.beacons[walker.shopper] if phone is None else phone.beacon_at(self.now_s))
        seed = index.to_bytes(2, "big")
        if index % 3 == 0:
            return address, frames.ibeacon(frames.BeaconId(b"\x5a" * 14 + seed, 1, index))
        return address, frames.find_my(seed) if index % 3 == 1 else frames.nearby_info(seed)

    def _note_truth(self) -> None:
        zones: list[str | None] = [None] * self._shoppers
        for zone, ring in self._rings:
            for index in np.flatnonzero(geometry.inside(self._at[: self._shoppers], ring)).tolist():
                zones[index] = zone
        for walker, true_zone in zip(self.walkers, zones, strict=False):
            self._note(walker.shopper, true_zone)

    def _note(self, shopper: str, zone: str | None) -> None:
        known = self._open_stays.get(shopper)
        if known is not None and known[0] == zone:
            return
        if known is not None:
            self._stays.append(TrueStay(shopper, known[1], self.now_s, known[0]))
            del self._open_stays[shopper]
        if zone is not None:
            self._open_stays[shopper] = (zone, self.now_s)

    def ground_truth(self) -> list[TrueStay]:
        """All stays so far, running ones up to now, by shopper and time."""
        running = [TrueStay(who, start, self.now_s, zone) for who, (zone, start) in self._open_stays.items()]
        return sorted([*self._stays, *running])

    def positions(self) -> list[TruePosition]:
        """Return where the opted-in shoppers in the shop stand now."""
        return [
            TruePosition(
                walker.shopper, float(walker.at[0]), float(walker.at[1]), self._open_stays.get(walker.shopper, (None, 0.0))[0]
            )
            for walker in self.walkers[: self._shoppers]
            if walker.at is not None
        ]

    def levels_dbm(self, at: Floats) -> Floats:
        """True mean level at points (n, 2) for every scanner (n, scanners): what the best of calibrations would have learned."""
        return self._channel.mean_dbm(at)

    def intents(self) -> dict[str, Intent]:
        """Each opted-in shopper's true intent."""
        return {walker.shopper: walker.intent for walker in self.walkers[: self._shoppers]}

    def optins(self) -> list[dict[str, object]]:
        """The opted-in shoppers as an opt-ins file lists them."""
        return [{"shopper": walker.shopper, **self.identity(walker.shopper)} for walker in self.walkers[: self._shoppers]]

    def identity(self, shopper: str) -> dict[str, object]:
        """Return how an opted-in shopper is recognised, as an opt-in message says it: {"beacon": …} or {"rotating": …}."""
        phone = self.phones.get(shopper)
        return {"beacon": self.beacons[shopper].as_optin()} if phone is None else {"rotating": phone.as_optin()}


def _phones(shoppers: int, share: float, seed: int, store: str) -> dict[str, Phone]:
    """The shoppers whose ids rotate, spread evenly among all; random numbers of their own: nobody walks differently for it."""
    rng = np.random.default_rng([seed, PHONES])
    rotating = [n for n in range(shoppers) if math.ceil((n + 1) * share) > math.ceil(n * share)]
    return {f"s-{n + 1}": Phone(frames.STORE_UUID, rng.bytes(16), store) for n in rotating}


def write_truth(stays: Iterable[TrueStay], path: Path) -> None:
    """Write a `.truth.csv`."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("shopper", "start", "end", "zone"))
        writer.writerows((s.shopper, f"{s.start_s:.3f}", f"{s.end_s:.3f}", s.zone) for s in stays)
