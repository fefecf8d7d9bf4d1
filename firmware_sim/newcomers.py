"""Phones that change hands: after a while somebody withdraws, and somebody new opts in with the same phone.

Whoever has had every offer gets none for days, as they should; a shop whose shoppers never change is silent after ten minutes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from itertools import count, cycle

from firmware_sim.backend import Backend

FIRST_S = 240.0
"""A short demo is left alone: everybody still has something to get."""
ROUND_S = 300.0
"""In this time every phone changes hands once: about how long it takes to have had what there is."""


async def change_hands(
    backend: Backend, phones: Mapping[str, Mapping[str, object]], *, first_s: float = FIRST_S, round_s: float = ROUND_S
) -> None:
    """Let phones change hands for ever; `phones`: who has each now, to how it is recognised."""
    await asyncio.sleep(first_s)
    holders = dict(enumerate(phones))
    identities = list(phones.values())
    numbers = count(1)
    for index in cycle(holders):
        backend.withdraw(holders[index])
        holders[index] = f"new-{next(numbers)}"
        backend.opt_in(holders[index], identities[index], language="en" if index % 4 == 3 else "nl")
        await asyncio.sleep(round_s / len(holders))
