"""A real Mosquitto for tests and benchmarks: on a free port of this machine, started, stopped, killed and started again."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

PROGRAM = "/usr/sbin/mosquitto"
HOST = "127.0.0.1"
START_PATIENCE_S = 10.0
OPEN_TO_ALL = ("allow_anonymous true",)
DURABLE = ("persistence true", "autosave_interval 1", "max_queued_messages 100000")
"""Sessions are written once a second, so that at most a second of acknowledged messages dies with the broker."""


class Mosquitto:
    """One broker. `lines` are added to its configuration; what it keeps is in `folder`."""

    def __init__(self, folder: Path, lines: Sequence[str] = OPEN_TO_ALL, port: int = 0) -> None:
        self.port = port or free_port()
        self._folder = folder
        self._lines = lines
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address of the plain listener."""
        return f"mqtt://{HOST}:{self.port}"

    def start(self) -> Mosquitto:
        """Start, and wait until it listens. Raises RuntimeError with its log when it doesn't."""
        self._folder.mkdir(parents=True, exist_ok=True)
        configuration = self._folder / "mosquitto.conf"
        owner = ["user root"] if Path(self._folder).owner() == "root" else []  # else it would step down and not write here
        place = [f"listener {self.port} {HOST}", f"persistence_location {self._folder}/", *owner]
        configuration.write_text("\n".join([*place, *self._lines]) + "\n", encoding="utf-8")
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen([PROGRAM, "-c", str(configuration)], stdout=log, stderr=log)
        process = self._process
        if not wait_for(lambda: process.poll() is not None or listens(self.port), START_PATIENCE_S) or process.poll() is not None:
            self.kill()
            raise RuntimeError(f"mosquitto didn't start: {(self._folder / 'log').read_text(errors='replace')[-500:]}")
        return self

    def stop(self) -> None:
        """End it in order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it like a pulled plug."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            end(self._process, how)
            self._process = None

    def __enter__(self) -> Mosquitto:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def end(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM) -> None:
    """End Mosquitto and wait for it. Asked again each second: a signal that comes before its main loop begins is lost."""
    for _ in range(60):
        process.send_signal(how)
        try:
            process.wait(1.0)
        except subprocess.TimeoutExpired:
            continue
        return
    process.kill()
    process.wait()


def wait_for(condition: Callable[[], object], within_s: float, every_s: float = 0.01) -> bool:
    """Whether `condition` came true in time."""
    deadline_s = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(every_s)
    return True


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Whether somebody listens on a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex((HOST, port)) == 0
