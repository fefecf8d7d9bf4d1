"""What is under way to the broker, what is suspected of breaking the link, and what may go next. Pure: numbers and times come in.

The rules:
- At most `window` messages are under way, never more than the broker said it can take, and one per shopper. The window is
  filled again when half of it is free: every filling costs a commit.
- When a connection is lost, all that was under way is suspect, for one of them may be the cause. Suspects go one at a time, alone,
  and after each loss the others go first: however many suspects there are, every connection carries a window of other messages.
- A message that was alone when the connection was lost, or that the broker refused by name, has one drop more. It waits, twice as
  long each time, and the others go on without it.
- After three drops it is poison, but only if something else got through since its first: in an outage nothing does, and then
  the message at the head of the queue is not to blame. Where nothing else waits, three broken connections in a row on which our own
  notices got through, each just before the message was sent alone, are proof enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from gateway.storage.sending import Waiting

DROPS_MAX = 3
"""A message that broke three connections in which others got through would break the fourth."""
BREAKS_MAX = 3
"""The same where nothing else waits: our birth got through on each of them, the message alone did not. Set aside is not lost."""
FIRST_WAIT_S, WAIT_MAX_S = 1.0, 60.0
"""A suspect's pause before it is tried again: doubles from the first to the longest."""
SUSPECTS_MAX = 64
"""So many refused messages are no accident but a broker that takes nothing: nothing more is tried until one gets through."""


@dataclass(slots=True)
class _Suspect:
    event_id: str
    shopper: str | None
    drops: int
    breaks: int
    """Drops in which it was alone on a connection that was lost."""
    passed_before: int
    """How many messages had got through when suspicion began."""
    noticed_before: int
    """How many of our own notices had."""
    retry_s: float
    reason: str


class Plan(NamedTuple):
    """What may be sent now: `only` that message, or up to `room` that are not `busy`."""

    room: int
    only: str | None
    busy: frozenset[str]
    busy_shoppers: frozenset[str]


class InFlight:
    """The state of one courier's sending. Times are monotonic seconds."""

    def __init__(self, window: int) -> None:
        self._window = window
        self._limit = window
        self._under_way: dict[int, tuple[Waiting | None, float]] = {}
        self._suspects: dict[str, _Suspect] = {}
        self._passed = 0
        self._noticed = 0
        self._others_first = False
        """A connection was lost since anything else got through: suspects wait for their turn."""

    def connected(self, receive_max: int) -> None:
        """A new connection can take this much."""
        self._limit = max(1, min(self._window, receive_max))

    def plan(self, now_s: float) -> Plan:
        """Return what may go next."""
        rows = [row for row, _ in self._under_way.values() if row is not None]
        shoppers = {row.shopper for row in rows} | {suspect.shopper for suspect in self._suspects.values()}
        busy = frozenset({row.event_id for row in rows} | self._suspects.keys())
        lanes = frozenset(shopper for shopper in shoppers if shopper is not None)
        due = [suspect for suspect in self._suspects.values() if suspect.retry_s <= now_s]
        if due and (not self._others_first or len(self._suspects) >= SUSPECTS_MAX):
            first = min(due, key=lambda suspect: (suspect.drops, suspect.retry_s))
            return Plan(0 if self._under_way else 1, None if self._under_way else first.event_id, busy, lanes)
        room = self._limit - len(self._under_way) if len(self._suspects) < SUSPECTS_MAX else 0
        return Plan(room if room * 2 >= self._limit else 0, None, busy, lanes)

    def sent(self, mid: int, row: Waiting | None, now_s: float) -> None:
        """Handed to the network under number `mid`; `row` None: a notice of our own, which counts but is never suspect."""
        self._under_way[mid] = (row, now_s)

    def acknowledged(self, mid: int) -> Waiting | None:
        """The broker has it; the message that may leave the outbox."""
        if mid not in self._under_way:
            return None
        row, _ = self._under_way.pop(mid)
        if row is None:
            self._noticed += 1
            return None
        self._passed += 1
        self._others_first = False
        self._suspects.pop(row.event_id, None)
        return row

    def refused(self, mid: int, reason: str, now_s: float) -> Waiting | None:
        """The broker answered, and will not have it; the message, unless it was a notice."""
        row, _ = self._under_way.pop(mid, (None, 0.0))
        if row is not None:
            self._drop(row, reason, now_s)
        return row

    def nothing_waits(self, plan: Plan) -> None:
        """Note that what `plan` allowed isn't there: the suspect is gone, or there are no others to go first."""
        self._others_first = False
        if plan.only is not None:
            self.gone(plan.only)

    def unsendable(self, row: Waiting, reason: str, now_s: float) -> None:
        """The message can't even be handed to the network."""
        self._drop(row, reason, now_s)

    def lost(self, reason: str, now_s: float) -> None:
        """The connection is gone, and with it every answer still to come."""
        rows = [row for row, _ in self._under_way.values() if row is not None]
        alone = len(self._under_way) == 1
        self._others_first = True
        self._under_way.clear()
        for row in rows:
            if alone:
                self._drop(row, f"connection {reason}", now_s).breaks += 1
            else:
                self._suspect(row, reason, now_s)

    def gone(self, event_id: str) -> None:
        """The message is no longer in the outbox: withdrawn, expired, or set aside."""
        self._suspects.pop(event_id, None)

    def poison(self) -> list[tuple[str, str]]:
        """Event ids to set aside, each with the reason."""
        return [
            (suspect.event_id, f"{suspect.reason} ({suspect.drops} times)")
            for suspect in self._suspects.values()
            if (suspect.drops >= DROPS_MAX and self._passed > suspect.passed_before)
            or (suspect.breaks >= BREAKS_MAX and self._noticed > suspect.noticed_before)
        ]

    def overdue(self, now_s: float, patience_s: float) -> bool:
        """Return whether the broker has owed an answer for longer than `patience_s`."""
        return any(now_s - sent_s > patience_s for _, sent_s in self._under_way.values())

    def next_retry_s(self) -> float:
        """Return when a suspect may be tried; never while something is under way, whose answer comes first."""
        return min((suspect.retry_s for suspect in self._suspects.values() if not self._under_way), default=float("inf"))

    @property
    def under_way(self) -> int:
        """Messages sent and not yet answered."""
        return len(self._under_way)

    @property
    def suspects(self) -> int:
        """Messages under suspicion."""
        return len(self._suspects)

    def _suspect(self, row: Waiting, reason: str, now_s: float) -> _Suspect:
        fresh = _Suspect(row.event_id, row.shopper, 0, 0, self._passed, self._noticed, now_s, reason)
        return self._suspects.setdefault(row.event_id, fresh)

    def _drop(self, row: Waiting, reason: str, now_s: float) -> _Suspect:
        suspect = self._suspect(row, reason, now_s)
        suspect.drops += 1
        suspect.reason = reason
        suspect.retry_s = now_s + min(FIRST_WAIT_S * float(1 << min(suspect.drops - 1, 10)), WAIT_MAX_S)
        return suspect
