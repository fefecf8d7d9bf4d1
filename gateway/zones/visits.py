"""Visits: one stay in the shop as a path of zones, how fast and how thoroughly it went, and the intent behind it."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from gateway.model import Move, MoveEvent
from gateway.zones.plan import StorePlan

LONGEST_PATH = 256
"""Zones kept of one visit: bounds memory where somebody is carried round all day; the newest count."""
PASSING_S = 5.0
"""A stay shorter than this is walking through, not stopping."""
PRIOR_GOAL_DIRECTED = 0.5
"""Before anything is known either kind of shopper is as likely."""

FEATURES: Mapping[str, tuple[float, float, float, float]] = MappingProxyType(
    {
        # feature: mean and spread for goal-directed, mean and spread for browsing (natural units below)
        "log_median_stop_s": (2.6, 0.6, 3.4, 0.6),
        "passing_share": (0.45, 0.25, 0.25, 0.2),
        "returns_per_zone": (0.15, 0.25, 0.45, 0.35),
        "log_zones_per_minute": (0.9, 0.5, 0.2, 0.5),
    }
)
"""The features that tell the two kinds apart, each as a normal distribution; the values are those of walks of both kinds through
plans of different shops, wide enough that a single feature never decides."""
EVIDENCE_SHARE = 0.6
"""The features overlap in what they say: their summed evidence counts for this part."""
FIRST_WORD_S = 60.0
"""Before so much of a visit its features say little: evidence grows in linearly."""


@dataclass(frozen=True, slots=True)
class Stay:
    """One stay in one zone: `left_s` None while it lasts."""

    zone: str
    entered_s: float
    left_s: float | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit as of its latest move."""

    visit: str
    shopper: str
    started_at_s: float
    at_s: float
    zone: str | None
    dwell_s: float
    confidence: float
    """Probability, 0 to 1, that the shopper is where the latest move said."""
    path: tuple[str, ...]
    """Zones in the order entered, the newest last, at most LONGEST_PATH."""
    entries: int
    """How often this visit entered the zone that the latest move is about, the one just left included; 0 without a zone."""
    zone_dwell_s: Mapping[str, float]
    speed_zones_per_min: float
    coverage: float
    """Share of the plan's zones this visit has been in, 0 to 1."""
    goal_directed: float
    """Probability, 0 to 1, that this shopper knows what they came for; the rest is browsing."""
    features: Mapping[str, float]
    is_new: bool
    """True on the move that opened the visit."""
    over: bool

    def facts(self) -> dict[str, str | int | float | frozenset[str]]:
        """Return what a rule may read of this visit, by the rules' field names."""
        return {
            "intent": self.intent,
            "goal_directed": self.goal_directed,
            "confidence": self.confidence,
            "path": frozenset(self.path),
            "entries": self.entries,
            "coverage": self.coverage,
            "visit_s": self.at_s - self.started_at_s,
        }

    @property
    def intent(self) -> str:
        """Return the likelier of the two words rules use: `goal-directed` or `browsing`."""
        return "goal-directed" if self.goal_directed >= 0.5 else "browsing"


@dataclass(slots=True)
class _Ongoing:
    visit: str
    started_at_s: float
    stays: list[Stay] = field(default_factory=list)
    zone_dwell_s: dict[str, float] = field(default_factory=dict)
    zone: str | None = None
    since_s: float = 0.0
    latest: Visit | None = None

    def shift(self, by_s: float) -> None:
        """Follow a leap of the clock. The visit keeps its id."""
        self.started_at_s += by_s
        self.since_s += by_s
        self.stays = [
            replace(stay, entered_s=stay.entered_s + by_s, left_s=None if stay.left_s is None else stay.left_s + by_s)
            for stay in self.stays
        ]
        if self.latest is not None:
            self.latest = replace(self.latest, started_at_s=self.latest.started_at_s + by_s, at_s=self.latest.at_s + by_s)


class Visits:
    """Folds moves into visits. State: one open visit per shopper in the shop, bounded by LONGEST_PATH stays."""

    def __init__(self, plan: StorePlan) -> None:
        self._zone_count = len(plan.zones)
        self._open: dict[str, _Ongoing] = {}

    def follow(self, move: Move) -> Visit:
        """Add a move to its visit and return that visit. A move without an open visit opens one."""
        ongoing = self._open.get(move.shopper)
        is_new = ongoing is None
        if ongoing is None:
            started = move.at_s - move.dwell_s
            ongoing = _Ongoing(visit_id(move.shopper, started), started, since_s=started)
            self._open[move.shopper] = ongoing
        if move.event is MoveEvent.ENTER:
            _enter(ongoing, move)
        elif move.event is MoveEvent.EXIT:
            _leave(ongoing, move.at_s)
        if move.visit_over:
            del self._open[move.shopper]
        ongoing.latest = self._picture(ongoing, move, is_new)
        return ongoing.latest

    def current(self, shopper: str) -> Visit | None:
        """Return the visit of a shopper who is in the shop, as of its latest move; None for anybody else."""
        ongoing = self._open.get(shopper)
        return ongoing.latest if ongoing is not None else None

    def shift(self, by_s: float) -> None:
        """Follow a leap of the clock: nobody has been here longer, or shorter, for it."""
        for ongoing in self._open.values():
            ongoing.shift(by_s)

    def forget(self, shopper: str) -> None:
        """Drop a shopper's open visit without a trace."""
        self._open.pop(shopper, None)

    def _picture(self, ongoing: _Ongoing, move: Move, is_new: bool) -> Visit:
        features = intent_features(ongoing.stays, ongoing.started_at_s, move.at_s)
        path = tuple(stay.zone for stay in ongoing.stays)
        return Visit(
            visit=ongoing.visit,
            shopper=move.shopper,
            started_at_s=ongoing.started_at_s,
            at_s=move.at_s,
            zone=move.zone if move.event is not MoveEvent.EXIT else None,
            dwell_s=move.dwell_s,
            confidence=move.confidence,
            path=path,
            entries=path.count(move.zone) if move.zone is not None else 0,
            zone_dwell_s=MappingProxyType(dict(ongoing.zone_dwell_s)),
            speed_zones_per_min=math.exp(features["log_zones_per_minute"]) if features else 0.0,
            coverage=len(ongoing.zone_dwell_s) / self._zone_count,
            goal_directed=goal_directed_probability(features, move.at_s - ongoing.started_at_s),
            features=MappingProxyType(features),
            is_new=is_new,
            over=move.visit_over,
        )


def visit_id(shopper: str, started_at_s: float) -> str:
    """Return a visit's id: the same on every replay, and it names nobody (a hash of shopper and start)."""
    return hashlib.sha256(f"{shopper}\x00{started_at_s:.3f}".encode()).hexdigest()[:20]


def _enter(ongoing: _Ongoing, move: Move) -> None:
    _leave(ongoing, move.at_s)
    ongoing.zone, ongoing.since_s = move.zone, move.at_s
    if move.zone is None:
        return
    ongoing.stays.append(Stay(move.zone, move.at_s))
    ongoing.zone_dwell_s.setdefault(move.zone, 0.0)
    del ongoing.stays[:-LONGEST_PATH]


def _leave(ongoing: _Ongoing, at_s: float) -> None:
    if ongoing.zone is None:
        return
    ongoing.zone_dwell_s[ongoing.zone] += max(0.0, at_s - ongoing.since_s)
    last = ongoing.stays[-1]
    ongoing.stays[-1] = Stay(last.zone, last.entered_s, at_s)
    ongoing.zone = None


def intent_features(stays: Sequence[Stay], started_at_s: float, now_s: float) -> dict[str, float]:
    """Return the named features of a visit so far, or {} before the second stay.

    `log_median_stop_s`: natural log of the median length of stays that are no passing, seconds.
    `passing_share`: share of stays shorter than PASSING_S. `returns_per_zone`: entries beyond the first, per zone seen.
    `log_zones_per_minute`: natural log of zones entered per minute.
    """
    if len(stays) < 2:
        return {}
    lengths = [(stay.left_s if stay.left_s is not None else now_s) - stay.entered_s for stay in stays]
    stops = sorted(length for length in lengths if length >= PASSING_S)
    counts = Counter(stay.zone for stay in stays)
    minutes = max(now_s - started_at_s, 1.0) / 60
    return {
        "log_median_stop_s": math.log(stops[len(stops) // 2] if stops else PASSING_S),
        "passing_share": 1 - len(stops) / len(stays),
        "returns_per_zone": (len(stays) - len(counts)) / len(counts),
        "log_zones_per_minute": math.log(len(stays) / minutes),
    }


def goal_directed_probability(features: Mapping[str, float], visit_s: float) -> float:
    """Return naive Bayes over FEATURES, tempered by EVIDENCE_SHARE and grown in over FIRST_WORD_S seconds of visit."""
    log_odds = math.log(PRIOR_GOAL_DIRECTED / (1 - PRIOR_GOAL_DIRECTED))
    weight = EVIDENCE_SHARE * min(1.0, max(0.0, visit_s) / FIRST_WORD_S)
    for name, value in features.items():
        goal_mean, goal_spread, browse_mean, browse_spread = FEATURES[name]
        goal = -0.5 * ((value - goal_mean) / goal_spread) ** 2 - math.log(goal_spread)
        browse = -0.5 * ((value - browse_mean) / browse_spread) ** 2 - math.log(browse_spread)
        log_odds += weight * (goal - browse)
    return 1 / (1 + math.exp(-min(max(log_odds, -30.0), 30.0)))
