"""A world in a process of its own: the people who are simulated must not take the gateway's time, or its figures say nothing."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from firmware_sim.world import STEP_S, World
from gateway.model import Advertisement
from gateway.zones.plan import load_plan

_worlds: list[World] = []
"""The one world, in the process that holds it."""


class WorldStep(NamedTuple):
    """What happened in one step: receptions in time order, when it ended (world's time), opted-in people inside by then."""

    heard: list[Advertisement]
    until_s: float
    inside: int


class WorldApart:
    """A World elsewhere; `plan` is its file and `arguments` are World's own. Use as a context manager."""

    def __init__(self, plan: Path, arguments: Mapping[str, Any]) -> None:
        # Spawned, not forked: the parent has threads.
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(1, mp_context=context, initializer=_begin, initargs=(plan, dict(arguments)))
        self.start_s = float(arguments["start_s"])

    async def identities(self) -> dict[str, dict[str, object]]:
        """Return how each opted-in shopper is recognised, as an opt-in says it."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, _identities)

    async def step(self) -> WorldStep:
        """Let STEP_S seconds pass there."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, _step)

    def __enter__(self) -> WorldApart:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)


def _begin(plan: Path, arguments: dict[str, Any]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, who ends us in order
    threading.Thread(target=_end_with_the_parent, name="parent", daemon=True).start()
    _worlds.append(World(load_plan(plan), **arguments))


def _end_with_the_parent() -> None:
    """A parent that was killed can't end us, and the pool's own pipe never tells: we hold both of its ends."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _identities() -> dict[str, dict[str, object]]:
    world = _worlds[0]
    return {shopper: dict(world.identity(shopper)) for shopper in world.intents()}


def _step() -> WorldStep:
    world = _worlds[0]
    heard = list(world.advance(STEP_S))
    return WorldStep(heard, world.now_s, len(world.positions()))
