"""The last warnings and errors of this process, kept in memory for a support bundle; a claim code never among them."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, MutableMapping
from threading import Lock

KEPT = 200
VALUE_MAX = 500
SECRET = frozenset({"code"})
"""Fields of a log line that a bundle leaves out: the claim code is the one secret that a log may show."""
SERIOUS = frozenset({"warning", "error", "critical", "exception"})


class RecentLog:
    """A processor of structlog's chain that remembers what was serious, and changes nothing. Any thread."""

    def __init__(self) -> None:
        self._lines: deque[dict[str, str]] = deque(maxlen=KEPT)
        self._lock = Lock()

    def __call__(self, _logger: object, level: str, line: MutableMapping[str, object]) -> Mapping[str, object]:
        """Remember the line if it is serious; of an exception its kind alone, for its text may hold a shopper's data."""
        if level in SERIOUS:
            kept = {name: str(value)[:VALUE_MAX] for name, value in line.items() if name not in SECRET and name != "exc_info"}
            with self._lock:
                self._lines.append({"level": level, **kept})
        return line

    def lines(self) -> list[dict[str, str]]:
        """Return what is remembered, oldest first."""
        with self._lock:
            return list(self._lines)


recent = RecentLog()
"""Of this process: a log is the process's too."""
