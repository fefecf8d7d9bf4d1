"""A till that guesses codes: after so many unknown ones it is locked for a while, longer each time it goes on.

A code has 40 bits (codes.py): at twenty guesses a minute finding one is hopeless, at a hundred a second it isn't. What a locked
till asks leaves no row. Pure: times come in, monotonic or epoch seconds.
"""

from __future__ import annotations

from threading import Lock

UNKNOWN_MAX, WITHIN_S = 20, 60.0
"""Unknown codes a till may ask within so many seconds: a queue of people with yesterday's leaflet."""
FIRST_LOCK_S, LOCK_MAX_S = 60.0, 3_600.0
"""How long a till is locked; twice as long each time, until it has been quiet for the longest."""


class TillGuesses:
    """What tills asked that nobody was promised. From any thread."""

    def __init__(self) -> None:
        self._unknown: dict[str, list[float]] = {}
        self._locked: dict[str, tuple[float, float]] = {}
        """Till to until when it is locked, and how long that lock was."""
        self._lock = Lock()

    def locked_for_s(self, till: str, now_s: float) -> float:
        """Return how much longer a till is locked; 0 when it isn't."""
        with self._lock:
            return max(0.0, self._locked.get(till, (0.0, 0.0))[0] - now_s)

    def note(self, till: str, answer: str, now_s: float) -> bool:
        """Note what a till was answered; whether that locks it."""
        if answer != "unknown":
            return False
        with self._lock:
            recent = [at_s for at_s in self._unknown.get(till, []) if now_s - at_s < WITHIN_S] + [now_s]
            self._unknown[till] = recent
            if len(recent) < UNKNOWN_MAX:
                return False
            until_s, before_s = self._locked.get(till, (0.0, 0.0))
            lasts_s = min(before_s * 2, LOCK_MAX_S) if before_s and now_s - until_s < LOCK_MAX_S else FIRST_LOCK_S
            self._locked[till] = now_s + lasts_s, lasts_s
            del self._unknown[till]
            return True
