"""How each scanner heard over the last day, hour by hour, in memory: what every look at it found, nothing about whom.

A restart begins anew: an hour in which nobody looked is a gap, and shown as one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.dashboard.view import ScannerHour, ScannerNow

HOURS = 24
HOUR_S = 3600.0


@dataclass(slots=True)
class _Looks:
    looks: int = 0
    well: int = 0
    heard_share: float = 0.0
    """Sum over the looks at which it was well; a scanner that isn't measured is taken to hear all."""


class ScannerHistory:
    """The last hours of the plan's scanners. Bounded: HOURS for each scanner that was ever noted, and those are the plan's."""

    def __init__(self) -> None:
        self._hours: dict[str, OrderedDict[int, _Looks]] = {}

    def note(self, scanners: Iterable[ScannerNow], at_s: float) -> None:
        """Take a look at all scanners of the plan; others, which anybody could make up names for, are left out."""
        hour = int(at_s // HOUR_S)
        for scanner in scanners:
            if not scanner.in_plan:
                continue
            hours = self._hours.setdefault(scanner.scanner, OrderedDict())
            looks = hours.setdefault(hour, _Looks())
            looks.looks += 1
            if scanner.well:
                looks.well += 1
                looks.heard_share += 1.0 if scanner.heard_share is None else scanner.heard_share
            while len(hours) > HOURS:
                hours.popitem(last=False)

    def day(self, scanner: str, at_s: float) -> tuple[ScannerHour, ...]:
        """Return a scanner's last HOURS hours, oldest first, the one that runs last."""
        this_hour, hours = int(at_s // HOUR_S), self._hours.get(scanner, OrderedDict[int, _Looks]())
        return tuple(_hour(hour, hours.get(hour)) for hour in range(this_hour - HOURS + 1, this_hour + 1))


def _hour(hour: int, looks: _Looks | None) -> ScannerHour:
    if looks is None:
        return ScannerHour(hour * HOUR_S, None, 0)
    return ScannerHour(hour * HOUR_S, round(looks.heard_share / looks.looks, 3), looks.looks)
