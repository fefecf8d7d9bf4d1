"""The one loop of a thread that keeps a link: tend the link, do what is due, wait for events, take all that are there.

The courier, the inbox and a scanner's relay are such threads; what is due and what an event means is theirs.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from queue import Empty, SimpleQueue
from random import Random
from typing import Any, Final

import structlog

from gateway.mqtt.credentials import Credentials
from gateway.mqtt.link import Down, LinkEvent, SessionRole, Up
from gateway.mqtt.reconnecting import ReconnectingLink
from gateway.safe_error import safe_error
from gateway.settings import MqttSettings
from gateway.storage import WriterClosed

LONGEST_WAIT_S = 60.0
"""However little is due: a bound that the platform's clocks can take."""
LEAVING_S = 10.0
"""How much longer than it was given a thread may take to end: a broker that doesn't answer a goodbye."""

log = structlog.get_logger(__name__)


class _Stop:
    """We are to stop."""


_STOP: Final = _Stop()


class LinkLoop(ABC):
    """A thread with a link of its own. Methods that begin with `_` are called in that thread; times are monotonic seconds."""

    def __init__(
        self,
        name: str,
        role: SessionRole,
        settings: MqttSettings,
        credentials: Credentials,
        rng: Random | None = None,
        events: SimpleQueue[object] | None = None,
    ) -> None:
        self._name = name
        self._events: SimpleQueue[object] = SimpleQueue() if events is None else events
        """What `_take` is given, one at a time; anybody may put something in."""
        self._link = ReconnectingLink(role, settings, credentials, self._events, rng or Random())  # noqa: S311  # jitter, no secret
        self._stopping = threading.Event()
        self._stop_by_s = float("inf")
        self._failure: str | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def failure(self) -> str | None:
        """Return why the thread has died; None while it lives."""
        return self._failure

    @property
    def is_up(self) -> bool:
        """True while there is a connection."""
        return self._link.current is not None

    def start(self) -> None:
        """Begin, and connect again for ever; returns at once."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Begin nothing new, take up to `timeout_s` for what is under way, and say goodbye."""
        self._stop_by_s = time.monotonic() + timeout_s
        self._stopping.set()
        self._events.put(_STOP)
        if self._thread.is_alive():
            self._thread.join(timeout_s + LEAVING_S)

    @abstractmethod
    def _turn(self, now_s: float) -> None:
        """Do what is due."""

    @abstractmethod
    def _take(self, event: Any, now_s: float) -> None:
        """Take one event: one of the present link, or what was put into `_events`."""

    @abstractmethod
    def _due_s(self) -> float:
        """Return when `_turn` has something to do unasked."""

    def _busy(self) -> bool:
        """Return whether something is under way that is worth waiting for before the end."""
        return False

    def _rest(self) -> None:  # noqa: B027 - not every thread has something
        """Do what is best done when no event waits."""

    def _farewell(self) -> None:  # noqa: B027 - the same
        """Do the last things, while the link may still be open."""

    def _closed(self) -> None:  # noqa: B027 - the same
        """Let go of what the thread held, however it ended."""

    def _run(self) -> None:
        try:
            while not self._stopping.is_set() or (self._busy() and time.monotonic() < self._stop_by_s):
                now_s = time.monotonic()
                self._link.tend(now_s)
                self._turn(now_s)
                self._take_events()
            self._farewell()
        except WriterClosed:
            log.warning("the database was closed before this part was stopped", part=self._name)
        except Exception as error:
            self._failure = safe_error(error)
            log.error("a part has died; the program ends, to be started again", part=self._name, fault=self._failure)
        finally:
            self._link.close()
            self._closed()

    def _take_events(self) -> None:
        """Wait until something happens or is due, then take all that is there."""
        due_s = min(self._link.next_s(), self._due_s(), self._stop_by_s)
        try:
            event = self._events.get(timeout=min(max(0.0, due_s - time.monotonic()), LONGEST_WAIT_S))
            while True:
                self._dispatch(event)
                event = self._events.get_nowait()
        except Empty:
            self._rest()

    def _dispatch(self, event: object) -> None:
        now_s = time.monotonic()
        if event is _STOP or (isinstance(event, LinkEvent) and not self._link.concerns(event)):
            return
        if isinstance(event, Up):
            self._link.came_up(event, now_s)
        self._take(event, now_s)
        if isinstance(event, Down):
            self._link.drop(event.reason, now_s)
