"""Reading an adapter the better way, and the other way where this kernel can't do the better one."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from gateway.radio.health import Tally
from gateway.radio.sources import Hear, Source, UnsupportedError

log = structlog.get_logger(__name__)


class FallbackSource:
    """A source that gives way to another, for good, when it says that it is not supported. `other` makes the other one."""

    def __init__(self, first: Source, other: Callable[[], Source]) -> None:
        self._source = first
        self._other: Callable[[], Source] | None = other

    @property
    def kind(self) -> str:
        """See Source."""
        return self._source.kind

    @property
    def broken(self) -> str | None:
        """See Source."""
        return self._source.broken

    async def start(self, hear: Hear, tally: Tally) -> None:
        """See Source."""
        try:
            await self._source.start(hear, tally)
        except UnsupportedError as error:
            if self._other is None:
                raise
            await self._source.stop()
            self._source, self._other = self._other(), None
            log.warning("reading the adapter in another way (docs/radio.md)", now=self._source.kind, because=str(error))
            await self._source.start(hear, tally)

    async def stop(self) -> None:
        """See Source."""
        await self._source.stop()

    async def power_cycle(self) -> None:
        """See Source."""
        await self._source.power_cycle()

    async def reset(self) -> None:
        """See Source."""
        await self._source.reset()
