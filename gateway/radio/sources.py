"""What a scanner needs of a way to read an adapter, and the two ways it can go wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from gateway.model import Advertisement
from gateway.radio.health import Tally

Hear = Callable[[Advertisement], None]


class AdapterAbsentError(Exception):
    """There is no such adapter now; it may come."""


class SourceError(Exception):
    """An adapter can't be read; `str()` says what and, where known, what to do."""


class UnsupportedError(SourceError):
    """This way to read an adapter will never work on this kernel; another may."""


class Source(Protocol):
    """One way to read one adapter: the kernel's management socket, or BlueZ through bleak.

    Every method may raise SourceError or AdapterAbsentError; `stop` leaves nothing behind, whatever state it finds.
    """

    @property
    def kind(self) -> str:
        """Return what people call it."""

    @property
    def broken(self) -> str | None:
        """Return the reason, once the source has learned that it no longer listens; None again after `start`."""

    async def start(self, hear: Hear, tally: Tally) -> None:
        """Begin to listen: every iBeacon goes to `hear`, in the loop's thread; the rest is
        tallied."""

    async def stop(self) -> None:
        """End listening."""

    async def power_cycle(self) -> None:
        """Power the adapter off and on."""

    async def reset(self) -> None:
        """Reset the controller."""
