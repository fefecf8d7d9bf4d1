"""What happened, in sentences. The page's script fills the same ones for rows that come later."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from gateway.dashboard.view import FeedItem
from gateway.zones.plan import StorePlan
from rules.texts import N_, Language, text, unfilled

HAPPENED: dict[str, str] = {
    "visit_start": N_("{who} comes into the shop"),
    "enter": N_("{who} walks to {zone}"),
    "dwell": N_("{who} has been at {zone} for {dwell}"),
    "exit": N_("{who} leaves {zone}"),
    "nowhere": N_("{who} is somewhere in the shop"),
    "visit_end": N_("{who} leaves the shop"),
    "promised": N_("{who} is promised {offer}"),
    "withdrawn": N_("{offer} was taken back before anybody saw it"),
    "delivered": N_("{offer} reached the phone of {who}"),
    "shown": N_("{who} saw {offer}"),
    "tapped": N_("{who} tapped {offer}"),
    "dismissed": N_("{who} put {offer} aside"),
    "redeemed": N_("{who} used {offer}"),
    "purchased": N_("{who} bought after {offer}"),
    "reviewed": N_("{who} wrote a review after {offer}"),
    "shared": N_("{who} passed on {offer}"),
}
IN_ZONE = frozenset({"enter", "dwell", "exit"})
"""Without a zone these say no more than that somebody is in the shop."""
VISITOR = N_("visitor {number}")
SOMEBODY = N_("somebody")
AN_OFFER = N_("an offer")
QUOTED = N_("“{title}”")


def words_for_script(plan: StorePlan, language: Language) -> dict[str, object]:
    """All texts that the page's script needs, translated."""
    return {
        "happened": {kind: unfilled(language, sentence) for kind, sentence in HAPPENED.items()},
        "visitor": unfilled(language, VISITOR),
        "somebody": unfilled(language, SOMEBODY),
        "anOffer": unfilled(language, AN_OFFER),
        "quoted": unfilled(language, QUOTED),
        "zones": {zone.id: zone.called(language) for zone in plan.zones},
        "unknown": unfilled(language, N_("unknown")),
        "connecting": unfilled(language, N_("Connecting again")),
        "asOf": unfilled(language, N_("As of {time}")),
        "why": unfilled(language, N_("Why?")),
        "language": language,
        "timezone": plan.timezone,
    }


def happened(row: FeedItem, plan: StorePlan, language: Language) -> str:
    """One row of the feed as a sentence."""
    who = text(language, VISITOR, number=row.number) if row.number else unfilled(language, SOMEBODY)
    zone = next((zone.called(language) for zone in plan.zones if zone.id == row.zone), row.zone or "")
    offer = text(language, QUOTED, title=row.offer) if row.offer else unfilled(language, AN_OFFER)
    kind = row.kind if row.zone or row.kind not in IN_ZONE else "nowhere"
    sentence = text(language, HAPPENED[kind], who=who, zone=zone, offer=offer, dwell=duration(row.dwell_s))
    return sentence[:1].upper() + sentence[1:]


def duration(seconds: float) -> str:
    """As people say it: seconds up to a minute and a half, then minutes."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def clock_time(at_s: float, timezone: str) -> str:
    """A moment on the shop's own clock."""
    return datetime.fromtimestamp(at_s, ZoneInfo(timezone)).strftime("%H:%M:%S")


def local_moment(at_s: float, timezone: str, language: Language) -> str:
    """Say a day and time on the shop's own clock, as 28-11-2026 14:03 or 28 Nov 2026 14:03."""
    moment = datetime.fromtimestamp(at_s, ZoneInfo(timezone))
    return moment.strftime("%d-%m-%Y %H:%M" if language == "nl" else "%d %b %Y %H:%M")
