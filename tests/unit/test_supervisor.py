"""The supervisor: a death in any kind of part ends the program with its name, and nothing dead is ever called ready or alive."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest
from structlog.testing import capture_logs

from gateway import supervisor
from gateway.supervisor import Duty, LoopFaults, Part, PartDied, Supervisor, Task, Thread


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "LOOK_S", 0.01)


def run(parts: Sequence[Part], *, until: Callable[[list[str]], bool] = lambda told: False, may_feed: bool = True) -> list[str]:
    """Run the parts until what systemd was told fulfils a condition, or one has died; what it was told, and then of whose death."""
    told: list[str] = []

    async def live() -> None:
        stop = asyncio.Event()

        def notify(state: str) -> None:
            told.append(state)
            if until(told):
                stop.set()

        await asyncio.wait_for(Supervisor(parts, may_feed=lambda: may_feed, notify=notify).run(stop), 30)

    try:
        asyncio.run(live())
    except PartDied as death:
        told.append(str(death))
    return told


async def for_ever() -> None:
    await asyncio.Event().wait()


async def die() -> None:
    raise KeyError("ink")


async def end() -> None:
    pass


def fed_thrice(told: list[str]) -> bool:
    return told.count("WATCHDOG=1") == 3


def test_while_all_live_systemd_hears_that_all_is_ready_then_of_life_then_of_the_end() -> None:
    parts: list[Thread | Task | Duty] = [
        Thread("writer", lambda: None),
        Task("scanner", for_ever),
        Duty("time", 0.001, end, vital=True),
    ]
    assert run(parts, until=fed_thrice) == ["READY=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1", "STOPPING=1"]


def test_a_part_that_says_that_all_is_over_and_ends_has_not_died() -> None:
    async def live() -> None:
        stop = asyncio.Event()

        async def play() -> None:
            await asyncio.sleep(supervisor.FIRST_LOOK_S * 2)
            stop.set()

        await asyncio.wait_for(Supervisor([Task("recording", play)], notify=lambda state: None).run(stop), 30)

    asyncio.run(live())


def test_a_fault_in_a_call_that_nobody_waits_for_is_counted_and_logged_without_its_values() -> None:
    faults = LoopFaults()

    def fail() -> None:
        raise KeyError("s-1")

    async def live() -> None:
        loop = asyncio.get_running_loop()
        faults.watch(loop)
        loop.call_soon_threadsafe(fail)
        await asyncio.sleep(0)
        loop.call_exception_handler({"message": "a task was destroyed"})

    with capture_logs() as said:
        asyncio.run(live())
    assert faults.count == 2
    assert [entry["because"].partition(" at ")[0] for entry in said] == ["KeyError", "a task was destroyed"]
    assert "s-1" not in str(said)


@pytest.mark.parametrize(
    ("part", "why"),
    [
        (
            Thread("writer", lambda: "KeyError at writer.py:1"),
            "the writer has died (KeyError at writer.py:1); it must be started again",
        ),
        (Task("scanner", die), "the scanner has died (KeyError at test_supervisor.py:"),
        (Task("dashboard", end), "the dashboard has died (it ended by itself)"),
        (Duty("time", 0.001, die, vital=True), "the time has died (KeyError at test_supervisor.py:"),
    ],
)
def test_a_part_that_dies_at_once_ends_the_program_before_it_was_ever_called_ready(part: Part, why: str) -> None:
    stopping, death = run([Task("other", for_ever), part])
    assert stopping == "STOPPING=1"
    assert death.startswith(why)


def test_a_part_that_dies_later_ends_the_feeding() -> None:
    looks = iter([None, None])
    told = run([Thread("writer", lambda: next(looks, "gone"))])
    assert told[:-1] == ["READY=1", "WATCHDOG=1", "WATCHDOG=1", "STOPPING=1"]
    assert "the writer has died (gone)" in told[-1]


def test_a_duty_that_fails_is_tried_again_and_told_of_until_it_is_done() -> None:
    duties: list[str] = []
    fails = [True, True, False, True]

    async def turn() -> None:
        duties.append(str(dict(minded.failing)))
        if fails.pop(0):
            raise ConnectionError("a shopper's name")
        if len(fails) == 1:
            stop.set()

    minded = Supervisor([Duty("shop facts", 0.001, turn)], notify=lambda state: None)
    stop = asyncio.Event()

    async def live() -> None:
        nonlocal stop
        stop = asyncio.Event()
        await asyncio.wait_for(minded.run(stop), 30)

    asyncio.run(live())
    assert duties[0] == "{}"
    assert "ConnectionError at test_supervisor.py" in duties[1]
    assert "name" not in duties[1]
    assert minded.failing == {}


def test_a_duty_that_never_ends_is_dead() -> None:
    assert "the crowd has died (it has not come to an end for" in run([Duty("crowd", 1.0, for_ever, patience_s=0.05)])[-1]


def test_a_program_that_is_deaf_for_good_is_not_kept_alive_although_its_parts_are() -> None:
    looks = iter([None] * 5)
    told = run([Duty("time", 0.001, end), Thread("writer", lambda: next(looks, "enough looked"))], may_feed=False)
    assert told[:-1] == ["READY=1", "STOPPING=1"]


def test_at_the_end_every_task_is_told_and_none_that_stays_holds_it_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "END_S", 0.05)
    ended: list[str] = []

    async def tidy() -> None:
        try:
            await for_ever()
        finally:
            ended.append("tidy")

    async def stubborn() -> None:
        while len(ended) < 2:
            try:
                await asyncio.sleep(0.2)
                ended.append("stubborn")
            except asyncio.CancelledError:
                continue

    run([Task("tidy", tidy), Task("stubborn", stubborn)], until=fed_thrice)
    assert ended[0] == "tidy"


def test_two_parts_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two parts"):
        Supervisor([Task("ear", for_ever), Task("ear", for_ever)])
