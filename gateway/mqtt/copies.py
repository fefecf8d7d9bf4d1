"""Consents come over two sessions with the broker, and are taken once.

The express session brings nothing else, so that a flood of receipts holds up no withdrawal. The session for everything brings
them too, in their place: what was said of a shopper after an opt-in finds them opted in. Whichever copy comes first is taken.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable

REMEMBERED_MAX = 20_000
"""Copies that one session is ahead of the other; about 3 MB. A forgotten one is taken again, as one that the broker repeats."""


class Copies:
    """For each message, how many more copies the express session has brought than the other. From any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lead: dict[bytes, int] = {}

    def take_first(self, body: bytes, take: Callable[[], None], *, express: bool) -> bool:
        """Call `take` unless the other session brought this copy before; whether it was called.

        Nothing that either session brings later is taken before `take` has returned. A sender who sends a message again sends
        two copies more, of which again one is taken.
        """
        key, step = hashlib.sha256(body).digest()[:16], 1 if express else -1
        with self._lock:
            lead = self._lead.pop(key, 0)
            is_first = lead * step >= 0
            if is_first:
                take()
            if lead + step:
                self._lead[key] = lead + step
            if len(self._lead) > REMEMBERED_MAX:
                del self._lead[next(iter(self._lead))]
        return is_first
