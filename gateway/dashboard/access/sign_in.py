"""Claiming a new box, signing in and out: what may be, for how long, and what is written down of it.

- A new box has no password. Its claim code stands on the console and in the log: who can read those can get at the box. It is good
  once, for a day; the claimer becomes the owner.
- A session is 256 random bits in a cookie; the table has only their hash. It lasts as long as it is used: 30 days for who looks or
  helps at the till, 7 for who may change things.
- Wrong guesses lock the address for five minutes, and never the name: a stranger must not be able to lock the owner out. How long
  an answer takes tells nothing of which names there are.
"""

from __future__ import annotations

import asyncio
import math
import secrets
from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog

from gateway.dashboard.access.callers import Caller
from gateway.dashboard.access.lockout import Lockout
from gateway.dashboard.access.passwords import LENGTH_MAX, LENGTH_MIN, Passwords
from gateway.dashboard.forms import FieldRefused
from gateway.offers import codes
from gateway.storage import Connection, Store, accounts, audit
from gateway.storage.accounts import Account, AccountError, LinkKind
from gateway.storage.users import Role
from rules.texts import N_, known_language, ngettext

T = TypeVar("T")
DAY_S = 86_400.0
LASTS_S: dict[Role, float] = {
    Role.VIEWER: 30 * DAY_S,
    Role.STAFF: 30 * DAY_S,
    Role.MARKETEER: 7 * DAY_S,
    Role.ADMIN: 7 * DAY_S,
    Role.OWNER: 7 * DAY_S,
}
"""How long a session lasts that nobody uses."""
LASTS_LONGEST_S = max(LASTS_S.values())
TOUCH_S = 3600.0
"""A session's use is noted at most this often: a row written for every click would wear the card out."""
CLAIM_S = DAY_S
"""How long a claim code is good."""
WELCOME_S = 7 * DAY_S
"""How long a new person's link is good."""
SECRET_BYTES = 32
WRITTEN_WITHIN_S = 15.0
"""How long a sign-in waits for the database."""

log = structlog.get_logger(__name__)


class SignIn:
    """Lets people in and out. `now_s` is the box's time; `monotonic_s` measures the lock-out."""

    def __init__(self, store: Store, passwords: Passwords, now_s: Callable[[], float], monotonic_s: Callable[[], float]) -> None:
        self._store = store
        self._passwords = passwords
        self._now_s = now_s
        self._monotonic_s = monotonic_s
        self._lockout = Lockout()
        self._claimed = False

    # ---- a new box ----------------------------------------------------------------------------------------------------------

    def is_claimed(self) -> bool:
        """Tell whether the box has an owner. From any thread; reads the database until it has."""
        if not self._claimed:
            with self._store.read() as connection:
                self._claimed = accounts.any_owner(connection)
        return self._claimed

    async def claim(self, code: str, name: str, password: str, language: str, address: str) -> str:
        """Make whoever has the code the owner; return their session's secret. Raises FieldRefused."""
        self._check_lock("code", address)
        typed, now_s = codes.as_generated(code), self._now_s()
        hashed = await self._passwords.hash(_checked(password))

        def take(connection: Connection) -> bool:
            if accounts.any_owner(connection):
                raise FieldRefused(
                    "code", N_("Somebody else has taken this box into use. Not intended? On the box, type: etalage users reset")
                )
            if typed is None or not accounts.use_claim(connection, typed, now_s - CLAIM_S):
                return False
            accounts.add(connection, name, Role.OWNER, language, hashed, now_s)
            audit.note(connection, now_s, name, "claimed")
            return True

        if not await self._write(take, name_field="name"):
            left = self._lockout.failed(address, self._monotonic_s())
            self._check_lock("code", address)
            raise FieldRefused(
                "code", ngettext("That code is not right; one try left.", "That code is not right; {count} tries left."), count=left
            )
        self._lockout.succeeded(address)
        self._claimed = True
        return await self._open(name, "signed_in")

    # ---- in and out ---------------------------------------------------------------------------------------------------------

    async def sign_in(self, name: str, password: str, address: str) -> str:
        """Return a new session's secret for the right name and password. Raises FieldRefused."""
        self._check_lock("password", address)
        account = await self._read(lambda connection: accounts.find(connection, name))
        right = await self._passwords.holds(password[:LENGTH_MAX], account.password if account is not None else None)
        if account is None or not right:
            self._lockout.failed(address, self._monotonic_s())
            log.warning("a sign-in was refused", address=address)
            raise FieldRefused("password", N_("Name or password is not right."))
        self._lockout.succeeded(address)
        return await self._open(account.name, "signed_in")

    async def confirm(self, caller: Caller, password: str, address: str) -> None:
        """Take the password once more, so that what needs a fresh one may be done. Raises FieldRefused."""
        self._check_lock("password", address)
        account = await self._read(lambda connection: accounts.find(connection, caller.name))
        if account is None or caller.session is None or not await self._passwords.holds(password[:LENGTH_MAX], account.password):
            self._lockout.failed(address, self._monotonic_s())
            raise FieldRefused("password", N_("That password is not right."))
        id_hash, now_s = accounts.digest(caller.session), self._now_s()
        await self._write(lambda connection: accounts.touch_session(connection, id_hash, now_s, confirmed=True))

    async def sign_out(self, caller: Caller) -> None:
        """End the caller's session."""
        secret, now_s = caller.session, self._now_s()
        if secret is None:
            return

        def close(connection: Connection) -> None:
            accounts.close_session(connection, secret)
            audit.note(connection, now_s, caller.name, "signed_out")

        await self._write(close)

    def find(self, secret: str) -> Caller | None:
        """Return who signed in with this session, while it lasts. From any thread; reads the database."""
        now_s = self._now_s()
        with self._store.read() as connection:
            found = accounts.find_session(connection, secret)
        if found is None:
            return None
        session, account = found
        if now_s - session.seen_at_s >= LASTS_S[account.role]:
            return None
        if now_s - session.seen_at_s >= TOUCH_S:
            self._store.writer.submit(lambda connection: accounts.touch_session(connection, session.id_hash, now_s))
        return Caller(
            account.name,
            account.role,
            session=secret,
            confirmed_at_s=session.confirmed_at_s,
            language=known_language(account.language),
        )

    # ---- passwords and links ------------------------------------------------------------------------------------------------

    async def change_password(self, caller: Caller, old: str, new: str, address: str) -> str:
        """Give the caller a new password, and end their other sessions; return the new session's secret. Raises FieldRefused."""
        self._check_lock("old", address)
        account = await self._read(lambda connection: accounts.find(connection, caller.name))
        if account is None or not await self._passwords.holds(old[:LENGTH_MAX], account.password):
            self._lockout.failed(address, self._monotonic_s())
            raise FieldRefused("old", N_("That password is not right."))
        hashed = await self._passwords.hash(_checked(new, "new"))
        await self._write(lambda connection: accounts.set_password(connection, caller.name, hashed))
        return await self._open(account.name, "changed_password")

    async def invite(self, caller: Caller, name: str, role: Role, language: str) -> str:
        """Make an account; return the secret of the link with which its person chooses a password. Raises FieldRefused."""
        secret, now_s = secrets.token_urlsafe(SECRET_BYTES), self._now_s()

        def make(connection: Connection) -> None:
            account = accounts.add(connection, name, role, language, None, now_s)
            accounts.add_link(connection, secret, account.name, LinkKind.WELCOME, now_s + WELCOME_S)
            audit.note(connection, now_s, caller.name, "invited", account.name)

        await self._write(make, name_field="name")
        return secret

    async def invited(self, secret: str) -> Account | None:
        """Return whose welcome this link is, while it is good."""
        now_s = self._now_s()
        return await self._read(lambda connection: accounts.find_link(connection, secret, LinkKind.WELCOME, now_s))

    async def welcome(self, secret: str, password: str) -> str:
        """Let an invited person choose a password; return their session's secret. Raises FieldRefused."""
        hashed, now_s = await self._passwords.hash(_checked(password)), self._now_s()

        def choose(connection: Connection) -> Account | None:
            account = accounts.use_link(connection, secret, LinkKind.WELCOME, now_s)
            if account is not None:
                accounts.set_password(connection, account.name, hashed)
            return account

        account = await self._write(choose)
        if account is None:
            raise FieldRefused("password", N_("This link has been used or has ended. Ask the owner for a new one."))
        return await self._open(account.name, "signed_in")

    async def enter(self, secret: str) -> str | None:
        """Open a session by a one-time link; None: it has been used or has ended."""
        now_s = self._now_s()
        account = await self._write(lambda connection: accounts.use_link(connection, secret, LinkKind.ENTER, now_s))
        return None if account is None else await self._open(account.name, "signed_in")

    # ---- within -------------------------------------------------------------------------------------------------------------

    def _check_lock(self, field: str, address: str) -> None:
        wait_s = self._lockout.locked_s(address, self._monotonic_s())
        if wait_s > 0:
            raise FieldRefused(field, N_("Too many wrong tries. Try again in {minutes} min."), minutes=math.ceil(wait_s / 60))

    async def _open(self, name: str, deed: str) -> str:
        """Open a session under a fresh secret: what the browser had before is worth nothing now (session fixation)."""
        secret, now_s = secrets.token_urlsafe(SECRET_BYTES), self._now_s()

        def note(connection: Connection) -> None:
            accounts.open_session(connection, secret, name, now_s)
            audit.note(connection, now_s, name, deed)

        await self._write(note)
        return secret

    async def _read(self, work: Callable[[Connection], T]) -> T:
        def look() -> T:
            with self._store.read() as connection:
                return work(connection)

        return await asyncio.to_thread(look)

    async def _write(self, work: Callable[[Connection], T], name_field: str = "name") -> T:
        try:
            return await self._store.writer.write(work, WRITTEN_WITHIN_S)
        except AccountError as error:
            raise FieldRefused(name_field, ACCOUNT_FAULTS[error.code]) from error


ACCOUNT_FAULTS: dict[str, str] = {
    "name_form": N_("A name has 1 to 48 characters."),
    "name_taken": N_("There is an account of that name already. Choose another name."),
    "role_of_devices": N_("The role till is for devices. Pair the till instead."),
    "no_account": N_("There is no such account any more."),
    "last_owner": N_("There must be an owner. Make somebody else an owner first."),
}
"""What the tables refuse, in words that have a translation."""


def _checked(password: str, field: str = "password") -> str:
    if len(password) < LENGTH_MIN:
        raise FieldRefused(field, N_("A password has at least {least} characters."), least=LENGTH_MIN)
    if len(password) > LENGTH_MAX:
        raise FieldRefused(field, N_("A password has at most {most} characters."), most=LENGTH_MAX)
    return password


def new_claim_code(store: Store, now_s: float) -> str:
    """Put a new claim code in force and return it, to be shown on console and log. Raises what the writer raises."""
    code = codes.new_code()
    key = codes.as_generated(code)
    assert key is not None
    store.writer.write_blocking(lambda connection: accounts.set_claim(connection, key, now_s), WRITTEN_WITHIN_S)
    return code


def announce(store: Store, now_s: float, addresses: Sequence[str], fingerprint: str | None) -> None:
    """Log where the dashboard is; of a box without an owner also its claim code, the one secret that a log may show."""
    log.info("dashboard", address=addresses[0], also=addresses[1:], **({"fingerprint": fingerprint} if fingerprint else {}))
    with store.read() as connection:
        if accounts.any_owner(connection):
            return
    log.warning(
        "this box has no owner yet: open the dashboard and type this code, good for a day", code=new_claim_code(store, now_s)
    )
