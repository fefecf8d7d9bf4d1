"""Statements that run with every promise, compiled once: for SQLAlchemy, working out a statement costs more than running it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import Connection, Delete, Dialect, Insert, Update

_Parameter = tuple[str, Callable[[object], object] | None]
"""A parameter's name, and what makes a value the driver takes of one; None: it takes values as they are."""
_Compiled = tuple[str, list[_Parameter], dict[str, object], bool]
"""SQL, its parameters in order, the values that stand in the statement, and whether the driver takes parameters by their place."""


class StatementResult(Protocol):
    """What a statement brought about."""

    @property
    def rowcount(self) -> int:
        """Rows that were written."""

    def fetchone(self) -> Any:
        """The next row it returns, or None."""


class Prepared:
    """One writing statement; the same SQL, bound values and errors as when SQLAlchemy runs it.

    `columns` names what an insert fills. Nothing is filled in: every parameter has to be given, also those with a column default.
    What it returns comes back as the driver gives it, so nothing returned may need a type (JSON, booleans).
    """

    def __init__(self, statement: Insert | Update | Delete, columns: Sequence[str] | None = None) -> None:
        self._statement = statement
        self._columns = columns
        self._compiled: dict[str, _Compiled] = {}

    def run(self, connection: Connection, values: Mapping[str, object]) -> StatementResult:
        """Run it. Raises KeyError for a value that is missing, and what SQLAlchemy raises."""
        dialect = connection.dialect
        sql, parameters, fixed, by_place = self._compiled.get(dialect.name) or self._compile(dialect)
        if fixed:
            values = {**fixed, **values}
        bound = [values[name] if bind is None else bind(values[name]) for name, bind in parameters]
        if not by_place:
            return connection.exec_driver_sql(sql, dict(zip((name for name, _ in parameters), bound, strict=True)))
        raw: Any = connection.connection.driver_connection
        try:
            result: StatementResult = raw.execute(sql, bound)  # SQLAlchemy's own way to the same call takes thrice as long
        except sqlite3.Error:
            return connection.exec_driver_sql(sql, tuple(bound))  # what failed did nothing; again, for SQLAlchemy's own error
        return result

    def _compile(self, dialect: Dialect) -> _Compiled:
        compiled: Any = self._statement.compile(dialect=dialect, column_keys=self._columns)
        binds = {name: bind for bind, name in compiled.bind_names.items()}
        names = compiled.positiontup if compiled.positional else binds
        parameters = [(name, binds[name].type.dialect_impl(dialect).bind_processor(dialect)) for name in names]
        fixed = {name: bind.value for name, bind in binds.items() if not bind.required}
        self._compiled[dialect.name] = made = (str(compiled), parameters, fixed, compiled.positional)
        return made
