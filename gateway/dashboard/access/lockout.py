"""The lock-out: who guesses too often waits, whatever they guess at."""

from __future__ import annotations

from collections import OrderedDict, deque

FAILURES_MAX = 8
"""Wrong guesses that a person who mistypes doesn't reach."""
WINDOW_S = 300.0
"""Over how long they are counted, and for how long a locked caller waits: 8 in 5 minutes is 840,000 guesses a year."""
CALLERS_MAX = 1000
"""Callers remembered: more than a shop's network has. The one that failed longest ago is forgotten for a new one."""


class Lockout:
    """Counts failures by caller, in memory. A caller is an address, or a name that is guessed at. Times in monotonic seconds."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._failures)

    def locked_s(self, caller: str, now_s: float) -> float:
        """Return for how many seconds the caller must wait; 0: may try."""
        failures = self._failures.get(caller)
        if failures is None or len(failures) < FAILURES_MAX:
            return 0.0
        return max(0.0, failures[-1] + WINDOW_S - now_s)

    def failed(self, caller: str, now_s: float) -> int:
        """Count a wrong guess; return how many tries are left before the lock."""
        failures = self._failures.setdefault(caller, deque(maxlen=FAILURES_MAX))
        self._failures.move_to_end(caller)
        while failures and failures[0] <= now_s - WINDOW_S:
            failures.popleft()
        failures.append(now_s)
        if len(self._failures) > CALLERS_MAX:
            self._failures.popitem(last=False)
        return FAILURES_MAX - len(failures)

    def succeeded(self, caller: str) -> None:
        """Forget the caller's failures."""
        self._failures.pop(caller, None)
