"""What is wrong with a book, all of it at once, each with its place and the nearest right word."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field

from rules.texts import N_, Language, text
from rules.texts.messages import PROBLEMS

MOST_COMPARED = 500
"""Words that are compared with a wrong one: a book of thousands of faults must not take minutes to refuse."""


@dataclass(frozen=True, slots=True)
class BookProblem:
    """One fault: file and line, offer, path inside the book, and a code with its values; `text` puts it in words."""

    code: str
    path: str = ""
    offer: str | None = None
    file: str = ""
    line: int | None = None
    nearest: str | None = None
    values: dict[str, str] = field(default_factory=dict)

    def text(self, language: Language = Language.EN) -> str:
        """The fault in one line: `file:line offer path: what is wrong; did you mean …?`"""
        message = self.message(language)
        place = ":".join(part for part in (self.file, str(self.line) if self.line else "") if part)
        offer = text(language, N_("offer {id}"), id=self.offer) if self.offer else ""
        where = " ".join(part for part in (place, offer, self.path) if part)
        return f"{where}: {message}" if where else message

    def message(self, language: Language = Language.EN) -> str:
        """Return what is wrong, without the place."""
        message = text(language, PROBLEMS[self.code], **self.values)
        if self.nearest is None:
            return message
        return text(language, N_("{message}; did you mean `{word}`?"), message=message, word=self.nearest)


class BookError(ValueError):
    """A book that can't be used: `problems` lists every fault found; `str()` is one line each."""

    def __init__(self, problems: Iterable[BookProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problem.text() for problem in self.problems))


def nearest(word: str, right_words: Iterable[str]) -> str | None:
    """The right word most like a wrong one, or None when nothing comes near."""
    close = difflib.get_close_matches(word[:64], sorted(right_words)[:MOST_COMPARED], n=1, cutoff=0.6)
    return close[0] if close else None
