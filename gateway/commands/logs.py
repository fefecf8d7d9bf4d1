"""What the log looks like: lines for a person at a terminal, or one JSON object a line for a collector."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable

import structlog
from structlog.types import EventDict

from gateway.recent_log import recent
from gateway.settings import LogSettings

BURST, BURST_S = 20, 60.0
"""A message may be logged so often in so many seconds; what comes beyond is counted, and the number told with the next one."""


class CountRepeats:
    """A structlog processor: keeps a message that repeats, whatever its values, from filling the disk."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._seen: dict[tuple[str, str], list[float]] = {}
        """By level and message: when its window began, how many came in it, how many were left out."""

    def __call__(self, _logger: object, level: str, line: EventDict) -> EventDict:
        """Let the line pass, with the number left out before it; or drop it."""
        now_s, key = self._monotonic(), (level, str(line["event"]))
        began_s, came, left_out = self._seen.get(key, [now_s, 0, 0])
        if now_s - began_s >= BURST_S:
            began_s, came = now_s, 0
        if came >= BURST:
            self._seen[key] = [began_s, came + 1, left_out + 1]
            raise structlog.DropEvent
        self._seen[key] = [began_s, came + 1, 0]
        return {**line, "left_out_before": int(left_out)} if left_out else line


def set_up_log(settings: LogSettings) -> None:
    """Send every log line of this process, ours and the libraries', to standard error in the chosen form."""
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    processors: list[structlog.types.Processor] = [
        CountRepeats(),
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        recent,
    ]
    if settings.format == "json":
        processors += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        # Not the pretty tracebacks: they print local variables, and those may be a shopper's.
        plain = structlog.dev.plain_traceback
        processors += [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(level=max(level, logging.WARNING), format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
