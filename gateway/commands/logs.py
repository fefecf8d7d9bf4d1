"""What the log looks like: lines for a person at a terminal, or one JSON object a line for a collector."""

from __future__ import annotations

import logging
import sys

import structlog

from gateway.settings import LogSettings


def set_up_log(settings: LogSettings) -> None:
    """Send every log line of this process, ours and the libraries', to standard error in the chosen form."""
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    processors: list[structlog.types.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
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
