"""A gateway without a radio, to be killed: ledger, outbox, courier and inbox as in the product, and promises made without pause.

    python promising.py DATABASE BROKER_URL SEED PER_S CAP [GATEWAY]

DATABASE is a file, or the URL of a PostgreSQL database that several of these share. It runs until it gets SIGTERM (an orderly
stop) or SIGKILL (what it is for).
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from pathlib import Path
from random import Random

import structlog
from pydantic import SecretStr

from gateway.messages import Event, Outcome, Receipt
from gateway.mqtt.courier import Courier
from gateway.mqtt.credentials import read_credentials
from gateway.mqtt.handlers import InboundHandlers
from gateway.mqtt.inbox import Inbox
from gateway.mqtt.status import StatusPublisher
from gateway.mqtt.topics import identity_of
from gateway.offers.ledger import Ledger
from gateway.settings import MqttSettings, StorageSettings, StoreSettings
from gateway.storage import Transaction, open_store
from rules import Cap, CapKind, Chosen, CodeKind, Codes, Content, Decision, Gate, Group, PlannedVoucher, Situation, Verdict, Worth

SHOPPERS = 40
OFFERS = 6
PROMISE_LASTS_S = 7200.0


def chosen(offer: str, at_s: float, cap: int) -> Chosen:
    """A voucher with a code of its own, issued at most `cap` times."""
    return Chosen(
        offer=offer,
        kind="voucher",
        category="wine",
        zone="wine",
        language="nl",
        content=Content("Proef de nieuwe Rioja", f"Vandaag 10 % op alle rode wijn, {at_s}."),
        expires_at=at_s + PROMISE_LASTS_S,
        attention=1.0,
        score=50.0,
        propensity=0.9,
        voucher=PlannedVoucher(Worth(percent=10), Codes(CodeKind.GENERATED), 250, at_s + PROMISE_LASTS_S),
        caps=(Cap(f"offer/{offer}/issues", CapKind.ISSUES, cap),),
    )


def situation(shopper: str, at_s: float) -> Situation:
    """A shopper who just walked into the wine zone."""
    return Situation(
        shopper=shopper,
        at_s=at_s,
        event="enter",
        zone="wine",
        dwell_s=0.0,
        visit=f"visit-of-{shopper}",
        purposes=frozenset({"recognise", "offers"}),
        language="nl",
        facts={},
        fact_times={},
        history=(),
        attention=4.0,
        exhausted=frozenset(),
    )


def promise_on(ledger: Ledger, rng: Random, per_s: float, cap: int, stop: threading.Event, lock: threading.Lock) -> None:
    """Decide for one shopper after another, until told to stop."""
    while not stop.wait(rng.expovariate(per_s)):
        at_s, shopper, offer = time.time(), f"s-{rng.randrange(SHOPPERS)}", f"offer-{rng.randrange(OFFERS)}"
        decision = Decision((chosen(offer, at_s, cap),), (), (Verdict(offer, Gate.CHOSEN),), "b" * 64, Group.TREATED)
        with lock:
            ledger.promise(decision, situation(shopper, at_s))


def main(database: str, url: str, seed: int, per_s: float, cap: int, gateway: str = "gw-1") -> None:
    """Compose, run, and wait for the end."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))  # standard output says "ready", and no more
    stop, lock = threading.Event(), threading.Lock()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    mqtt = MqttSettings(brokers=(url,), pause_max_s=1.0, protocol="auto")
    identity, credentials = identity_of(StoreSettings(gateway=gateway)), read_credentials(mqtt)
    shared = database.startswith("postgresql:")
    store = open_store(StorageSettings(url=SecretStr(database)) if shared else StorageSettings(path=Path(database)))
    ledger = Ledger(store, identity.source)
    courier = Courier(
        store, mqtt, identity, credentials, StatusPublisher(identity, mqtt), release=ledger.release_unsent, clock=time.time
    )

    def receive(tx: Transaction, event: Event[Receipt]) -> Outcome:
        return ledger.take_receipt(tx, event)

    inbox = Inbox(
        store,
        mqtt,
        identity,
        credentials,
        InboundHandlers(identity, {Receipt.TYPE: receive}),
        lambda call: _locked(lock, call),
        clock=time.time,
    )
    courier.start()
    inbox.start()
    print("ready", flush=True)
    if per_s > 0:
        promise_on(ledger, Random(seed), per_s, cap, stop, lock)
    stop.wait()
    inbox.stop()
    courier.stop()
    store.close()


def _locked(lock: threading.Lock, call: object) -> None:
    """The ledger belongs to one thread at a time; here two take turns."""
    with lock:
        call()  # type: ignore[operator]  # a Post is given callables


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5]), *sys.argv[6:7])
