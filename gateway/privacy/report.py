"""The privacy report: collected · why · read by, and how long, from the live rule book, the tables and the settings themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from gateway.privacy.consent_record import PURPOSE_WORDS, iso
from gateway.settings import Settings
from gateway.shoppers.profiles import declared_attributes
from gateway.storage import Connection, consents, journey, profiles
from gateway.storage.retention import DAY_S, RULES, period_s
from rules import PURPOSES
from rules.engine.book import Book
from rules.format.fields import Field
from rules.texts import N_, Language, ngettext, text

SUPPLIERS: Mapping[str, str] = {
    "backend": N_("the store app"),
    "shopper": N_("the shopper"),
    "gateway": N_("this gateway"),
}
_ALWAYS: Mapping[str, str] = {
    "pseudonym": N_("pseudonym and consent"),
    "identity": N_("beacon id or key of a phone or tag"),
    "visits": N_("visits: times and zones"),
    "stage": N_("stage of the customer journey"),
    "attention": N_("attention budget"),
    "offers": N_("offers, and what came of them"),
    "purchases": N_("purchases: product groups that a rule reads, and amounts"),
}
_ALWAYS_FOR: Mapping[str, str] = {
    "pseudonym": "recognise",
    "identity": "recognise",
    "visits": "recognise",
    "stage": "recognise",
    "attention": "offers",
    "offers": "offers",
    "purchases": "purchases",
}
_READ_AS: Mapping[str, tuple[str, ...]] = {
    "visits": ("visits", "visits_30d", "visits_90d", "days_since_visit"),
    "stage": ("stage",),
    "purchases": ("purchase",),
}
"""What the gateway keeps itself, by the fields that rules read it as."""
_MAKES_STAGE = frozenset({"visits", "purchases"})
"""What the stage of the customer journey is made of."""
_EVERY = N_("every rule")
_NOBODY = N_("nobody: not kept")


@dataclass(frozen=True, slots=True)
class Collected:
    """One line of the table: what is collected, why, from whom, how long, and which offers read it."""

    field: str
    label: str
    purpose: str
    why: str
    supplier: str
    fresh_days: float | None
    read_by: tuple[str, ...]
    shoppers: int | None
    """How many have a value; None where that isn't counted."""


@dataclass(frozen=True, slots=True)
class Kept:
    """How long one table keeps its rows."""

    table: str
    holds: str
    how_long: str


@dataclass(frozen=True, slots=True)
class Report:
    """The whole report, in one language."""

    made: str
    language: Language
    shoppers: int
    by_purpose: Mapping[str, int]
    stages: Mapping[str, int]
    collected: tuple[Collected, ...]
    kept: tuple[Kept, ...]

    def as_dict(self) -> dict[str, object]:
        """Return the report as plain JSON."""
        return asdict(self)


def privacy_report(connection: Connection, books: Sequence[Book], settings: Settings, now_s: float, language: Language) -> Report:
    """Return what is collected about shoppers here and now, why, who reads it, and how long it stays."""
    tally = consents.tally(connection)
    return Report(
        made=iso(now_s),
        language=language,
        shoppers=tally.pop("shoppers"),
        by_purpose={purpose: tally.get(purpose, 0) for purpose in PURPOSES},
        stages=journey.stages(connection),
        collected=(*_own(books, language), *_declared(connection, books, language)),
        kept=tuple(_kept(settings, language)),
    )


def _own(books: Sequence[Book], language: Language) -> Iterator[Collected]:
    """Return what the gateway itself keeps, whatever the books."""
    readers: dict[str, set[str]] = {}
    for rule in (rule for book in books for rule in book.rules):
        for name in rule.reads():
            readers.setdefault(name, set()).add(rule.id)
    for name, label in _ALWAYS.items():
        read = {offer for field in _READ_AS.get(name, ()) for offer in readers.get(field, ())}
        purpose = _ALWAYS_FOR[name]
        if name in _MAKES_STAGE:
            read.add(text(language, _ALWAYS["stage"]))
        yield Collected(
            name, text(language, label), purpose, text(language, PURPOSE_WORDS[purpose]), text(language, SUPPLIERS["gateway"]),
            None,
            tuple(sorted(read)) if name in _READ_AS else (text(language, _EVERY),), None,
        )  # fmt: skip


def _declared(connection: Connection, books: Sequence[Book], language: Language) -> Iterator[Collected]:
    """Return what the live books declare, read or not."""
    attributes = declared_attributes(books)
    held: dict[str, int] = {}
    for (name, _supplier), count in profiles.fields(connection).items():
        held[name] = max(count, held.get(name, 0))
    for name, declared in sorted(attributes.fields.items()):
        yield _line(declared, attributes.read_by.get(name, ()), held.get(name, 0), language)


def _line(declared: Field, read_by: tuple[str, ...], shoppers: int, language: Language) -> Collected:
    purpose = declared.purpose or "recognise"
    return Collected(
        field=declared.name,
        label=declared.label[language],
        purpose=purpose,
        why=text(language, PURPOSE_WORDS[purpose]),
        supplier=text(language, SUPPLIERS[declared.supplier]),
        fresh_days=declared.fresh_for_s / DAY_S if declared.fresh_for_s is not None else None,
        read_by=read_by or (text(language, _NOBODY),),
        shoppers=shoppers,
    )


def _kept(settings: Settings, language: Language) -> Iterator[Kept]:
    for rule in RULES:
        period = period_s(rule, settings)
        if period is not None:
            days = period / DAY_S
            how_long = text(language, ngettext("{days} day", "{days} days"), count=days, days=f"{days:g}")
        else:
            assert rule.until is not None  # a rule has one or the other
            how_long = text(language, rule.until)
        yield Kept(rule.table, text(language, rule.holds), how_long)


def collected_table(made: Report) -> str:
    """Collected · why · read by."""
    head = tuple(text(made.language, word) for word in (N_("collected"), N_("why"), N_("from"), N_("read by")))
    return markdown_table(head, [(line.label, line.why, line.supplier, ", ".join(line.read_by) or "-") for line in made.collected])


def kept_table(made: Report) -> str:
    """Return what is kept, and how long."""
    head = tuple(text(made.language, word) for word in (N_("table"), N_("holds"), N_("kept")))
    return markdown_table(head, [(f"`{line.table}`", line.holds, line.how_long) for line in made.kept])


def markdown_table(head: tuple[str, ...], lines: Sequence[tuple[str, ...]]) -> str:
    """Lay lines of cells out as a Markdown table."""
    rows = [head, tuple("---" for _ in head), *lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
