"""The decision engine: pure, and usable by itself."""

from rules.decision import (
    Cap,
    CapKind,
    Chosen,
    CodeKind,
    Codes,
    Content,
    Decision,
    Gate,
    Group,
    Invitation,
    Proof,
    Question,
    Verdict,
    Voucher,
    Worth,
)
from rules.situation import EVENTS, HAPPENINGS, PURPOSES, Happening, Situation, Value

__all__ = [
    "EVENTS",
    "HAPPENINGS",
    "PURPOSES",
    "Cap",
    "CapKind",
    "Chosen",
    "CodeKind",
    "Codes",
    "Content",
    "Decision",
    "Gate",
    "Group",
    "Happening",
    "Invitation",
    "Proof",
    "Question",
    "Situation",
    "Value",
    "Verdict",
    "Voucher",
    "Worth",
]
