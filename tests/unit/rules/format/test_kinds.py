"""A kind of offer is one module: what its card checks, composes and announces stands there and nowhere else."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

import gateway
import rules
from rules import Book, BookError, BookProblem, CardPart, Situation, Worth, decide
from rules.decision import Earned
from rules.format.kinds import KINDS
from rules.format.kinds.kind import Around, OfferKind
from rules.format.kinds.question import QuestionPart
from rules.texts import Language

Make = Callable[..., dict[str, Any]]
Load = Callable[..., Book]
Situate = Callable[..., Situation]

TOP = Path(rules.__path__[0]).parent
ITS_MODULE, THE_BOOK, THE_CONTRACT = "rules/format/kinds/", "rules/format/document.py", "gateway/messages.py"

LABEL = {"nl": "x", "en": "x"}
ASKED = {"attribute": "diet", "valid_for": "52w", "answers": {"vegan": LABEL, "all": LABEL}}


@dataclass(frozen=True, slots=True)
class Riddle(CardPart):
    name: ClassVar[str] = "riddle"
    language: str

    def as_message(self) -> dict[str, object]:
        return {"hint": f"in {self.language}"}

    def choices(self) -> tuple[str, ...]:
        return ("a", "b")

    def earned(self) -> Earned:
        return Earned(Worth(percent=5), "riddle")


class RiddleKind(OfferKind[QuestionPart]):
    """In the place of the question, and with its section."""

    name = "question"
    section = "question"
    refuses = False

    def check(self, section: QuestionPart, around: Around) -> Iterator[BookProblem]:
        if self.refuses:
            yield BookProblem("crowd_small", "answers", values={"least": "3"})

    def words(self, section: QuestionPart, language: Language, currency: str) -> dict[str, str]:
        return {"riddle": "what walks on four"}

    def shows(self, section: QuestionPart, language: Language, currency: str) -> Riddle:
        return Riddle(language)


@pytest.fixture
def riddle(monkeypatch: pytest.MonkeyPatch) -> RiddleKind:
    kind = RiddleKind()
    monkeypatch.setitem(KINDS, "question", kind)
    return kind


@pytest.mark.usefixtures("riddle")
def test_what_a_new_kind_composes_and_announces_comes_from_its_module(book: Load, offer: Make, situation: Situate) -> None:
    (chosen,) = decide(book(offer(kind="question", question=ASKED)), situation(language="en")).chosen
    assert chosen.shows() == {"riddle": {"hint": "in en"}}
    assert chosen.part is not None
    assert (chosen.part.choices(), chosen.part.earned()) == (("a", "b"), Earned(Worth(percent=5), "riddle"))


def test_what_a_new_kind_checks_comes_from_its_module(
    riddle: RiddleKind, monkeypatch: pytest.MonkeyPatch, book: Load, offer: Make
) -> None:
    monkeypatch.setattr(riddle, "refuses", True)
    with pytest.raises(BookError) as refused:
        book(offer(kind="question", question=ASKED))
    assert [problem.path for problem in refused.value.problems] == ["offers[0].question.answers"]


@pytest.mark.parametrize("word", ["question", "proof", "social_proof", "invitation", "staff_call"])
def test_no_module_but_the_kinds_own_the_book_and_the_contract_speaks_of_a_kind(
    word: str, strings: frozenset[tuple[str, str]]
) -> None:
    speaking = {
        path
        for path, text in strings
        if text == word and not path.startswith((ITS_MODULE, THE_BOOK, THE_CONTRACT, "gateway/storage/migrations/"))
    }
    # The names of all kinds stand in one line; help for staff goes to another topic; a reward waits by its invitation's id.
    known = {"rules/format/schema_parts.py"} | {
        "staff_call": {"gateway/offers/announcements.py", "gateway/offers/expiry.py", "gateway/dashboard/view.py"},
        "invitation": {"gateway/storage/pending_rewards.py"},
    }.get(word, set())
    assert speaking <= known


@pytest.fixture(scope="module")
def strings() -> frozenset[tuple[str, str]]:
    """Every text in the product, with the module where it stands."""
    return frozenset(_strings())


def _strings() -> Iterator[tuple[str, str]]:
    for package in (*rules.__path__, *gateway.__path__):
        for path in Path(package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield str(path.relative_to(TOP)), node.value
