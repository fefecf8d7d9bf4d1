"""What an examination says: one finding for each thing looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from rules.texts import Language, text


class Grade(StrEnum):
    """How it stands with one thing. In order of how soon somebody should act."""

    FINE = "fine"
    UNKNOWN = "unknown"
    """It couldn't be looked at from here, by this user."""
    LOOK = "look"
    """It works, and won't for ever."""
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing, how it stands, and what to do where it isn't fine. Texts are keys of the catalogue."""

    about: str
    """Which thing, the same in every version: `adapter`, `broker`, …"""
    grade: Grade
    said: str
    remedy: str = ""
    values: Mapping[str, object] = field(default_factory=dict)
    """For the {places} in both texts."""

    def says(self, language: Language) -> str:
        """Return what was found, in a language."""
        return text(language, self.said, **self.values)

    def to_do(self, language: Language) -> str:
        """Return what to do, in a language; empty where nothing is."""
        return text(language, self.remedy, **self.values) if self.remedy else ""


def worst(findings: Iterable[Finding]) -> Grade:
    """Return the grade of the whole: that of the worst finding."""
    order = list(Grade)
    return max((finding.grade for finding in findings), key=order.index, default=Grade.FINE)
