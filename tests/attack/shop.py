"""The shop that is attacked: a real Mosquitto, and the gateway as a process of its own."""

from __future__ import annotations

import resource
import subprocess
import sys
import threading
from pathlib import Path

from tests.attack.backend import HOST, PlainBackend
from tests.support.mosquitto import DURABLE, OPEN_TO_ALL, Mosquitto, free_port, listens, wait_for

RSS_MAX_MB = 256.0
"""MemoryMax of deploy/systemd/etalage.service."""
DESCRIPTORS = 4096
START_WITHIN_S = 60.0
PLAN = """
store: shop
zones:
- {id: wine, polygon: [[0, 0], [8, 0], [8, 8], [0, 8]]}
- {id: till, polygon: [[8, 0], [16, 0], [16, 8], [8, 8]]}
scanners:
- {id: wine, zone: wine, at: [4, 4]}
- {id: till, zone: till, at: [12, 4]}
"""
BOOK = """
book: attacked
salt: attacked
attention: {capacity: 50, refill_per_day: 50}
offers:
- {id: in-wine, kind: content, at: {event: enter, zone: wine}, content: {nl: {title: Hier}, en: {title: Here}}}
- {id: in-till, kind: content, at: {event: enter, zone: till}, content: {nl: {title: Daar}, en: {title: There}}}
"""
SETTINGS = """
[store]
chain = "attacked"
store = "shop"
plan = "plan.yaml"
rule_book = "book.yaml"
[radio]
adapters = {{}}
[mqtt]
brokers = ["{broker}"]
pause_max_s = 1.0
[storage]
path = "etalage.db"
[dashboard]
port = {port}
"""


class AttackedShop:
    """Broker, gateway process and honest backend; `token`: a till's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self.broker = Mosquitto(folder / "broker", (*OPEN_TO_ALL, *DURABLE)).start()
        (folder / "plan.yaml").write_text(PLAN)
        (folder / "book.yaml").write_text(BOOK)
        self._config = folder / "etalage.toml"
        self._config.write_text(SETTINGS.format(broker=self.broker.url, port=self.port))
        self.log = folder / "log"
        self.token = self._etalage("users", "token", "--role", "till", "--name", "till-1", "--config", str(self._config))
        with self.log.open("wb") as log:
            command = [sys.executable, "-m", "gateway", "run", "--config", str(self._config)]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, preexec_fn=_limited)
        if not wait_for(lambda: listens(self.port), START_WITHIN_S, every_s=0.1):
            raise RuntimeError(f"the gateway didn't start: {self.log.read_text(errors='replace')[-2000:]}")
        self.backend = PlainBackend(self.broker.port, folder / "etalage.db")
        self.peak_rss_mb = 0.0
        self._over = threading.Event()
        self._weigher = threading.Thread(target=self._weigh_on, name="weigher", daemon=True)
        self._weigher.start()

    def _etalage(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "gateway", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=self._folder).stdout.strip()

    def _weigh_on(self) -> None:
        while not self._over.wait(0.1):
            self.peak_rss_mb = max(self.peak_rss_mb, self.rss_mb())

    def rss_mb(self) -> float:
        """The gateway's resident memory; 0 when it is gone."""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            return 0.0
        return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS:")), 0.0)

    @property
    def url(self) -> str:
        """The dashboard's address."""
        return f"http://{HOST}:{self.port}"

    def close(self) -> None:
        """End all of it."""
        self._over.set()
        self._weigher.join()
        self.backend.close()
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.broker.stop()


def _limited() -> None:
    """Give the gateway the descriptors that its unit does."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(DESCRIPTORS, most), most))
