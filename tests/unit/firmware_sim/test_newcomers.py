from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import cast

from firmware_sim.backend import Backend
from firmware_sim.newcomers import change_hands

PHONES = {"s-2": {"beacon": 2}, "s-3": {"beacon": 3}}


class Noted:
    """Notes what the store app says."""

    def __init__(self, enough: int) -> None:
        self.said: list[tuple[object, ...]] = []
        self.full = asyncio.Event()
        self._enough = enough

    def opt_in(self, shopper: str, identity: Mapping[str, object], *, language: str) -> None:
        self.said.append(("yes", shopper, identity["beacon"], language))
        if len(self.said) >= self._enough:
            self.full.set()

    def withdraw(self, shopper: str) -> None:
        self.said.append(("no", shopper))


def test_phones_change_hands_one_after_the_other_and_go_on_as_long_as_anybody_looks() -> None:
    async def live() -> list[tuple[object, ...]]:
        noted = Noted(enough=8)
        task = asyncio.create_task(change_hands(cast(Backend, noted), PHONES, first_s=0, round_s=0.001))
        await asyncio.wait_for(noted.full.wait(), 10)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return noted.said

    assert asyncio.run(live())[:8] == [
        ("no", "s-2"),
        ("yes", "new-1", 2, "nl"),
        ("no", "s-3"),
        ("yes", "new-2", 3, "nl"),
        ("no", "new-1"),
        ("yes", "new-3", 2, "nl"),
        ("no", "new-2"),
        ("yes", "new-4", 3, "nl"),
    ]
