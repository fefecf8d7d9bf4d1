"""API tokens: who may call, in which role. Only a token's hash is kept, so a stolen database opens nothing.

A token is 32 random bytes, so one round of SHA-256 is enough: there is nothing to guess that a slow hash would protect.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Column, Connection, Float, String, Table, insert, select, update

from gateway.storage.metadata import metadata

TOKEN_PREFIX = "etalage_"  # noqa: S105 - not a secret: it lets secret scanners recognise a leaked token
TOKEN_BYTES = 32
TOKEN_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,47}")
"""A till's name and its key for a request, 64 characters at most, make a message id together: that ends at 128."""


class Role(StrEnum):
    """What somebody may do."""

    VIEWER = "viewer"
    """Look."""
    STAFF = "staff"
    """Look, redeem by hand, and set what the shop says of itself."""
    MARKETEER = "marketeer"
    """Staff's rights, and the rule books."""
    ADMIN = "admin"
    """Everything, but to decide who else may."""
    OWNER = "owner"
    """Everything. Whoever claimed the box, and whom they made one; never a token's."""
    TILL = "till"
    """Redeem promises, and nothing else: the right for a cash register."""


class TokenError(ValueError):
    """A token can't be made or revoked; `str()` is one line: what, and what to do."""


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token: never the token itself."""

    name: str
    role: Role
    made_at_s: float
    revoked_at_s: float | None


tokens = Table(
    "tokens",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Column("made_at_s", Float, nullable=False),
    Column("revoked_at_s", Float),
)


def create_token(connection: Connection, *, name: str, role: Role, at_s: float) -> str:
    """Make a token and return it, the only time it can be seen. Raises TokenError."""
    if not TOKEN_NAME.fullmatch(name):
        raise TokenError(f"token name {name!r}: use 1 to 48 lower-case letters, digits, _ and -, starting with a letter or digit")
    if role is Role.OWNER:
        raise TokenError("a token can't be an owner; make one with the role admin")
    if connection.execute(select(tokens.c.name).where(tokens.c.name == name)).first():
        raise TokenError(f"token name {name!r} has been used before; choose another, so that the record of who called stays plain")
    token = TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    connection.execute(insert(tokens).values(name=name, role=role.value, hash=_hash(token), made_at_s=at_s))
    return token


def find_token(connection: Connection, token: str) -> Token | None:
    """The token, if it is one of ours and not revoked."""
    row = connection.execute(select(tokens).where(tokens.c.hash == _hash(token), tokens.c.revoked_at_s.is_(None))).first()
    return Token(row.name, Role(row.role), row.made_at_s, None) if row else None


def any_token(connection: Connection, role: Role | None = None) -> bool:
    """Return whether at least one token is in force: of this role, or of any."""
    found = select(tokens.c.name).where(tokens.c.revoked_at_s.is_(None)).limit(1)
    if role is not None:
        found = found.where(tokens.c.role == role.value)
    return connection.execute(found).first() is not None


def list_tokens(connection: Connection) -> list[Token]:
    """All tokens ever made, by name."""
    rows = connection.execute(select(tokens).order_by(tokens.c.name))
    return [Token(row.name, Role(row.role), row.made_at_s, row.revoked_at_s) for row in rows]


def revoke_token(connection: Connection, *, name: str, at_s: float) -> None:
    """End a token, at once and for good. Raises TokenError."""
    ended = connection.execute(
        update(tokens).where(tokens.c.name == name, tokens.c.revoked_at_s.is_(None)).values(revoked_at_s=at_s)
    )
    if ended.rowcount == 0:
        raise TokenError(f"no token in force is called {name!r}; `etalage users list` shows them")


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
