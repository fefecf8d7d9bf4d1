"""How a scanner is doing, as a frozen value, and in words that a shop understands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.radio.quality import Quality
from gateway.radio.watchdog import ScannerState
from rules.texts import N_, Language, text


@dataclass(slots=True)
class Tally:
    """What one scanner heard since it was made. Whole numbers only: nothing about whom."""

    heard: int = 0
    """iBeacons, handed over."""
    other: int = 0
    """All other traffic: signs of life, dropped at the scanner."""
    malformed: int = 0
    """Packets that break their own lengths, dropped at the scanner."""

    @property
    def life(self) -> int:
        return self.heard + self.other + self.malformed


@dataclass(frozen=True, slots=True)
class ScannerHealth:
    """One scanner at one moment."""

    scanner: str
    kind: str
    """"mgmt", "bleak pair", "simulated", or the kind of other scanner: "etalage", "espresense", …"""
    state: ScannerState
    adverts_per_s: float
    """Everything on the air, over the last ticks."""
    heard: int
    other: int
    malformed: int
    restarts: int
    power_cycles: int
    resets: int
    failures: int
    recoveries: int
    reason: str
    """Why it was deaf last, for a technician; empty if it never was."""
    silent_s: float | None
    """Seconds since anything was heard; None if nothing ever was."""
    next_step_in_s: float | None
    """When the next recovery step follows, while it is not hearing."""
    quality: Quality | None = None
    doubled: bool = False
    """True: two boxes report under this one id."""
    refused: Mapping[str, int] = field(default_factory=dict)
    """What wasn't taken of its messages since the start, by reason: malformed, late, …"""
    refused_lately: Mapping[str, int] = field(default_factory=dict)
    """The same of the last minute or two."""

    @property
    def trustworthy(self) -> bool:
        """Tell whether its silence is evidence. If not, its zones are unknown, not empty.

        A scanner that has heard nothing since its start may have been deaf all along.
        """
        return self.state is ScannerState.HEARING

    @property
    def well(self) -> bool:
        """Tell whether nothing about it asks for a person."""
        return self.trustworthy and not self.doubled

    def words(self) -> tuple[str, dict[str, str | int | float]]:
        """Return what to tell the shop: a key of WORDS and its parameters."""
        parameters: dict[str, str | int | float] = {"scanner": self.scanner, "reason": self.reason}
        if self.doubled:
            return "scanner.doubled", parameters
        if self.state is ScannerState.HEARING:
            fault = self.quality.fault if self.quality else None
            if fault is not None and self.quality is not None:
                return f"scanner.{fault}", {**parameters, "share": f"{100 * (self.quality.heard_share or 0.0):.0f} %"}
            return "scanner.hearing", {**parameters, "rate": round(self.adverts_per_s)}
        silent = {"silent_s": round(self.silent_s or 0.0), "next_s": round(self.next_step_in_s or 0.0)}
        return f"scanner.{self.state}", {**parameters, **silent}


WORDS: dict[str, str] = {
    "scanner.hearing": N_("{scanner} hears well: {rate} messages a second."),
    "scanner.unheard": N_("{scanner} hasn't said anything yet. Is it switched on, and is this its name in its own settings?"),
    "scanner.doubled": N_("Two boxes report as {scanner}. Give each a name of its own in its settings and in the store plan."),
    "scanner.refused": N_("Not used in the last minute: {refused}."),
    "scanner.unknown": N_("{scanner} ({kind}) reports, but isn't in the store plan. Add it there, or name it in radio.names."),
    "scanner.misspelt": N_("{scanner} ({kind}) reports, but isn't in the store plan. Is {nearest} meant? See radio.names."),
    "scanner.quiet": N_("{scanner} is listening but has heard nothing yet. Is a beacon switched on nearby?"),
    "scanner.deaf": N_("{scanner} has heard nothing for {silent_s} s ({reason}). The next attempt follows in {next_s} s."),
    "scanner.recovering": N_("{scanner} is being restarted."),
    "scanner.absent": N_("{scanner} is not there ({reason}). Is the Bluetooth stick plugged in, and bluetoothd running?"),
    "scanner.filtered": N_("{scanner} is only told of large jumps: BlueZ filters. See docs/radio.md, 'A filtered scanner'."),
    "scanner.misses": N_("{scanner} hears {share} of what beacons send. Move the box away from metal, or higher up."),
    "scanner.recovered": N_("Recoveries since the start: {recoveries}; the last after: {reason}."),
    "scanner.clock": N_("The clock of {scanner} is off; its times are corrected. Switch its time server on."),
}


REASONS = (
    N_("silence"),
    N_("no messages"),
    N_("the adapter was unplugged"),
    N_("the adapter was powered off"),
    N_("the controller reported a fault"),
    N_("bluetoothd went away"),
    N_("bluetoothd removed the monitor"),
)
"""The reasons that the sources give themselves. What BlueZ or the kernel says is passed on in its own words, for a technician."""


REFUSALS = (
    N_("malformed"),
    N_("late"),
    N_("repeated"),
    N_("impossible"),
    N_("unknown scanner"),
    N_("retained"),
)
"""Why something of a scanner wasn't taken: remote/refusals.py."""


def unknown_words_in(language: Language, name: str, kind: str, nearest: str | None) -> str:
    """Return the sentence about somebody who reports by a name that the store plan doesn't have."""
    key = "scanner.unknown" if nearest is None else "scanner.misspelt"
    return text(language, WORDS[key], scanner=name, kind=kind, nearest=nearest)


def words_in(language: Language, health: ScannerHealth) -> str:
    """Return the sentences for a person, in a language: how the scanner is, and how often it had to be helped."""
    key, parameters = health.words()
    parameters["recoveries"] = health.recoveries
    if health.reason in REASONS:
        parameters["reason"] = text(language, health.reason)
    refused = sorted(health.refused_lately.items())
    parameters["refused"] = ", ".join(f"{count} {text(language, why)}" for why, count in refused)
    keys = [key]
    keys += ["scanner.recovered"] if health.recoveries else []
    keys += ["scanner.refused"] if health.refused_lately else []
    return " ".join(text(language, WORDS[key], **parameters) for key in keys)
