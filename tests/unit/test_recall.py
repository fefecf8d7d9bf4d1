"""Recalling shoppers: their moments wait in order while others go on, and are dropped when it comes too late."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from gateway.recall import PATIENCE_S, Recall
from tests.support.clock import FakeClock


class Room:
    """A room with a memory, as People and the Ledger are to Recall: whose facts are at hand, and whether they arrive outdated."""

    def __init__(self) -> None:
        self.at_hand: set[str] = set()
        self.outdated = 0

    def knows(self, shopper: str, at_s: float) -> bool:
        return shopper in self.at_hand

    def remembers(self, shopper: str) -> bool:
        return True

    def await_facts(self, shopper: str) -> None: ...

    await_history = await_facts

    def read(self, connection: object, shopper: str, at_s: float = 0.0) -> str:
        return shopper

    def arrive(self, shopper: str, known: object, at_s: float = 0.0) -> bool:
        self.outdated -= 1
        if self.outdated >= 0:
            return False
        self.at_hand.add(shopper)
        return True


class Reader:
    """Answers when the test says so."""

    def __init__(self) -> None:
        self.asked: list[tuple[Callable[[Any], Any], Future[Any]]] = []

    def submit(self, work: Callable[[Any], Any], within_s: float) -> Future[Any]:
        future: Future[Any] = Future()
        self.asked.append((work, future))
        return future

    def answer(self) -> None:
        work, future = self.asked.pop(0)
        future.set_result(work(None))

    def fail(self) -> None:
        self.asked.pop(0)[1].set_exception(OperationalError("SELECT", None, Exception("away")))


class Scene:
    """A Recall over pretended rooms, and what was decided."""

    def __init__(self) -> None:
        self.people, self.ledger, self.reader, self.clock = Room(), Room(), Reader(), FakeClock()
        self.posted: list[Callable[[], None]] = []
        self.decided: list[str] = []
        self.recall = Recall(self.people, self.ledger, self.reader, self.posted.append, self.clock.monotonic_s)  # type: ignore[arg-type]

    def moment(self, shopper: str, name: str) -> None:
        self.recall.when_known(shopper, self.clock.now_s(), lambda: self.decided.append(name))

    def loop(self) -> None:
        """Let the event loop run what was posted to it."""
        while self.posted:
            self.posted.pop(0)()


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_shopper_in_mind_is_decided_at_once(scene: Scene) -> None:
    scene.people.at_hand.add("s-1")
    scene.moment("s-1", "enter")
    assert (scene.decided, scene.reader.asked) == (["enter"], [])


def test_moments_wait_in_order_for_one_reading_while_other_shoppers_go_on(scene: Scene) -> None:
    scene.people.at_hand.add("s-2")
    scene.moment("s-1", "visit_start")
    scene.moment("s-1", "enter")
    scene.moment("s-2", "dwell of another")
    assert (scene.decided, len(scene.reader.asked)) == (["dwell of another"], 1)
    scene.reader.answer()
    scene.moment("s-1", "dwell")  # the answer has come, but not yet to the loop
    scene.loop()
    assert scene.decided == ["dwell of another", "visit_start", "enter", "dwell"]


def test_what_is_known_too_late_is_not_decided_by(scene: Scene) -> None:
    scene.moment("s-1", "enter")
    scene.clock.advance(PATIENCE_S - 0.1)
    scene.moment("s-1", "dwell")
    scene.clock.advance(0.1)
    scene.reader.answer()
    scene.loop()
    assert (scene.decided, scene.recall.late) == (["dwell"], 1)


def test_while_the_database_is_away_moments_are_dropped_and_afterwards_all_goes_on_by_itself(scene: Scene) -> None:
    scene.moment("s-1", "enter")
    scene.reader.fail()
    scene.loop()
    assert scene.reader.asked == [], "a database that fails at once isn't asked again at once"
    for _ in range(5):
        scene.clock.advance(0.5)
        scene.recall.tick(scene.clock.now_s())
        if scene.reader.asked:
            scene.reader.fail()
            scene.loop()
    assert (scene.decided, scene.recall.late, scene.reader.asked) == ([], 1, [])
    scene.moment("s-1", "dwell")
    scene.reader.answer()
    scene.loop()
    assert scene.decided == ["dwell"]


def test_what_was_outdated_while_it_was_read_is_read_again(scene: Scene) -> None:
    scene.people.outdated = 1
    scene.moment("s-1", "enter")
    scene.reader.answer()
    scene.loop()
    assert (scene.decided, len(scene.reader.asked)) == ([], 1)
    scene.reader.answer()
    scene.loop()
    assert scene.decided == ["enter"]


def test_who_withdraws_while_they_are_recalled_is_neither_decided_about_nor_kept(scene: Scene) -> None:
    scene.moment("s-1", "enter")
    scene.recall.forget("s-1")
    scene.reader.answer()
    scene.loop()
    assert (scene.decided, scene.people.at_hand) == ([], set())
