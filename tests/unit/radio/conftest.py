"""A source that does as it is told, and a clock that only moves when pushed."""

from __future__ import annotations

import pytest

from gateway.model import Advertisement
from gateway.radio.health import Tally
from gateway.radio.sources import Hear


class FakeSource:
    """A source to test with: `say` puts advertisements in; `raises` is what the next start raises, `hangs` lets it never answer."""

    kind = "fake"

    def __init__(self) -> None:
        self.broken: str | None = None
        self.raises: Exception | None = None
        self.done: list[str] = []
        self._hear: Hear | None = None
        self._tally = Tally()

    @property
    def listening(self) -> bool:
        return self._hear is not None

    def say(self, payload: bytes = b"\x02\x15", count: int = 1) -> None:
        for _ in range(count if self._hear else 0):
            assert self._hear is not None
            self._tally.heard += 1
            self._hear(Advertisement(0.0, "pi-1", "", -60, payload))

    async def start(self, hear: Hear, tally: Tally) -> None:
        self.done.append("start")
        self.broken = None
        if self.raises is not None:
            raise self.raises
        self._hear, self._tally = hear, tally

    async def stop(self) -> None:
        self.done.append("stop")
        self._hear = None

    async def power_cycle(self) -> None:
        self.done.append("power_cycle")

    async def reset(self) -> None:
        self.done.append("reset")


class Clock:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture
def clock() -> Clock:
    return Clock()
