"""Passwords: argon2id with the parameters that OWASP names for a small machine, one at a time, off the event loop."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from functools import partial

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MEMORY_KIB = 19 * 1024
"""What one hash holds while it is computed (OWASP's second choice: 19 MiB, two passes): a guesser pays it for every guess."""
PASSES = 2
LENGTH_MIN = 10
"""Characters. Length is what a guesser pays for; which characters they are is left to the person (NIST SP 800-63B)."""
LENGTH_MAX = 200
"""Characters: longer input is no password but a load."""

_HASHER = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=1)
_NOBODY = _HASHER.hash("of an account that doesn't exist")


class Passwords:
    """Hashes and checks in `executor`, which must have one thread: a crowd of sign-ins then costs the memory of one hash."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def hash(self, password: str) -> str:
        """Return what may be stored of a password."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, _HASHER.hash, password)

    async def holds(self, password: str, stored: str | None) -> bool:
        """Return whether this is the password that `stored` was made from.

        None stands for an account that doesn't exist, and takes as long as one that does: the time tells nobody which
        names there are.
        """
        right = await asyncio.get_running_loop().run_in_executor(self._executor, partial(holds, password, stored or _NOBODY))
        return right and stored is not None


def hashed(password: str) -> str:
    """Return what may be stored of a password; takes some 50 ms of a processor."""
    return _HASHER.hash(password)


def holds(password: str, stored: str) -> bool:
    """Return whether this is the password that `stored` was made from; takes some 50 ms of a processor."""
    try:
        return _HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
