"""Every part of a running program, minded: its name, its test of life, and what happens when it dies.

Three kinds of parts:

* a `Thread` lives outside the event loop; its test says why it has died. Then the program ends, in order, and says which part it
  was: nothing in a thread's place can know what it left half done. systemd starts everything anew.
* a `Task` runs in the loop for as long as the program does. If it raises, or ends by itself, the program ends likewise.
* a `Duty` is done every so often, in the loop. It may fail, as when the database is away: that is said once, and it is tried again
  at its next turn. It is dead when it doesn't come to an end. A `vital` one may not fail: it ends the program.

systemd's watchdog is fed only after a look at all of them found them alive.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass

import structlog

from gateway.radio.notify import sd_notify
from gateway.safe_error import safe_error

LOOK_S = 1.0
"""How often every part is looked at: a dead one is noticed this much later at most."""
FIRST_LOOK_S = 0.1
"""How long a part may take to show that it can't even begin, before systemd is told that all is ready."""
END_S = 10.0
"""How long the end waits for tasks that don't take the hint."""
STUCK_S = 60.0
"""A duty takes milliseconds, or as long as a database's connection takes to fail: after this it won't come to an end."""

log = structlog.get_logger(__name__)


class PartDied(Exception):
    """A part that can't be mended from within has died; whoever started the program starts it anew."""


@dataclass(frozen=True, slots=True)
class Thread:
    """A part outside the loop. `failure` returns why it has died; None while it lives."""

    name: str
    failure: Callable[[], str | None]


@dataclass(frozen=True, slots=True)
class Task:
    """A part in the loop that lives as long as the program."""

    name: str
    run: Callable[[], Coroutine[object, object, None]]


@dataclass(frozen=True, slots=True)
class Duty:
    """Something to be done every `every_s` seconds; stuck when it takes longer than `patience_s`."""

    name: str
    every_s: float
    do: Callable[[], Awaitable[None]]
    vital: bool = False
    """It may not fail: a failure ends the program, where other duties are tried again."""
    patience_s: float = STUCK_S


Part = Thread | Task | Duty


class LoopFaults:
    """Counts and logs faults in calls that nobody waits for: what was posted to the loop from a thread, or is called by a timer.

    They don't end the program. Such a call is about one shopper's moment or one message, and is over; what it should have changed
    is read again from the database at the next visit. A new start would drop everybody's moments, and meet the same fault again.
    A person learns of it by the log and by the count.
    """

    def __init__(self) -> None:
        self.count = 0

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take what this loop would otherwise tell asyncio's own log, with values that may be a shopper's."""
        loop.set_exception_handler(self._take)

    def _take(self, _loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        self.count += 1
        error = context.get("exception")
        log.error(
            "a call in the loop failed", because=safe_error(error) if isinstance(error, BaseException) else context["message"]
        )


class Supervisor:
    """Runs a program's tasks and duties and minds all its parts until it is told to stop or one of them dies.

    `may_feed` tells whether the watchdog may be fed while all live: a gateway that is deaf for good is better started anew.
    """

    def __init__(
        self, parts: Sequence[Part], *, may_feed: Callable[[], bool] = lambda: True, notify: Callable[[str], object] = sd_notify
    ) -> None:
        names = [part.name for part in parts]
        if len(set(names)) < len(names):
            raise ValueError(f"two parts have one name: {sorted(names)}")
        self.parts = tuple(parts)
        self._may_feed = may_feed
        self._notify = notify
        self._begun_s: dict[str, float] = {}
        self.failing: dict[str, str] = {}
        """Duties whose latest turn failed, and why: for health."""

    async def run(self, stop: asyncio.Event) -> None:
        """Live until `stop` is set. Raises PartDied with the part and the reason once one has died; tasks and duties are ended."""
        running = {
            part.name: asyncio.create_task(self._life(part), name=part.name) for part in self.parts if not isinstance(part, Thread)
        }
        stopped = asyncio.create_task(stop.wait(), name="stop")
        every = {stopped, *running.values()}
        try:
            await asyncio.wait(every, timeout=FIRST_LOOK_S, return_when=asyncio.FIRST_COMPLETED)
            self._look(running)
            self._notify("READY=1")
            while not stop.is_set():
                if self._may_feed():
                    self._notify("WATCHDOG=1")
                await asyncio.wait(every, timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
                if not stop.is_set():  # a recording's scanner ends by itself, after it has said that all is over
                    self._look(running)
        finally:
            self._notify("STOPPING=1")
            for task in every:
                task.cancel()
            await asyncio.wait(every, timeout=END_S)

    def _look(self, running: dict[str, asyncio.Task[None]]) -> None:
        """Raise PartDied for the first part that has died."""
        for part in self.parts:
            why = part.failure() if isinstance(part, Thread) else self._task_failure(part, running[part.name])
            if why is not None:
                log.error("a part has died; all end, to be started again", part=part.name, because=why)
                raise PartDied(f"the {part.name} has died ({why}); it must be started again")

    def _task_failure(self, part: Task | Duty, task: asyncio.Task[None]) -> str | None:
        if task.done():
            error = None if task.cancelled() else task.exception()
            return "it ended by itself" if error is None else safe_error(error)
        begun_s = self._begun_s.get(part.name)
        if isinstance(part, Duty) and begun_s is not None and time.monotonic() - begun_s > part.patience_s:
            return f"it has not come to an end for {part.patience_s:.0f} s"
        return None

    async def _life(self, part: Task | Duty) -> None:
        if isinstance(part, Task):
            await part.run()
            return
        while True:
            await self._do(part)
            await asyncio.sleep(part.every_s)

    async def _do(self, duty: Duty) -> None:
        self._begun_s[duty.name] = time.monotonic()
        try:
            await duty.do()
        except Exception as error:
            if duty.vital:
                raise
            why = safe_error(error)
            if self.failing.get(duty.name) != why:
                log.error("a duty failed; it is tried again", duty=duty.name, because=why)
            self.failing[duty.name] = why
        else:
            if self.failing.pop(duty.name, None) is not None:
                log.warning("a duty is done again", duty=duty.name)
        finally:
            del self._begun_s[duty.name]
