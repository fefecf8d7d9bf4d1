"""Whether a row that comes from a file is one of its table's: right types, right lengths, known words. Pure."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Float, Integer, LargeBinary, String, Table
from sqlalchemy.types import TypeEngine

from gateway import promise_states
from gateway.storage.packed import PackedJson
from gateway.storage.users import Role

INT_MAX = 2**63
WORDS: Mapping[tuple[str, str], frozenset[str]] = {
    ("tokens", "role"): frozenset(Role),
    ("accounts", "role"): frozenset(Role),
    ("promises", "state"): frozenset(promise_states.STATES),
}
"""Columns that may hold these words only: what they open or decide is not to be made up."""


class WrongRow(ValueError):
    """A row isn't one of its table's; `str()` says which column and why, never what it holds."""


def row_of(table: Table, given: Mapping[str, object]) -> dict[str, object]:
    """Return a row as the database takes it; a column that this version no longer has is left out. Raises WrongRow."""
    row = {column.name: _value(table, column, given[column.name]) for column in table.c if column.name in given}
    for column in table.c:
        may_lack = column.nullable or column.server_default is not None or column is table.autoincrement_column
        if column.name not in row and not may_lack:
            raise WrongRow(f"{table.name}.{column.name} is missing")
    return row


def _value(table: Table, column: Column[object], value: object) -> object:
    if value is None:
        if not column.nullable:
            raise WrongRow(f"{table.name}.{column.name} is empty")
        return None
    if isinstance(column.type, LargeBinary) and isinstance(value, str):
        return base64.b64decode(value, validate=True)
    words = WORDS.get((table.name, column.name))
    if not _fits(column.type, value) or (words is not None and value not in words):
        raise WrongRow(f"{table.name}.{column.name} can't hold that")
    return value


def _fits(kind: TypeEngine[object], value: Any) -> bool:
    if isinstance(kind, JSON | PackedJson):
        return True
    if isinstance(kind, Boolean):
        return value in (True, False)
    if isinstance(kind, Float):
        return type(value) in (int, float) and math.isfinite(value)
    if isinstance(kind, Integer):
        return type(value) is int and -INT_MAX <= value < INT_MAX
    return isinstance(value, str) and (not isinstance(kind, String) or kind.length is None or len(value) <= kind.length)
