"""What an MQTT 5 sender wants to find on the reply to its message: kept from the inbox to the courier, in memory.

It helps a sender to tell its answers apart while both sides stay connected. After a restart a reply goes without it; the reply
names the message's id all the same, which is what the contract promises.
"""

from __future__ import annotations

from threading import Lock

KEPT_MAX = 4096
"""Replies that may wait with correlation data; the oldest go without."""
LONGEST = 256
"""Bytes of correlation data that are echoed; a UUID takes 16."""


class Correlations:
    """By the id of a reply. From any thread."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}
        self._lock = Lock()

    def keep(self, reply_id: str, correlation: bytes) -> None:
        """Remember what is to be echoed on a reply."""
        if not 0 < len(correlation) <= LONGEST:
            return
        with self._lock:
            self._kept[reply_id] = correlation
            while len(self._kept) > KEPT_MAX:
                del self._kept[next(iter(self._kept))]

    def of(self, reply_id: str) -> bytes:
        """Return what is to be echoed on a message; nothing for most."""
        with self._lock:
            return self._kept.get(reply_id, b"")
