"""Where the writer and the courier meet: what each commit marks for the courier, and the event that tells it of the commit."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import Final, NamedTuple

from sqlalchemy import Connection

from gateway.storage import sending


class Committed:
    """Something was committed: there may be something new in the outbox."""


COMMITTED: Final = Committed()


class Claim(NamedTuple):
    """What is committed now will be sent at once: it is marked as handed over in the same commit, which saves one."""

    ahead: int
    """Of how many messages at the head of the queue."""
    at_s: float
    """The time at the courier's latest turn, epoch seconds; a commit wakes it, so this is a few seconds old at most."""


class Outgoing:
    """Goes along with the writer's commits on behalf of the courier."""

    def __init__(self) -> None:
        self.events: SimpleQueue[object] = SimpleQueue()
        """What the courier's thread waits for."""
        self.claim: Claim | None = None
        """Set by the courier at each of its turns; None while it can't send."""
        self._told = threading.Event()

    def before_commit(self, connection: Connection) -> None:
        """Mark what the courier will send at once. In the writer's thread, in every transaction."""
        claim = self.claim
        if claim is not None:
            sending.claim_first(connection, claim.ahead, claim.at_s)

    def committed(self) -> None:
        """Wake the courier. From any thread; costs next to nothing when it is awake already."""
        if not self._told.is_set():
            self._told.set()
            self.events.put(COMMITTED)

    def heard(self) -> None:
        """Note that the courier is awake, so that the next commit tells it again."""
        self._told.clear()
