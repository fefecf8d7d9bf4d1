"""Run by Alembic for every migration: on the connection that `migrate` hands over."""

from typing import Any, Literal

from alembic import context
from sqlalchemy.types import TypeDecorator


def _plain(kind: str, item: Any, _: Any) -> str | Literal[False]:
    """A migration names what the database has, not our own types around it: those may change."""
    return f"sa.{item.impl!r}" if kind == "type" and isinstance(item, TypeDecorator) else False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=context.config.attributes.get("metadata"),
    render_as_batch=connection.dialect.name == "sqlite",  # SQLite alters a table by copying it
    render_item=_plain,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
