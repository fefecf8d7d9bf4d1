"""Whose turn it is to carry the mail: of several gateways on one database, one sends at a time.

So nothing leaves twice, and a shopper's messages keep their order whichever gateway promised what. The turn is a lock that the
PostgreSQL server keeps for one connection, and it goes with that connection: for a gateway that died another goes on, with no clock
to compare and nothing to clean up. A SQLite file has one gateway, whose turn it always is.
"""

from __future__ import annotations

from sqlalchemy import Connection, Engine, bindparam, func, select
from sqlalchemy.exc import DBAPIError

DELIVERY_LOCK_ID = 0x65746C67
"""Any number that nobody else locks by: "etlg". Such locks belong to one database, and so to one shop."""
ASK_AGAIN_S = 0.1
"""How often the server is asked: a turn that was lost with its connection is noticed this much later at most."""

_TRY_LOCK = select(func.pg_try_advisory_lock(bindparam("lock")))
_PING = select(1)


class DeliveryLock:
    """One gateway's part in it. For one thread; times are monotonic seconds."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.shared = engine.dialect.name == "postgresql"
        """Whether other gateways may be at the same database."""
        self.held = False
        """What was found at the last look."""
        self._connection: Connection | None = None
        self._ask_again_s = 0.0

    def acquire(self, now_s: float) -> bool:
        """Take the turn, or see that it is still ours; False: another gateway has it. Raises DBAPIError."""
        if not self.shared:
            self.held = True
        elif now_s >= self._ask_again_s:
            self._ask_again_s = now_s + ASK_AGAIN_S
            try:
                self.held = self._ask()
            except DBAPIError:
                self.release()
                raise
        return self.held

    def release(self) -> None:
        """Let another gateway go on."""
        self.held = False
        self._ask_again_s = 0.0
        if self._connection is not None:
            self._connection.invalidate()  # closed in earnest: back in the pool it would keep the lock
            self._connection.close()
            self._connection = None

    def _ask(self) -> bool:
        if self._connection is None:
            self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        if self.held:
            self._connection.execute(_PING)
            return True
        return bool(self._connection.execute(_TRY_LOCK, {"lock": DELIVERY_LOCK_ID}).scalar_one())
