"""What the shop itself says today, about nobody: whether it is open, and the facts that its staff set (weather, stock)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from gateway.storage import Connection, Store, shop_facts
from rules import Book, BookError, BookProblem, Value
from rules.format.errors import nearest
from rules.format.fields import Field, FieldType
from rules.format.literals import parse_fact

FactValue = bool | int | float | str | list[str]
"""A fact as it is sent, stored and shown: a set is a list."""


@dataclass(frozen=True, slots=True)
class ShopFactNow:
    """One fact of the shop: what the live books want to know, and what was said of it."""

    name: str
    field: Field | None
    """None: no live book declares it any more."""
    value: FactValue | None = None
    """None: nobody said."""
    set_at_s: float | None = None
    set_by: str | None = None

    def counts_at(self, at_s: float) -> bool:
        """Return whether rules go by it at a moment: declared, of its field's type and domain, fresh. Otherwise it is unknown."""
        if self.field is None or self.value is None or self.set_at_s is None or not self.field.admits(as_read(self.value)):
            return False
        return self.field.is_fresh(at_s - self.set_at_s)


Said = Mapping[str, tuple[Value, float]]
"""A fact's name to its value and when it was set, epoch seconds."""


class ShopFacts:
    """Holds what was said in memory for the line; `at` and `refresh` belong to its thread, the rest may be called from any.

    `open_at` tells whether the shop is open at a moment: the store plan's hours; None where it has none.
    """

    def __init__(self, store: Store, open_at: Callable[[float], bool | None]) -> None:
        self._store = store
        self.open_at = open_at
        self._said: Said = MappingProxyType({})

    def at(self, at_s: float, book: Book) -> tuple[dict[str, Value], dict[str, float]]:
        """The facts for a decision by `book`, and when each was set. Only what that book declares as the shop's to say."""
        said = {name: self._said[name] for name in book.shop_facts if name in self._said}
        facts = {name: value for name, (value, _) in said.items()}
        is_open = self.open_at(at_s)
        if is_open is not None:
            facts["open"] = is_open
        return facts, {name: set_at_s for name, (_, set_at_s) in said.items()}

    def refresh(self) -> None:
        """Read what is said now, also by a command in another process, and hold it."""
        with self._store.read() as connection:
            self.take(self.read(connection))

    @staticmethod
    def read(connection: Connection) -> Said:
        """Read what is said now. A handful of rows: may be called every second, from any thread."""
        return MappingProxyType({row.name: (as_read(row.value), row.set_at_s) for row in shop_facts.every(connection)})

    def take(self, said: Said) -> None:
        """Hold what was read."""
        self._said = said

    def every(self, books: Iterable[Book]) -> list[ShopFactNow]:
        """Every fact that the live books declare, said or not, and what was said of facts they no longer know; by name."""
        fields = declared(books)
        with self._store.read() as connection:
            said = {row.name: (row.value, row.set_at_s, row.set_by) for row in shop_facts.every(connection)}
        found = []
        for name in sorted({*fields, *said}):
            value, set_at_s, set_by = said.get(name, (None, None, None))
            found.append(ShopFactNow(name, _field_for(fields.get(name, ()), value), value, set_at_s, set_by))
        return found

    def set(self, books: Iterable[Book], name: str, value: FactValue, at_s: float, who: str) -> None:
        """Have the shop say something from now on; it is on disk when this returns, and in the line at its next `refresh`.

        Raises BookError, with the nearest right word, where no live book declares the fact or none takes the value.
        """
        taken = admitted(declared(books), name, value)
        plain = sorted(taken) if isinstance(taken, frozenset) else taken
        fact = shop_facts.FactRecord(name, plain, at_s, who)
        self._store.writer.write_blocking(partial(shop_facts.put, fact=fact))

    def clear(self, books: Iterable[Book], name: str) -> bool:
        """Say no more of a fact: it is unknown again; False: nothing was said. Raises BookError for one that never could be."""
        known = [one.name for one in self.every(books)]
        if name not in known:
            raise unknown_fact(name, known)
        return self._store.writer.write_blocking(partial(shop_facts.drop, name=name))


def declared(books: Iterable[Book]) -> dict[str, list[Field]]:
    """Return what the live books let the shop say: name to its field, in each book that declares it."""
    fields: dict[str, list[Field]] = {}
    for book in books:
        for name in book.shop_facts:
            fields.setdefault(name, []).append(book.fields[name])
    return fields


def admitted(fields: Mapping[str, Sequence[Field]], name: str, value: FactValue) -> Value:
    """The value as rules read it, by the first book that takes it: one that is live in a zone may know more words.

    Raises BookError with the nearest right word.
    """
    if name not in fields:
        raise unknown_fact(name, fields)
    refused = BookError(())
    for field in fields[name]:
        try:
            return _taken(field, value)
        except BookError as error:
            refused = error
    raise refused


def unknown_fact(name: str, known: Iterable[str]) -> BookError:
    """The refusal of a fact that there isn't, with the nearest there is."""
    return BookError([BookProblem("unknown_field", nearest=nearest(name, known), values={"value": name[:80]})])


def _taken(field: Field, value: FactValue) -> Value:
    if isinstance(value, list) and field.type is not FieldType.SET:
        words = {"value": str(value)[:80], "type": field.type.value, "field": field.name}
        raise BookError([BookProblem("wrong_type", values=words)])
    return parse_fact({field.name: field}, field.name, value)


def _field_for(fields: Sequence[Field], value: FactValue | None) -> Field | None:
    """The field by which a fact is shown: where books differ, that of one that takes what was said."""
    admitting = (field for field in fields if value is not None and field.admits(as_read(value)))
    return next(admitting, fields[0] if fields else None)


def as_read(value: FactValue) -> Value:
    """Return a fact as rules read it, from how it is sent, stored and shown."""
    return frozenset(value) if isinstance(value, list) else value
