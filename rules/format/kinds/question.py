"""A question card: ask the shopper, don't guess."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from rules.decision import CardPart
from rules.format.errors import BookProblem, nearest
from rules.format.fields import FieldType
from rules.format.kinds.kind import Around, Asking, OfferKind
from rules.format.literals import NO, YES, answer_fact
from rules.format.names import check_known
from rules.format.schema_parts import Duration, FieldName, Label, Part
from rules.texts import Language, spoken

FEWEST_ANSWERS, MOST_ANSWERS = 2, 8
"""One answer is no question, and more than eight don't fit a phone."""


class QuestionPart(Part):
    """A question card: which attribute it fills, with which answers, valid for how long."""

    attribute: FieldName
    answers: Annotated[dict[str, Label], Field(min_length=FEWEST_ANSWERS, max_length=MOST_ANSWERS)]
    valid_for: Duration


@dataclass(frozen=True, slots=True)
class Question(CardPart):
    """The card's question in one language: its answers with their words, and how long one stays valid."""

    name: ClassVar[str] = "question"
    attribute: str
    answers: tuple[tuple[str, str], ...]
    valid_for_s: float

    def as_message(self) -> dict[str, object]:
        """Return the card's `question` on the wire."""
        return {"attribute": self.attribute, "answers": dict(self.answers), "valid_for_s": self.valid_for_s}

    def choices(self) -> tuple[str, ...]:
        """Return the answers' words."""
        return tuple(label for _, label in self.answers)


class QuestionKind(OfferKind[QuestionPart]):
    """A question."""

    name = "question"
    section = "question"

    def check(self, section: QuestionPart, around: Around) -> Iterator[BookProblem]:
        """Yield every fault of a question: an attribute that isn't the shopper's, answers that it can't hold."""
        yield from check_known("attribute", "attribute", section.attribute, around.attributes)
        asked = around.attributes.get(section.attribute)
        field = around.names.fields.get(section.attribute)
        if asked is None or field is None:
            return
        if asked.supplier != "shopper":
            yield BookProblem("question_supplier", "attribute", values={"value": section.attribute})
        allowed = sorted(YES | NO) if field.type is FieldType.FLAG else list(asked.values or ())
        for answer in section.answers:
            if answer_fact(field, answer) is None:
                kind = {FieldType.SET: "text", FieldType.CHOICE: "text"}.get(field.type, field.type.value)
                words = {"value": answer, "field": section.attribute, "allowed": ", ".join(allowed), "type": kind}
                code = "not_in_domain" if allowed else "wrong_type"
                yield BookProblem(code, f"answers.{answer}", nearest=nearest(answer, allowed), values=words)

    def shows(self, section: QuestionPart, language: Language, currency: str) -> Question:
        """Return the answers with their words."""
        answers = tuple((value, spoken(label, language)) for value, label in section.answers.items())
        return Question(section.attribute, answers, section.valid_for)

    def asks(self, section: QuestionPart) -> Asking:
        """Return the attribute that an answer fills, and the answers."""
        return Asking(section.attribute, frozenset(section.answers), section.valid_for)
