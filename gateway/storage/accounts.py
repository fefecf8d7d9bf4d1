"""People who sign in to the dashboard: their accounts, sessions and one-time links. Of every secret only a hash is kept."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Column, Connection, Float, Index, String, Table, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from gateway.storage.metadata import metadata
from gateway.storage.users import Role

NAME_MAX = 48


class AccountError(ValueError):
    """An account can't be made or changed as asked. `code` says why, for the reader's language; `str()` is English."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class LinkKind(StrEnum):
    """What a one-time link is for."""

    WELCOME = "welcome"
    """A new person chooses their password."""
    ENTER = "enter"
    """Opens a session at once: the demo's links."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in."""

    name: str
    role: Role
    language: str
    password: str | None
    """argon2's encoded hash; None until the person has chosen one."""
    made_at_s: float


@dataclass(frozen=True, slots=True)
class Session:
    """One browser that signed in."""

    id_hash: str
    account: str
    seen_at_s: float
    confirmed_at_s: float
    """When the password was last given: erasing and changing users ask for a fresh one."""


accounts = Table(
    "accounts",
    metadata,
    Column("key", String(NAME_MAX * 2), primary_key=True),  # the name as it is compared
    Column("name", String(NAME_MAX), nullable=False),
    Column("role", String(16), nullable=False),
    Column("language", String(8), nullable=False),
    Column("password", String(128)),
    Column("made_at_s", Float, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id_hash", String(64), primary_key=True),
    Column("account", String(NAME_MAX * 2), nullable=False),
    Column("seen_at_s", Float, nullable=False),
    Column("confirmed_at_s", Float, nullable=False),
    Index(None, "account"),
    Index(None, "seen_at_s"),
)

one_time_links = Table(
    "one_time_links",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("account", String(NAME_MAX * 2), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("ends_at_s", Float, nullable=False),
)

claims = Table(
    "claims",
    metadata,
    Column("hash", String(64), primary_key=True),  # one row at most: the code in force
    Column("made_at_s", Float, nullable=False),
)


def digest(secret: str) -> str:
    """Return what is kept of a random secret: of 256 bits, so there is nothing to guess; a claim code has 40, and a day to live."""
    return hashlib.sha256(secret.encode()).hexdigest()


def key_of(name: str) -> str:
    """Return a name as it is compared: Sanne, sanne and SANNE are one person."""
    return unicodedata.normalize("NFKC", name).casefold().strip()


def add(connection: Connection, name: str, role: Role, language: str, password: str | None, at_s: float) -> Account:
    """Make an account. Raises AccountError."""
    shown = " ".join(unicodedata.normalize("NFC", name).split())
    if not 1 <= len(shown) <= NAME_MAX or any(unicodedata.category(character)[0] == "C" for character in shown):
        raise AccountError("name_form", f"a name has 1 to {NAME_MAX} characters, and no control characters")
    if role is Role.TILL:
        raise AccountError("role_of_devices", "the role till is for devices: make a token, or pair the till")
    if find(connection, shown) is not None:
        raise AccountError("name_taken", f"there is an account called {shown!r} already; choose another name")
    row = {"key": key_of(shown), "name": shown, "role": role.value, "language": language, "password": password, "made_at_s": at_s}
    try:
        with connection.begin_nested():
            connection.execute(insert(accounts).values(row))
    except IntegrityError as error:  # another gateway of the venue was quicker
        raise AccountError("name_taken", f"there is an account called {shown!r} already; choose another name") from error
    return Account(shown, role, language, password, at_s)


def find(connection: Connection, name: str) -> Account | None:
    """Return the account of that name, however it is spelt."""
    row = connection.execute(select(accounts).where(accounts.c.key == key_of(name[: NAME_MAX * 2]))).first()
    return None if row is None else Account(row.name, Role(row.role), row.language, row.password, row.made_at_s)


def every(connection: Connection) -> list[Account]:
    """Return all accounts, by name."""
    rows = connection.execute(select(accounts).order_by(accounts.c.key))
    return [Account(row.name, Role(row.role), row.language, row.password, row.made_at_s) for row in rows]


def any_owner(connection: Connection) -> bool:
    """Return whether the box has been claimed."""
    return connection.execute(select(accounts.c.key).where(accounts.c.role == Role.OWNER.value).limit(1)).first() is not None


def set_password(connection: Connection, name: str, password: str) -> None:
    """Give an account a new password, and end all its sessions and links. Raises AccountError."""
    _change(connection, name, password=password)
    _end(connection, name)


def set_language(connection: Connection, name: str, language: str) -> None:
    """Note the language that somebody reads. Raises AccountError."""
    _change(connection, name, language=language)


def set_role(connection: Connection, name: str, role: Role) -> None:
    """Give an account another role, from its next call on. Raises AccountError: an owner must remain."""
    if role is Role.TILL:
        raise AccountError("role_of_devices", "the role till is for devices: make a token, or pair the till")
    if role is not Role.OWNER:
        _keep_an_owner(connection, name)
    _change(connection, name, role=role.value)


def remove(connection: Connection, name: str) -> None:
    """Remove an account with its sessions and links. Raises AccountError: an owner must remain."""
    _keep_an_owner(connection, name)
    _end(connection, name)
    if connection.execute(delete(accounts).where(accounts.c.key == key_of(name))).rowcount == 0:
        raise _unknown(name)


def remove_all(connection: Connection) -> None:
    """Remove every account: the box is to be claimed anew."""
    for table in (sessions, one_time_links, accounts, claims):
        connection.execute(delete(table))


def open_session(connection: Connection, secret: str, account: str, at_s: float) -> None:
    """Note a session of somebody who just showed who they are."""
    values = {"id_hash": digest(secret), "account": key_of(account), "seen_at_s": at_s, "confirmed_at_s": at_s}
    connection.execute(insert(sessions).values(values))


def find_session(connection: Connection, secret: str) -> tuple[Session, Account] | None:
    """Return a session and whose it is, however old: how long one lasts is the door's to say."""
    joined = select(sessions, accounts).join(accounts, accounts.c.key == sessions.c.account)
    row = connection.execute(joined.where(sessions.c.id_hash == digest(secret))).first()
    if row is None:
        return None
    account = Account(row.name, Role(row.role), row.language, row.password, row.made_at_s)
    return Session(row.id_hash, row.name, row.seen_at_s, row.confirmed_at_s), account


def touch_session(connection: Connection, id_hash: str, at_s: float, *, confirmed: bool = False) -> None:
    """Note that a session is in use; `confirmed`: the password was given just now."""
    values = {"seen_at_s": at_s} | ({"confirmed_at_s": at_s} if confirmed else {})
    connection.execute(update(sessions).where(sessions.c.id_hash == id_hash).values(values))


def close_session(connection: Connection, secret: str) -> None:
    """End one session."""
    connection.execute(delete(sessions).where(sessions.c.id_hash == digest(secret)))


def close_unused(connection: Connection, before_s: float) -> int:
    """Delete sessions that nobody used since a moment, and links that ended before it; return how many."""
    old = connection.execute(delete(sessions).where(sessions.c.seen_at_s < before_s)).rowcount
    return old + connection.execute(delete(one_time_links).where(one_time_links.c.ends_at_s < before_s)).rowcount


def add_link(connection: Connection, secret: str, account: str, kind: LinkKind, ends_at_s: float) -> None:
    """Note a one-time link for an account."""
    values = {"hash": digest(secret), "account": key_of(account), "kind": kind.value, "ends_at_s": ends_at_s}
    connection.execute(insert(one_time_links).values(values))


def find_link(connection: Connection, secret: str, kind: LinkKind, at_s: float) -> Account | None:
    """Return whose link this is, while it is good."""
    joined = select(accounts).join(one_time_links, one_time_links.c.account == accounts.c.key)
    good = (one_time_links.c.hash == digest(secret), one_time_links.c.kind == kind.value, one_time_links.c.ends_at_s > at_s)
    row = connection.execute(joined.where(*good)).first()
    return None if row is None else Account(row.name, Role(row.role), row.language, row.password, row.made_at_s)


def use_link(connection: Connection, secret: str, kind: LinkKind, at_s: float) -> Account | None:
    """Return whose link this is, and end it: of two who use it at once, one gets None."""
    account = find_link(connection, secret, kind, at_s)
    used = connection.execute(delete(one_time_links).where(one_time_links.c.hash == digest(secret))).rowcount
    return account if used else None


def set_claim(connection: Connection, code: str, at_s: float) -> None:
    """Put a claim code in force; the one before it ends."""
    connection.execute(delete(claims))
    connection.execute(insert(claims).values(hash=digest(code), made_at_s=at_s))


def claim_made_at_s(connection: Connection) -> float | None:
    """Return when the claim code in force was made; None: there is none."""
    return connection.execute(select(claims.c.made_at_s)).scalar()


def use_claim(connection: Connection, code: str, made_after_s: float) -> bool:
    """Return whether this is the claim code in force, made after a moment; it ends with that."""
    good = (claims.c.hash == digest(code), claims.c.made_at_s > made_after_s)
    return connection.execute(delete(claims).where(*good)).rowcount == 1


def _change(connection: Connection, name: str, **values: str) -> None:
    if connection.execute(update(accounts).where(accounts.c.key == key_of(name)).values(values)).rowcount == 0:
        raise _unknown(name)


def _end(connection: Connection, name: str) -> None:
    for table in (sessions, one_time_links):
        connection.execute(delete(table).where(table.c.account == key_of(name)))


def _keep_an_owner(connection: Connection, name: str) -> None:
    others = select(accounts.c.key).where(accounts.c.role == Role.OWNER.value, accounts.c.key != key_of(name)).limit(1)
    account = find(connection, name)
    if account is not None and account.role is Role.OWNER and connection.execute(others).first() is None:
        raise AccountError("last_owner", "there must be an owner; make somebody else one first")


def _unknown(name: str) -> AccountError:
    return AccountError("no_account", f"no account is called {name!r}; `etalage users list` shows them")
