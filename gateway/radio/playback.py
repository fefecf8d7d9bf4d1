"""A recording in the air's place: the same receptions, as if they happened now, at their own pace or faster."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import structlog

from gateway.clock import PlayedClock
from gateway.model import Advertisement
from gateway.radio.health import ScannerHealth, Tally
from gateway.radio.recordings import read_recording
from gateway.radio.sources import Hear
from gateway.radio.watchdog import ScannerState

LONGEST_GAP_S = 60.0
"""A longer silence in a recording is cut to this: walks of different days in one file needn't be waited for."""
AFTERMATH_S = 90.0
"""How long time goes on after the last reception, so that everybody has left and every offer is on its way."""
NAP_S = 0.02
"""What is due within so long is played at once: finer sleeping costs more than it is worth."""
BREATH = 100
"""A playback that can't keep up still lets the rest of the gateway live, once in so many receptions."""

log = structlog.get_logger(__name__)


class Playback:
    """Play one recording as a scanner. `clock` is the played world's: it starts now and runs `speed` times as fast."""

    id = "recording"

    def __init__(self, path: Path, speed: float = 1.0, on_end: Callable[[], None] = lambda: None) -> None:
        """Raises RecordingError when the file can't be opened."""
        self._recording = read_recording(path)
        self._speed = speed
        self.clock = PlayedClock(speed)
        self._started_s = self.clock.now_s()
        self._tally = Tally()
        self._over = False
        self.scanners = (self,)
        self._on_end = on_end

    async def listen(self, hear: Hear) -> None:
        """Play it all, let some time pass, and call `on_end`."""
        for number, advertisement in enumerate(self._shifted()):
            if number % BREATH == 0:
                await asyncio.sleep(0)
            early_s = (advertisement.at_s - self.clock.now_s()) / self._speed
            if early_s > NAP_S:
                await asyncio.sleep(early_s)
            self._tally.heard += 1
            hear(advertisement)
        await asyncio.sleep(AFTERMATH_S / self._speed)
        self._over = True
        recording = self._recording
        log.info("recording has ended", heard=recording.advertisements, malformed_lines=recording.malformed)
        self._on_end()

    def health(self) -> ScannerHealth:
        """Return that it hears, until it has ended."""
        elapsed_s = max(self.clock.now_s() - self._started_s, 1.0)
        return ScannerHealth(
            scanner=self.id,
            kind="recording",
            state=ScannerState.QUIET if self._over else ScannerState.HEARING,
            adverts_per_s=round(self._tally.heard / elapsed_s, 1),
            heard=self._tally.heard,
            other=0,
            malformed=self._recording.malformed,
            restarts=0,
            power_cycles=0,
            resets=0,
            failures=0,
            recoveries=0,
            reason="",
            silent_s=None,
            next_step_in_s=None,
        )

    def _shifted(self) -> Iterator[Advertisement]:
        """Yield the recording in the played world's time, long silences cut."""
        at_s, before_s = self.clock.now_s(), None
        for advertisement in self._recording:
            if before_s is not None:
                at_s += min(advertisement.at_s - before_s, LONGEST_GAP_S)
            before_s = advertisement.at_s
            yield advertisement._replace(at_s=at_s)
