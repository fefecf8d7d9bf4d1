"""A card's words: templates with typed placeholders, checked when the book is loaded, filled for one shopper."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from string import Formatter
from typing import Any

from rules.decision import Content
from rules.format.fields import Field, FieldType
from rules.format.schema_parts import CardWords, Texts
from rules.format.wording import day_text, value_text
from rules.texts import Language, in_each, spoken

PLACEHOLDERS = ("percent", "amount", "gift", "price", "was_price", "ends", "zone", "people", "source", "reward", "friend")
"""What the engine fills in itself; besides these, any field that holds a number, a word, a choice or a date."""
_FILLABLE = (FieldType.NUMBER, FieldType.CHOICE, FieldType.TEXT, FieldType.DATE)

Template = tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True)
class CardTemplate:
    """The words of one language, cut at their placeholders."""

    title: Template
    body: Template
    button: Template
    link: Template

    def fill(self, word: Callable[[str], str]) -> Content:
        """The card for one shopper; `word` gives each placeholder's text."""
        return Content(*(_filled(part, word) for part in (self.title, self.body, self.button, self.link)))


def card_templates(texts: Texts) -> dict[Language, CardTemplate]:
    """The templates of every language. Raises ValueError on a lone or nested brace."""
    return in_each(lambda language: card_template(spoken(texts, language)))


def card_template(words: CardWords) -> CardTemplate:
    """The templates of one language. Raises ValueError on a lone or nested brace."""
    return CardTemplate(_cut(words.title), _cut(words.body), _cut(words.button), _cut(words.link))


def _cut(text: str) -> Template:
    if "{" not in text and "}" not in text:
        return ((text, None),)
    parts = []
    for literal, name, specification, conversion in Formatter().parse(text):
        if specification or conversion:
            raise ValueError(text)
        parts.append((literal, name))
    return tuple(parts)


def _filled(template: Template, word: Callable[[str], str]) -> str:
    return "".join(literal if name is None else literal + word(name) for literal, name in template)


def placeholders_of(card: CardTemplate) -> tuple[str, ...]:
    """The placeholders of a card, each once, in reading order."""
    parts = (*card.title, *card.body, *card.button, *card.link)
    return tuple(dict.fromkeys(name for _, name in parts if name is not None))


def fillable(field: Field | None) -> bool:
    """True for a field whose value can stand in a sentence."""
    return field is not None and field.type in _FILLABLE


def chooser(
    fixed: Mapping[str, str], fields: Mapping[str, Field], values: Mapping[str, Any], language: Language
) -> Callable[[str], str]:
    """The text of each placeholder: the offer's own first, then the facts as conditions see them."""

    def word(name: str) -> str:
        if name in fixed:
            return fixed[name]
        value = values[name]
        if fields[name].type is not FieldType.DATE or isinstance(value, str):
            return value_text(value, language)
        return day_text(date.fromordinal(value) if isinstance(value, int) else value, language)

    return word
