"""A card's words: templates with typed placeholders, checked when the book is loaded, filled for one shopper."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from string import Formatter
from zoneinfo import ZoneInfo

from rules.decision import Content, Worth
from rules.format.fields import Field, FieldType
from rules.format.schema_parts import CardWords, Texts
from rules.situation import Value
from rules.texts import N_, Language, in_each, spoken, text

PLACEHOLDERS = ("percent", "amount", "gift", "price", "was_price", "ends", "zone", "people", "source", "reward", "friend")
"""What the engine fills in itself; besides these, any field that holds a number, a word or a choice."""
_FILLABLE = (FieldType.NUMBER, FieldType.CHOICE, FieldType.TEXT)

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


def value_text(value: Value, language: Language) -> str:
    """A fact as it reads: numbers with the language's decimal mark."""
    if isinstance(value, float):
        return f"{value:g}".replace(".", _decimal_mark(language))
    return str(value)


def euro(amount: float, language: Language) -> str:
    """An amount as it is written: € 2,50 in Dutch, €2.50 in English."""
    written = f"{amount:.2f}".replace(".", _decimal_mark(language))
    return text(language, N_("€{amount}"), amount=written)


def _decimal_mark(language: Language) -> str:
    """What a language puts before tenths: its catalogue says how it writes one and a half."""
    return text(language, N_("1.5"))[1]


def worth_text(worth: Worth, language: Language) -> str:
    """What a voucher is worth, in words: 10%, € 2,50, or the gift's name."""
    if worth.percent is not None:
        return value_text(worth.percent, language).removesuffix(".0") + "%"
    if worth.amount_cents is not None:
        return euro(worth.amount_cents / 100, language)
    return worth.gift or ""


def end_text(end_s: float, at_s: float, zone: ZoneInfo) -> str:
    """An end as people say it: the time today, with the date on another day."""
    end, now = datetime.fromtimestamp(end_s, zone), datetime.fromtimestamp(at_s, zone)
    return end.strftime("%H:%M" if end.date() == now.date() else "%d-%m %H:%M")


def chooser(fixed: Mapping[str, str], values: Mapping[str, Value], language: Language) -> Callable[[str], str]:
    """The text of each placeholder: the offer's own first, then the facts."""
    return lambda name: fixed[name] if name in fixed else value_text(values[name], language)
