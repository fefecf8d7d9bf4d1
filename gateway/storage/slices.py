"""Deleting in slices: a day, or a year, that is due at once must not hold up the promises that are being made."""

from __future__ import annotations

from sqlalchemy import Column, ColumnElement, Connection, delete, select

SLICE_ROWS = 250
"""Rows that one transaction deletes of a table: a few milliseconds of the writer, with each index and what is overwritten."""


def delete_slice(connection: Connection, key: Column[object], due: ColumnElement[bool], limit: int = SLICE_ROWS) -> int:
    """Delete up to `limit` rows that are due; how many. `key` is the table's own, `due` must be found by an index."""
    chosen = select(key).where(due).limit(limit).scalar_subquery()
    return connection.execute(delete(key.table).where(key.in_(chosen))).rowcount
