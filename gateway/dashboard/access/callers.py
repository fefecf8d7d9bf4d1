"""Callers and their roles: who was let in, and what a route asks of them."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from gateway.dashboard.problems import Problem
from gateway.storage.users import Role
from rules.texts import N_, Language

RIGHTS: dict[Role, frozenset[Role]] = {
    Role.TILL: frozenset({Role.TILL}),
    Role.VIEWER: frozenset({Role.VIEWER}),
    Role.STAFF: frozenset({Role.VIEWER, Role.STAFF, Role.TILL}),
    Role.MARKETEER: frozenset({Role.VIEWER, Role.STAFF, Role.TILL, Role.MARKETEER}),
    Role.ADMIN: frozenset(Role) - {Role.OWNER},
    Role.OWNER: frozenset(Role),
}
"""What each role may do, in terms of the role that a route asks for."""
ROLE_NAMES: dict[Role, str] = {
    Role.VIEWER: N_("viewer"),
    Role.STAFF: N_("staff"),
    Role.MARKETEER: N_("marketeer"),
    Role.ADMIN: N_("administrator"),
    Role.OWNER: N_("owner"),
    Role.TILL: N_("till"),
}
FRESH_S = 900.0
"""A password given so long ago no longer confirms who sits there: a till screen is left alone for less."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who was let in."""

    name: str
    role: Role
    at_the_box: bool = False
    """Calls from this machine itself, without a token or a session."""
    session: str | None = None
    """The session's secret, for who signed in."""
    confirmed_at_s: float | None = None
    """When the password of the session was last given."""
    language: Language | None = None
    """What the account reads."""

    def may(self, role: Role) -> bool:
        """Tell whether this caller has a role's rights."""
        return role in RIGHTS[self.role]

    def is_fresh(self, now_s: float) -> bool:
        """Tell whether the password was given just now; a token always counts as fresh: it has none."""
        return self.session is None or (self.confirmed_at_s is not None and now_s - self.confirmed_at_s < FRESH_S)


@dataclass(frozen=True, slots=True)
class Required:
    """A FastAPI dependency that lets in whoever has a role's rights; see `require`."""

    role: Role
    fresh: bool

    def __call__(self, request: Request) -> Caller:
        """Return the caller. Raises Problem."""
        role, caller = self.role, request.state.caller
        if caller is None:  # on the pages that let people in
            raise Problem(401, "token_needed", N_("A token is needed."), N_("Sign in, or send `Authorization: Bearer …`."))
        if not caller.may(role) and caller.at_the_box:
            raise Problem(
                403, "not_allowed", N_("This needs the role {role}."),
                N_("Sign in first: who only sits at the box may look, and no more."),
                role=role.value,
            )  # fmt: skip
        if not caller.may(role):
            raise Problem(
                403, "not_allowed", N_("This needs the role {role}; {name} is {own}."),
                N_("Ask an owner for that role, or use a token that has it; `etalage users token --role {role}` makes one."),
                role=role.value, name=caller.name, own=caller.role.value,
            )  # fmt: skip
        if self.fresh and not caller.is_fresh(request.app.state.now_s()):
            raise Problem(
                403, "confirm", N_("Confirm that it is you."), N_("Give your password again at /confirm, then do this once more.")
            )
        assert isinstance(caller, Caller)  # the middleware puts nothing else there
        return caller


def require(role: Role, *, fresh: bool = False) -> Required:
    """Make a dependency: the caller, if they have this role's rights. `fresh`: and gave their password just now.

    Use `Depends(require(Role.STAFF))`.
    """
    return Required(role, fresh)
