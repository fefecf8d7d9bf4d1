"""The decision engine: pure, and usable by itself.

book = load_book(Path("supermarket.yaml"))
decision = decide(book, situation)
"""

from rules.book import Book
from rules.decide import decide
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
from rules.errors import BookError, Problem
from rules.explain import Explanation, LeafTruth, explain, explain_decision
from rules.loading import load_book, load_data
from rules.ranking import Candidate, Ranked, Ranker
from rules.reasons import Reason
from rules.record import decision_record, inputs_hash, situation_of, situation_record
from rules.situation import EVENTS, HAPPENINGS, PURPOSES, Happening, Situation, Value

__all__ = [
    "EVENTS",
    "HAPPENINGS",
    "PURPOSES",
    "Book",
    "BookError",
    "Candidate",
    "Cap",
    "CapKind",
    "Chosen",
    "CodeKind",
    "Codes",
    "Content",
    "Decision",
    "Explanation",
    "Gate",
    "Group",
    "Happening",
    "Invitation",
    "LeafTruth",
    "Problem",
    "Proof",
    "Question",
    "Ranked",
    "Ranker",
    "Reason",
    "Situation",
    "Value",
    "Verdict",
    "Voucher",
    "Worth",
    "decide",
    "decision_record",
    "explain",
    "explain_decision",
    "inputs_hash",
    "load_book",
    "load_data",
    "situation_of",
    "situation_record",
]
