"""A book's own examples: facts in, decision and reasons out. They run before it goes live and show which offers none reaches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rules.decision import Gate
from rules.engine.book import Book
from rules.engine.decide import decide
from rules.format.dates import parse_moment
from rules.format.document import Case, CaseSituation
from rules.format.errors import BookError, BookProblem
from rules.format.literals import parse_fact
from rules.situation import Happening, Situation


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How one case went: what was expected and what came out; `reasons` are (offer, expected gate, actual gate) that differ."""

    name: str
    expected: tuple[str, ...]
    chosen: tuple[str, ...]
    reasons: tuple[tuple[str, str, str], ...]

    @property
    def passed(self) -> bool:
        """True when the case came out as the book says."""
        return self.expected == self.chosen and not self.reasons


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the cases reach of one offer: how often it was chosen, and the gates that stopped it."""

    offer: str
    chosen: int
    gates: Mapping[Gate, int]

    @property
    def reached(self) -> bool:
        """True when some case makes the offer."""
        return self.chosen > 0


@dataclass(frozen=True, slots=True)
class CaseReport:
    """All cases of a book, and the coverage of its offers in the book's order."""

    results: tuple[CaseResult, ...]
    coverage: tuple[Coverage, ...]

    @property
    def passed(self) -> bool:
        """True when every case passed."""
        return all(result.passed for result in self.results)


def run_cases(book: Book) -> CaseReport:
    """Runs the examples that a book carries. Raises BookError when a case's fact doesn't fit its field."""
    counts: dict[str, dict[Gate, int]] = {rule.id: {} for rule in book.rules}
    results = []
    for index, case in enumerate(book.document.cases):
        result, gates = _run(book, case, f"cases[{index}].given.")
        results.append(result)
        for offer, gate in gates.items():
            counts[offer][gate] = counts[offer].get(gate, 0) + 1
    coverage = (Coverage(offer, gates.get(Gate.CHOSEN, 0) + gates.get(Gate.GHOST, 0), gates) for offer, gates in counts.items())
    return CaseReport(tuple(results), tuple(coverage))


def _run(book: Book, case: Case, place: str) -> tuple[CaseResult, dict[str, Gate]]:
    decision = decide(book, situation_of_case(book, case.given, place))
    gates = {verdict.offer: verdict.gate for verdict in decision.verdicts}
    chosen = tuple(chosen.offer for chosen in (*decision.chosen, *decision.ghosts))
    wrong = tuple((offer, gate, gates[offer].value) for offer, gate in case.because.items() if gates[offer].value != gate)
    return CaseResult(case.name, case.chosen, chosen, wrong), gates


def situation_of_case(book: Book, given: CaseSituation, place: str = "") -> Situation:
    """The situation that a case describes. What it leaves out is the plainest: full attention, no history.

    Raises BookError for a moment or fact that can't be, its path behind `place`.
    """
    at_s = parse_moment(given.at, book.zone)
    if at_s is None:
        raise BookError([BookProblem("moment_time", f"{place}at", values={"value": given.at})])
    facts = {name: parse_fact(book.fields, name, value, f"{place}facts.{name}") for name, value in given.facts.items()}
    return Situation(
        shopper=given.shopper,
        at_s=at_s,
        event=given.event,
        zone=given.zone,
        dwell_s=given.dwell or 0.0,
        visit=given.visit,
        purposes=frozenset(given.purposes),
        language=given.language,
        facts=facts,
        fact_times={name: at_s - given.ages.get(name, 0.0) for name in facts},
        history=tuple(Happening(one.offer, one.what, at_s - one.ago, one.visit) for one in given.history),
        attention=book.attention.capacity if given.attention is None else given.attention,
        exhausted=frozenset(given.exhausted),
    )
