"""What waits for the writer: work in the order it was handed over, and patient work, of which each group takes a few."""

from __future__ import annotations

import queue
import time
from collections import deque
from enum import Enum
from typing import Final

from gateway.storage.transaction import AnyJob, Job

BUSY = 16
"""A group of so many pieces of work shows a stream of them: the next one is worth waiting for. One visitor's moves come alone."""
GATHER_S = 0.05
"""How long a group under load is gathered: every commit costs a disk sync and the pages that all its work touches, once."""
PATIENT_MAX = 16
"""Patient pieces in a group, about 2 ms each: what comes meanwhile waits for no more of a flood than these."""


class _Mark(Enum):
    """What stands in the queue beside work."""

    PATIENT = "a patient piece of work was handed over"
    CLOSE = "nothing more will be"


_PATIENT: Final = _Mark.PATIENT
_CLOSE: Final = _Mark.CLOSE


class WorkQueue:
    """Handed to by any thread, one at a time; emptied by one thread, which alone asks for groups."""

    def __init__(self, group_max: int) -> None:
        self._group_max = group_max
        self._jobs: queue.SimpleQueue[AnyJob | _Mark] = queue.SimpleQueue()
        self._patient: deque[AnyJob] = deque()
        self._passed_over = 0
        """Patient pieces whose mark was met, and that were left for a later group."""

    def put(self, job: AnyJob, *, patient: bool) -> None:
        """Add a piece of work."""
        if patient:
            self._patient.append(job)
        self._jobs.put(_PATIENT if patient else job)

    def close(self) -> None:
        """Say that this was all."""
        self._jobs.put(_CLOSE)

    def __len__(self) -> int:
        return self._jobs.qsize() + self._passed_over

    def next_group(self, before: int) -> tuple[list[AnyJob], bool]:
        """Wait for one piece of work, and take along what else is there; whether it is the last.

        `before`: how many the group before this one was.
        """
        patient = min(self._passed_over, PATIENT_MAX)
        self._passed_over -= patient
        jobs = self._some_patient(patient)
        until_s = time.monotonic() + (GATHER_S if before >= BUSY and not self._passed_over else 0.0)
        while len(jobs) < self._group_max:
            try:
                job = self._jobs.get(timeout=max(0.0, until_s - time.monotonic()) if jobs else None)
            except queue.Empty:
                break
            if job is _CLOSE:
                self._passed_over = 0
                return [*jobs, *self._some_patient(len(self._patient))], True
            if isinstance(job, Job):
                jobs.append(job)
            elif patient < PATIENT_MAX:
                jobs += self._some_patient(1)
                patient += 1
            else:
                self._passed_over += 1
        return jobs, False

    def drain(self) -> list[AnyJob]:
        """Return all that is left; the caller sees to it that no more comes."""
        left = self._some_patient(len(self._patient))
        while not self._jobs.empty():
            job = self._jobs.get()
            if isinstance(job, Job):
                left.append(job)
        return left

    def _some_patient(self, count: int) -> list[AnyJob]:
        return [self._patient.popleft() for _ in range(count)]
