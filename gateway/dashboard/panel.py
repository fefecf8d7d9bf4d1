"""How the box is doing, as a person reads it: a line for each part, well or not, in every language at once.

One encoded message serves every browser.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.clock import Trust
from gateway.dashboard.view import DatabaseNow, Health, LinkNow, Totals
from rules.texts import N_, Words, in_all, in_each, ngettext, text, unfilled

HEARING = ngettext("{count} of {all} scanners hears", "{count} of {all} scanners hear")


@dataclass(frozen=True, slots=True)
class HealthLine:
    """One part of the box."""

    part: str
    well: bool
    words: Words


@dataclass(frozen=True, slots=True)
class HealthPanel:
    """The whole panel."""

    well: bool
    heading: Words
    link: HealthLine
    database: HealthLine
    clock: HealthLine
    scanners_heading: Words
    scanners: tuple[HealthLine, ...]
    """What isn't well comes first."""
    counts: Totals


def panel(health: Health) -> HealthPanel:
    """The panel for the box's state."""
    scanners = [HealthLine(scanner.scanner, scanner.well, scanner.words) for scanner in health.scanners]
    in_plan = [scanner.well for scanner in health.scanners if scanner.in_plan]
    return HealthPanel(
        well=health.well,
        heading=in_all(N_("All is well") if health.well else N_("Needs attention")),
        link=_link(health.link),
        database=_database(health.database, health.counts.late),
        clock=_clock(health.trust),
        scanners_heading=in_all(HEARING, count=sum(in_plan), all=len(in_plan)),
        scanners=tuple(sorted(scanners, key=lambda line: line.well)),
        counts=health.counts,
    )


def _link(link: LinkNow) -> HealthLine:
    count = link.waiting
    if not link.connected:
        told = ngettext(
            "No connection with {broker}{why}. Promises are kept, and go out when it is back: one is waiting.",
            "No connection with {broker}{why}. Promises are kept, and go out when it is back: {count} are waiting.",
        )
    elif link.quarantined:
        count = link.quarantined
        told = ngettext(
            "Connected with {broker}. It refused an announcement; it is set aside for a person to look at.",
            "Connected with {broker}. It refused {count} announcements; they are set aside for a person to look at.",
        )
    else:
        told = ngettext(
            "Connected with {broker}; one announcement under way.", "Connected with {broker}; {count} announcements under way."
        )
    why = f" ({link.failure})" if link.failure else ""
    words = in_all(told, broker=link.broker, count=count, why=why)
    return HealthLine("link", link.connected and not link.quarantined, words)


def _database(database: DatabaseNow, late: int) -> HealthLine:
    if database.failure is None and database.nearly_full:
        told = N_("The disk is nearly full. Nothing new is promised until some space is free; what was promised is kept.")
        return HealthLine("database", False, in_all(told))
    if database.failure is None and late:
        told = N_("Everything is safe on disk. Moments since the start that it answered too late for an offer: {late}.")
        return HealthLine("database", True, in_all(told, late=late))
    if database.failure is None:
        return HealthLine("database", True, in_all(N_("Everything is safe on disk.")))
    told = N_("Can't write: {failure}. Nothing new is promised until it can.")
    failure = database.failure
    return HealthLine("database", False, in_each(lambda language: text(language, told, failure=unfilled(language, failure))))


def _clock(trust: Trust) -> HealthLine:
    texts = {
        "": N_("The time is trusted."),
        "stepped": N_(
            "The box's clock was set while it ran, and nothing has confirmed it yet. Offers go on by the time as it was before; "
            "nothing expires and nothing is deleted. See whether the box reaches a time server."
        ),
        "behind": N_(
            "After its start the box's clock is earlier than it has been: it has no clock of its own. Offers go on from the last "
            "time that was trusted; nothing expires and nothing is deleted. Connect the box with a time server, or set its clock."
        ),
        "unconfirmed": N_(
            "Nothing has confirmed the box's clock since it was switched on. Offers go on; nothing expires and nothing is deleted "
            "until then. It needs a time server."
        ),
    }
    return HealthLine("clock", trust.trusted, in_all(texts[trust.reason]))
