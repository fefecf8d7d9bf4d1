"""Profiles with a conscience: what may be kept of a shopper, and what is left out. "If you don't use it, don't collect it." Pure.

A value is kept when its attribute is declared in the live rule book, a rule of that book reads it, it is of the declared type and
domain, whoever sends it is its declared supplier, and the shopper consented to its purpose. Everything else is left out, counted,
and reported to the sender.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple, TypeGuard

from pydantic import JsonValue

from gateway.objections import Objection
from gateway.storage.profiles import Json
from rules import Value
from rules.engine.book import Book
from rules.engine.rule import Rule
from rules.format.dates import without_year
from rules.format.fields import AFFINITY, LARGEST_NUMBER, Field, FieldType, affinity_field
from rules.format.literals import answer_fact
from rules.texts import N_

LONGEST_TEXT = 200
"""Characters of a value; a declared choice or a name is shorter by far."""
_NAME = re.compile(r"data\.[a-z]+\.[a-z0-9_.-]{1,64}")
"""A path to name in a reply; a key of the sender's own making may be anything."""

BACKEND = "backend"
SHOPPER = "shopper"

_WHY = {
    "undeclared": N_("no attribute of the live rule book is called so"),
    "unread": N_("no live rule reads it, so it is not collected"),
    "not_yours": N_("this attribute is supplied by somebody else"),
    "no_consent": N_("the shopper did not consent to its purpose"),
    "wrong_value": N_("not of the declared type or allowed values"),
}


class Asked(NamedTuple):
    """What an answer to a question card fills, and for how long it holds."""

    field: Field
    answers: frozenset[str]
    valid_for_s: float
    day_only: bool
    """Of a date, only day and month are kept."""


@dataclass(frozen=True, slots=True)
class DeclaredAttributes:
    """The attributes that the live rule book declares or reads, who reads them, and the questions it asks."""

    fields: Mapping[str, Field] = field(default_factory=dict)
    read_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Field to the offers whose conditions or words read it."""
    questions: Mapping[str, Asked] = field(default_factory=dict)
    """Offer to its question."""
    day_only: frozenset[str] = frozenset()
    """Dates that no rule asks more of than their day in any year, as of a birthday: the year is not kept."""
    reads_groups: bool = False
    """A rule reads which product groups were bought."""

    def readable(self, purposes: frozenset[str]) -> frozenset[str]:
        """Return the fields that may be kept of a shopper who consented to `purposes`."""
        return frozenset(name for name in self.read_by if self._consented(self.fields[name], purposes))

    def sift(
        self, attributes: Mapping[str, JsonValue], affinities: Mapping[str, JsonValue], purposes: frozenset[str]
    ) -> tuple[dict[str, Json], list[Objection]]:
        """Return what to keep of a backend's profile, field to value, and why the rest is left out."""
        kept: dict[str, Json] = {}
        left_out: list[Objection] = []
        sent = [(f"data.attributes.{name}", name, value) for name, value in attributes.items()]
        sent += [(f"data.affinities.{offer}", f"{AFFINITY}.{offer}", value) for offer, value in affinities.items()]
        for path, name, value in sent:
            code = self._objection(name, value, purposes)
            if code is None and is_plain(value):
                kept[name] = without_year(str(value)) if name in self.day_only else value
            else:
                code = code or "wrong_value"
                left_out.append(Objection(path if _NAME.fullmatch(path) else "data", code, _WHY[code]))
        return kept, left_out

    def _objection(self, name: str, value: JsonValue, purposes: frozenset[str]) -> str | None:
        declared = self.fields.get(name)
        if declared is None:
            return "undeclared"
        if not self.read_by.get(name):
            return "unread"
        if declared.supplier != BACKEND:
            return "not_yours"
        if not self._consented(declared, purposes):
            return "no_consent"
        return None if is_plain(value) and declared.admits(value_of(value)) else "wrong_value"

    @staticmethod
    def _consented(declared: Field, purposes: frozenset[str]) -> bool:
        return declared.purpose is None or declared.purpose in purposes


def declared_attributes(books: Collection[Book]) -> DeclaredAttributes:
    """Return what the live books ask for (one, or a second that is live in some zones first); without one nothing is kept."""
    fields: dict[str, Field] = {}
    read_by: dict[str, list[str]] = {}
    questions: dict[str, Asked] = {}
    books = tuple(books)
    in_full = {name for book in books for rule in book.rules for name in rule.reads_in_full()}
    for book in books:
        fields = {name: book.fields[name] for name in book.attributes} | fields
        fields |= {affinity_field(rule.id).name: affinity_field(rule.id) for rule in book.rules}
        questions = dict(_questions(book, in_full)) | questions
        for rule in book.rules:
            for name in _reads(rule, fields):
                readers = read_by.setdefault(name, [])
                if rule.id not in readers:
                    readers.append(rule.id)
    return DeclaredAttributes(
        fields=MappingProxyType(fields),
        read_by=MappingProxyType({name: tuple(offers) for name, offers in read_by.items()}),
        questions=MappingProxyType(questions),
        day_only=frozenset(name for name, field in fields.items() if _is_day_only(field, in_full)),
        reads_groups=any("purchase" in rule.reads() for book in books for rule in book.rules),
    )


def _is_day_only(field: Field, in_full: Collection[str]) -> bool:
    return field.type is FieldType.DATE and field.name not in in_full


def _reads(rule: Rule, fields: Mapping[str, Field]) -> Iterator[str]:
    """Return what a rule reads of a profile: in its condition and words, in ranking, and to know whether it was answered."""
    yield from sorted(name for name in rule.reads() if name in fields)
    yield affinity_field(rule.id).name
    if rule.asks is not None:
        yield rule.asks.attribute


def _questions(book: Book, in_full: Collection[str]) -> Iterator[tuple[str, Asked]]:
    for rule in book.rules:
        if rule.asks is not None:
            field = book.fields[rule.asks.attribute]
            yield rule.id, Asked(field, rule.asks.answers, rule.asks.valid_for_s, _is_day_only(field, in_full))


def is_plain(value: JsonValue) -> TypeGuard[Json]:
    """Tell whether a value that was sent can be any attribute's at all."""
    if isinstance(value, list):
        return all(isinstance(one, str) and len(one) <= LONGEST_TEXT for one in value)
    if isinstance(value, str):
        return len(value) <= LONGEST_TEXT
    return isinstance(value, bool | int | float) and abs(value) <= LARGEST_NUMBER


def value_of(value: Json) -> Value:
    """Return a stored or sent value as the rules read it."""
    return frozenset(value) if isinstance(value, list) else value


def answer_value(asked: Asked, answer: str) -> Json | None:
    """Return the value that an answer fills in; None when the card has no such answer or the attribute can't hold it."""
    if answer not in asked.answers:
        return None
    value = answer_fact(asked.field, answer)
    if asked.day_only and value is not None:
        value = without_year(str(value))
    return sorted(value) if isinstance(value, frozenset) else value
