"""The decision engine: pure, and usable by itself.

book = load_book(Path("supermarket.yaml"))
decision = decide(book, situation)
"""

from rules.code_spelling import code_key
from rules.decision import (
    BasketTerms,
    Cap,
    CapKind,
    CardPart,
    Chosen,
    CodeKind,
    Codes,
    Content,
    Decision,
    Gate,
    Group,
    PlannedVoucher,
    Verdict,
    Worth,
)
from rules.engine.book import Book
from rules.engine.decide import decide
from rules.engine.ranking import Candidate, Ranked, Ranker
from rules.format.errors import BookError, BookProblem
from rules.loading.load import load_book, load_data
from rules.situation import EVENTS, HAPPENINGS, PURPOSES, Happening, Situation, Value
from rules.workbench.explain import Explanation, LeafTruth, explain, explain_decision
from rules.workbench.reasons import Reason
from rules.workbench.record import decision_record, inputs_hash, situation_of, situation_record

__all__ = [
    "EVENTS",
    "HAPPENINGS",
    "PURPOSES",
    "BasketTerms",
    "Book",
    "BookError",
    "BookProblem",
    "Candidate",
    "Cap",
    "CapKind",
    "CardPart",
    "Chosen",
    "CodeKind",
    "Codes",
    "Content",
    "Decision",
    "Explanation",
    "Gate",
    "Group",
    "Happening",
    "LeafTruth",
    "PlannedVoucher",
    "Ranked",
    "Ranker",
    "Reason",
    "Situation",
    "Value",
    "Verdict",
    "Worth",
    "code_key",
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
