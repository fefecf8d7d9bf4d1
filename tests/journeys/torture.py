"""Proof by killing: a gateway under load and its broker are killed with −9 at random instants; every promise must still be kept.

    python -m tests.journeys.torture --gateway-kills 200 --broker-kills 50 [--seed N] [--broker mosquitto|embedded|both]

Prints the seed first and what it found last; exits with 1 when a promise was broken. What is checked, from the gateway's database
and from what the reference backend received:

- every promise that was made arrived, in the words in which it was made;
- nothing arrived that was not promised, and no code went out under two ids;
- no cap was exceeded, and every cap's counter says what was given;
- every receipt was counted once, and answered.
"""

from __future__ import annotations

import argparse
import json
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Protocol
from uuid import UUID

from rich.progress import Progress

from firmware_sim.backend import Backend, Faults
from firmware_sim.broker import EmbeddedBroker
from firmware_sim.reactions import ReactionHabits
from tests.support.mosquitto import DURABLE, OPEN_TO_ALL, Mosquitto, wait_for

CHILD = Path(__file__).with_name("promising.py")
CAP_PER_KILL = 3
"""Issues per offer for each kill: reached near the end of a run, so that caps are tested too and no kill meets an idle gateway."""
PER_S = 60.0
ARRIVE_WITHIN_S = 120.0
"""How long the last messages may take once nobody is killed any more."""
QUICK = ReactionHabits(pause_s=(0.05, 0.3))
FAULTS = Faults(lose=0.002, repeat=0.05)


class Broker(Protocol):
    """What is killed besides the gateway."""

    @property
    def url(self) -> str: ...
    def kill(self) -> None: ...
    def start(self) -> object: ...
    def stop(self) -> None: ...


class Embedded(EmbeddedBroker):
    """The demo's broker; it keeps nothing, so ending it is as bad as killing it."""

    def kill(self) -> None:
        """End it, and come back on the same port."""
        self.stop()
        self._wanted_port = self.port


class Child:
    """The gateway that is killed."""

    def __init__(self, database: Path, url: str, cap: int) -> None:
        self._arguments = [str(database), url]
        self._cap = cap
        self._log = database.with_suffix(".log")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, seed: int, per_s: float) -> None:
        """Start it, and wait until it is at work."""
        with self._log.open("ab") as log:
            command = [sys.executable, str(CHILD), *self._arguments, str(seed), str(per_s), str(self._cap)]
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
        assert self._process.stdout is not None
        if self._process.stdout.readline() != b"ready\n":
            raise RuntimeError(f"the gateway didn't start: {self._log.read_text(errors='replace')[-2000:]}")

    def end(self, how: signal.Signals) -> None:
        """Kill it, or stop it in order."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None


def torture(folder: Path, broker: Broker, seed: int, gateway_kills: int, broker_kills: int) -> list[str]:
    """Kill so often, then let everything settle; the promises that were broken, as sentences."""
    rng = Random(seed)
    database = folder / "etalage.db"
    backend = Backend(broker.url, "demo-chain", "demo", seed=seed, habits=QUICK, faults=FAULTS).start()
    cap = CAP_PER_KILL * (gateway_kills + broker_kills)
    child = Child(database, broker.url, cap)
    victims = ["gateway"] * gateway_kills + ["broker"] * broker_kills
    rng.shuffle(victims)
    try:
        child.start(seed, PER_S)
        with Progress(disable=not sys.stderr.isatty()) as progress:
            for round_, victim in enumerate(progress.track(victims, description="Killing"), 1):
                time.sleep(rng.uniform(0.05, 1.0))
                if victim == "gateway":
                    child.end(signal.SIGKILL)
                    child.start(seed + round_, PER_S)
                else:
                    broker.kill()
                    time.sleep(rng.uniform(0.0, 0.5))
                    broker.start()
        child.end(signal.SIGTERM)
        child.start(seed, 0.0)
        wait_for(lambda: settled(database, backend), ARRIVE_WITHIN_S, every_s=0.25)
        child.end(signal.SIGTERM)
        return broken(database, backend, cap)
    finally:
        child.end(signal.SIGKILL)
        backend.stop()


def settled(database: Path, backend: Backend) -> bool:
    """Whether all has arrived and every reaction has been answered."""
    with sqlite3.connect(database, timeout=10) as reading:
        (promised,) = reading.execute("SELECT count(*) FROM promises").fetchone()
        (waiting,) = reading.execute("SELECT count(*) FROM outbox").fetchone()
    return waiting == 0 and len(backend.cards) >= promised and backend.idle


def as_text(stored: bytes) -> str:
    """An id as messages have it."""
    return str(UUID(bytes=stored))


def broken(database: Path, backend: Backend, cap: int) -> list[str]:
    """Every promise that was not kept."""
    reading = sqlite3.connect(database)
    made = {as_text(row[0]): row for row in reading.execute("SELECT id, shopper, offer, content, code FROM promises")}
    faults = [f"promise {promise} never arrived" for promise in made.keys() - backend.cards.keys()]
    faults += [f"{promise} arrived, and was never promised" for promise in backend.cards.keys() - made.keys()]
    for promise, card in backend.cards.items():
        _, shopper, offer, content, code = made.get(promise, (None,) * 5)
        said = (card.data["shopper"], card.data["offer"], card.data["content"]["body"], card.data["voucher"]["code"])
        if shopper is not None and said != (shopper, offer, json.loads(content)["body"], code):
            faults.append(f"promise {promise} was changed on its way")
    codes = Counter(card.data["voucher"]["code"] for card in backend.cards.values())
    faults += [f"code {code} went out under {times} ids" for code, times in codes.items() if times > 1]
    issued = Counter(row[2] for row in made.values())
    used = dict(reading.execute("SELECT key, used FROM counters WHERE shopper = ''"))
    faults += [f"{offer} was issued {count} of {cap} times" for offer, count in issued.items() if count > cap]
    counters = {key.split("/")[1]: number for key, number in used.items()}
    faults += [
        f"{offer}: {issued[offer]} issued, its counter says {counters[offer]}"
        for offer in counters
        if counters[offer] != issued[offer]
    ]
    counted = Counter((as_text(promise), what) for promise, what in reading.execute("SELECT promise, what FROM happenings"))
    sent = {(card.promise, what) for card in backend.cards.values() for what in card.did}
    wrong = [(promise, what) for promise, what in sent if counted[promise, what] != 1]
    faults += [f"receipt {what} of {promise} was counted {counted[promise, what]} times" for promise, what in wrong]
    faults += [f"receipt {what} of {promise} was counted, and never sent" for promise, what in counted.keys() - sent]
    reading.close()
    return faults


def main() -> int:
    """Run from the command line; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gateway-kills", type=int, default=200)
    parser.add_argument("--broker-kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--broker", choices=("mosquitto", "embedded", "both"), default="both")
    wanted = parser.parse_args()
    names = ("mosquitto", "embedded") if wanted.broker == "both" else (wanted.broker,)
    held = [prove(name, wanted.seed, wanted.gateway_kills, wanted.broker_kills) for name in names]
    return 0 if all(held) else 1


def prove(name: str, seed: int, gateway_kills: int, broker_kills: int) -> bool:
    """Torture one gateway and its broker and print what was found; whether all was kept."""
    print(f"seed {seed}, {name}", flush=True)
    started_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="etalage-torture-") as made:
        folder = Path(made)
        broker: Broker = Embedded() if name == "embedded" else Mosquitto(folder / "broker", (*OPEN_TO_ALL, *DURABLE))
        broker.start()
        try:
            faults = torture(folder, broker, seed, gateway_kills, broker_kills)
            with sqlite3.connect(folder / "etalage.db") as reading:
                (promised,) = reading.execute("SELECT count(*) FROM promises").fetchone()
                (receipts,) = reading.execute("SELECT count(*) FROM happenings").fetchone()
        finally:
            broker.stop()
    print("\n".join(faults[:50]))
    kills, minutes = f"{gateway_kills} + {broker_kills} kills", (time.monotonic() - started_s) / 60
    print(f"{promised} promises, {receipts} receipts, {len(faults)} faults, {kills}, {minutes:.0f} minutes", flush=True)
    return bool(promised) and not faults


if __name__ == "__main__":
    sys.exit(main())
