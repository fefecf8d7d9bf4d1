"""Small charts, drawn by the server as SVG: bars with what they say in words and in a table beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from rules.texts import N_, Language, text

BAR_WIDTH, BAR_GAP, HEIGHT = 6, 2, 32
"""In the SVG's own units."""
LOWEST = 1
"""A bar of nothing still shows: it was looked at, and was nothing."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar. `share` of 0 to 1; None: nothing is known, which is not the same as nothing."""

    at_s: float
    share: float | None


@dataclass(frozen=True, slots=True)
class Drawn:
    """One bar, ready to draw."""

    x: int
    y: float
    height: float
    known: bool
    poor: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """A row of bars, the sentence that says the same, and a table for who wants each."""

    bars: tuple[Drawn, ...]
    width: int
    sentence: str
    last: str
    """The newest value, written beside the bars."""
    rows: tuple[tuple[str, str], ...]


POOR_SHARE = 0.5
"""Below this a bar stands out: as in radio/quality.py."""


def hours_chart(hours: Sequence[Bar], timezone: str, language: Language) -> Chart:
    """Draw hours, oldest first."""
    zone = ZoneInfo(timezone)
    rows = [(f"{datetime.fromtimestamp(hour.at_s, zone):%H:%M}", percent(hour.share, language)) for hour in hours]
    known = [hour for hour in hours if hour.share is not None]
    if not known:
        sentence = text(language, N_("Nobody has looked yet."))
    else:
        worst = min(known, key=lambda hour: hour.share or 0.0)
        sentence = text(
            language,
            N_("Heard in the last {hours} hours: at worst {worst} of what there was, from {at}."),
            hours=len(known),
            worst=percent(worst.share, language),
            at=f"{datetime.fromtimestamp(worst.at_s, zone):%H:%M}",
        )
    return Chart(
        bars=tuple(_drawn(place, hour.share) for place, hour in enumerate(hours)),
        width=len(hours) * (BAR_WIDTH + BAR_GAP) - BAR_GAP,
        sentence=sentence,
        last=percent(hours[-1].share, language) if hours else "",
        rows=tuple(reversed(rows)),
    )


def percent(share: float | None, language: Language) -> str:
    """Say a share in whole percents; `unknown` for None."""
    return text(language, N_("unknown")) if share is None else f"{100 * share:.0f}%"


def _drawn(place: int, share: float | None) -> Drawn:
    height = HEIGHT if share is None else max(round(share * HEIGHT, 1), LOWEST)
    return Drawn(place * (BAR_WIDTH + BAR_GAP), round(HEIGHT - height, 1), height, share is not None, (share or 0.0) < POOR_SHARE)
