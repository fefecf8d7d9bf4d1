"""The outbox as the courier sees it: what to send next, what was delivered, what is over. Every change is one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeVar

from gateway.mqtt.in_flight import Plan
from gateway.storage import Connection, Store, quarantine, sending, waiting
from gateway.storage.delivery_lock import DeliveryLock
from gateway.storage.outbox import OFFERS_TOPIC, DatabaseError, Release
from gateway.storage.outgoing import Claim
from gateway.storage.sending import Waiting

T = TypeVar("T")

IDLE_S, SHARED_IDLE_S = 5.0, 0.2
"""How often the outbox is looked at unasked: a command may have put something back; and where other gateways promise into the same
database, whose commits don't wake us."""
REMOVE_WITHIN_S = 0.25
"""Delivered messages wait so long for company before they cost a commit of their own; a crash in between sends them again."""
AHEAD = 256
"""Messages marked in one commit: as many as may be promised in one. Of so many a crash or a withdrawal leaves unsaid whether they
were sent."""
SWEEP_S = 60.0
"""How often expired messages are removed wherever they stand: an outage doesn't fill the disk with what nobody may see any more."""
SWEEP_ROWS = 1000
"""Rows one sweep takes: bounds how long the writer is held."""


class OutboxQueue:
    """Reads the outbox, and changes it through the one writer. For one thread. `clock`: epoch seconds; `now_s`: monotonic.

    `may_approach` tells whether shoppers may be approached at a moment: offers that waited, for a broker or for anything else,
    wait on through the shop's quiet hours. `trusted` tells whether the time is: by one that isn't nothing is taken back.
    """

    def __init__(
        self,
        store: Store,
        release: Release,
        clock: Callable[[], float],
        trusted: Callable[[], bool] = lambda: True,
        may_approach: Callable[[float], bool] = lambda at_s: True,
    ) -> None:
        self._store = store
        self._release = release
        self._clock = clock
        self._trusted = trusted
        self._may_approach = may_approach
        self._lock = DeliveryLock(store.engine)
        self.idle_s = SHARED_IDLE_S if self._lock.shared else IDLE_S
        """How long the outbox may go without a look."""
        self._delivered: dict[str, tuple[int, float]] = {}
        """By event id: its number in the outbox, and when the broker's answer came."""
        self._settling: tuple[Future[None], list[str]] | None = None
        """What the writer is just being told of."""
        self._sweep_s = 0.0
        self.expired = 0
        """Messages removed because their time was over."""

    @property
    def ours(self) -> bool:
        """Return whether it was our turn at the last look."""
        return self._lock.held

    def carries(self, connected: bool, now_s: float) -> bool:
        """Return whether it is for us to send: connected to a broker, and of gateways on one database the one whose turn it is.

        A turn begins with a connection, and then what has no receipt goes again: the broker may have lost it.
        """
        had_it = self._lock.held
        if not connected:
            if had_it:  # before another gateway sends what this one knows to have arrived
                self.settle()
                self._lock.release()
        elif self._lock.acquire(now_s) and not had_it:
            at_s = self._clock()
            try:
                self._write(lambda connection: sending.resend(connection, at_s))
            except DatabaseError:
                self._lock.release()  # a turn that hasn't begun so begins anew
                raise
        return self._lock.held

    def close(self) -> None:
        """Leave the turn to another gateway."""
        self.claim_commits(False)
        self._lock.release()

    def claim_commits(self, sends_at_once: bool) -> None:
        """Have each commit mark what it adds, or no longer: only while we `sends_at_once` and shoppers may be approached."""
        at_s = self._clock()
        claims = sends_at_once and self._may_approach(at_s)
        self._store.outgoing.claim = Claim(AHEAD + len(self._delivered), at_s) if claims else None

    def delivered(self, row: Waiting, now_s: float) -> None:
        """The broker has it; the table hears of it soon."""
        self._delivered[row.event_id] = row.seq, now_s

    def next_s(self) -> float:
        """Return when `tidy` has something to do unasked; after a commit it is called anyway."""
        return self._sweep_s if self._settling is not None else min(self._settle_s(), self._sweep_s)

    def tidy(self, now_s: float) -> None:
        """Remove what was delivered some while ago and, now and then, what has expired."""
        if self._settling is not None and self._settling[0].done():
            self._settled()
        if self._settling is None and self._settle_s() <= now_s:
            # Not waited for: a group under load takes a tenth of a second, and there is more to send meanwhile.
            delivered = list(self._delivered)
            self._settling = self._store.writer.submit(lambda connection: sending.acknowledge(connection, delivered)), delivered
        if now_s >= self._sweep_s:
            self._sweep_s = now_s + SWEEP_S
            if not self._trusted():
                return
            at_s = self._clock()
            gone = self._write(lambda connection: sending.sweep(connection, at_s, self._release, SWEEP_ROWS))
            self.expired += gone
            if gone >= SWEEP_ROWS:
                self._sweep_s = now_s

    def take(self, plan: Plan) -> list[Waiting]:
        """The messages to send now, all marked as handed to the network; expired ones met on the way are removed.

        Where more waits, some are marked ahead: then not every filling of the window costs a commit. Whether they are still there
        is looked up at each turn, so a withdrawal stops those that were marked and not sent.
        """
        at_s = self._clock()
        held = () if self._may_approach(at_s) else (OFFERS_TOPIC,)
        with self._store.read() as connection:
            if plan.only is not None:
                ready, expired = sending.look_at(connection, plan.only, at_s)
            else:
                room = max(plan.room, AHEAD) if self._store.outgoing.claim is None else plan.room
                done = [seq for seq, _ in self._delivered.values()]
                ready, expired = sending.look(
                    connection, room=room, at_s=at_s, busy=plan.busy, busy_shoppers=plan.busy_shoppers, done=done, held_topics=held
                )
        if not self._trusted():
            expired = []  # to take a promise back for its age can't be undone; it waits, unsent, until the time is known
        now = [row for row in ready[: plan.room] if row.topic not in held]
        if expired or any(row.handed_at_s is None for row in now):
            alive = self.settle([row.event_id for row in ready], expired)
            now = [row for row in now if row.event_id in alive]
        return now

    def settle(self, ready: Sequence[str] = (), expired: Sequence[str] = ()) -> set[str]:
        """In one transaction: settle what was delivered, remove what has expired, claim what is ready; what of that is there."""
        if self._settling is not None:
            self._settled()
        delivered = list(self._delivered)
        at_s = self._clock()

        def work(connection: Connection) -> set[str]:
            sending.acknowledge(connection, delivered)
            if expired:
                sending.expire(connection, expired, self._release)
            return sending.claim(connection, ready, at_s) if ready else set()

        alive = self._write(work)
        self.expired += len(expired)
        self._forget(delivered)
        return alive

    def set_aside(self, event_id: str, reason: str) -> None:
        """Move a message to quarantine."""
        at_s = self._clock()
        self._write(lambda connection: quarantine.set_aside(connection, event_id, reason, at_s))

    def _settle_s(self) -> float:
        """Return when the longest delivered message has waited long enough."""
        return next((since_s for _, since_s in self._delivered.values()), float("inf")) + REMOVE_WITHIN_S

    def _settled(self) -> None:
        """Wait for what the writer was told of, and forget it."""
        assert self._settling is not None
        future, delivered = self._settling
        self._settling = None
        waiting.in_thread(future)
        self._forget(delivered)

    def _forget(self, delivered: Sequence[str]) -> None:
        for event_id in delivered:
            self._delivered.pop(event_id, None)

    def _write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in the writer and wait for its commit. Raises DatabaseError (NotInTime is one too) or WriterClosed."""
        return self._store.writer.write_blocking(work)
