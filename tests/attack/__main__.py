"""Attack a running gateway while honest shoppers come, are offered something, and withdraw: a line an attack, held or fell.

    python -m tests.attack [--seconds 20] [--seed N] [--only NAME] [--short]

Real Mosquitto, the gateway as a process, and a backend of its own. First nobody attacks. What then holds, during each attack: nine
cards come in time for ten that came without it, each withdrawal is in force within a second (on a slow machine: twice what it took
without an attack), the gateway stays within the memory its unit allows, and it logs less than a megabyte. Exits with 1 when one
fell.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.attack.attacks import ATTACKS, Scale
from tests.attack.backend import Guest
from tests.attack.shop import RSS_MAX_MB, START_WITHIN_S, AttackedShop
from tests.support.mosquitto import wait_for

ARRIVE_EVERY_S = 0.5
CARD_WITHIN_S = 10.0
"""From a guest's first packet in a zone to the card for it; alone it takes three or four."""
ALONE = "nobody"
AGAIN_AFTER_S = 5.0
CARDS_SHARE_MIN = 0.9
WITHDRAWN_WITHIN_S, WITHDRAWN_GIVE_UP_S = 1.0, 30.0
LOG_MAX_MB = 1.0
FULL, SHORT = Scale(receipts=20_000, ids=427, silent=10_000), Scale(receipts=2_000, ids=100, silent=1_100)
MOVES = {ALONE: 2, "receipts from the future": 2}
"""Cards a guest waits for; one unless said."""


def main() -> int:
    """Run from the command line; 1 when an attack fell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long guests arrive during each attack")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only", choices=list(ATTACKS), help="this attack alone")
    parser.add_argument("--short", action="store_true", help="smaller floods")
    wanted = parser.parse_args()
    print(f"seed {wanted.seed}", flush=True)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    names = [wanted.only] if wanted.only else [name for name in ATTACKS if name != ALONE]
    with tempfile.TemporaryDirectory(prefix="etalage-attack-") as folder:
        shop = AttackedShop(Path(folder))
        try:
            warm_up(shop)
            usual = withstand(shop, ALONE, wanted)
            show("----", usual, shop)
            held = [judged(shop, withstand(shop, name, wanted), usual) for name in names]
        finally:
            shop.close()
    return 0 if all(held) else 1


def warm_up(shop: AttackedShop) -> None:
    """Wait until the line from scanner to card is connected. Raises RuntimeError when it never is."""
    guest, deadline_s = shop.backend.welcome(moves=1), time.monotonic() + START_WITHIN_S
    while not wait_for(lambda: guest.cards, AGAIN_AFTER_S) and time.monotonic() < deadline_s:
        shop.backend.opt_in(guest)  # the broker had nobody yet to give the first to
    if not guest.cards:
        raise RuntimeError(f"no card came before any attack: {shop.log.read_text(errors='replace')[-2000:]}")


@dataclass(frozen=True)
class Outcome:
    """What came of an attack. `share`: of the cards that were due, those in time."""

    name: str
    faults: list[str]
    share: float
    due: int
    slowest_s: float
    logged_mb: float


def withstand(shop: AttackedShop, name: str, wanted: argparse.Namespace) -> Outcome:
    """Attack once, while guests arrive."""
    shop.peak_rss_mb, logged = shop.rss_mb(), shop.log.stat().st_size
    attack, rng, over = ATTACKS[name], Random(f"{wanted.seed}/{name}"), threading.Event()
    guests: list[Guest] = []
    with ThreadPoolExecutor(256) as threads:
        attacking = threads.submit(attack, shop, rng, SHORT if wanted.short else FULL, over)
        following = []
        for _ in range(max(1, round(wanted.seconds / ARRIVE_EVERY_S))):
            guests.append(shop.backend.welcome(MOVES.get(name, 1)))
            following.append(threads.submit(follow, shop, guests[-1]))
            time.sleep(ARRIVE_EVERY_S)
        for one in following:
            one.result()
        over.set()
        faults = attacking.result()
    due = sum(guest.moves for guest in guests)
    slowest_s = max(float("inf") if guest.withdrawn_in_s is None else guest.withdrawn_in_s for guest in guests)
    logged_mb = (shop.log.stat().st_size - logged) / 1e6
    return Outcome(name, faults, sum(in_time(guest) for guest in guests) / due, due, slowest_s, logged_mb)


def follow(shop: AttackedShop, guest: Guest) -> None:
    """Wait for a guest's cards, then withdraw them."""
    deadline_s = time.monotonic() + 2 * CARD_WITHIN_S * guest.moves
    while len(guest.cards) < guest.moves and time.monotonic() < deadline_s:
        time.sleep(0.05)
    shop.backend.withdraw(guest, WITHDRAWN_GIVE_UP_S)


def in_time(guest: Guest) -> int:
    """Return how many of a guest's cards came in time."""
    return sum(wait_s <= CARD_WITHIN_S for wait_s in guest.waits_s)


def judged(shop: AttackedShop, outcome: Outcome, usual: Outcome) -> bool:
    """Print what came of an attack; whether it held."""
    faults = list(outcome.faults)
    if shop.process.poll() is not None:
        faults.append(f"the gateway ended: {shop.log.read_text(errors='replace')[-500:]}")
    if outcome.share < CARDS_SHARE_MIN * usual.share:
        faults.append(f"too few cards came within {CARD_WITHIN_S:.0f} s")
    if outcome.slowest_s > max(WITHDRAWN_WITHIN_S, 2 * usual.slowest_s):
        faults.append(f"a withdrawal took {outcome.slowest_s:.1f} s")
    if shop.peak_rss_mb > RSS_MAX_MB:
        faults.append(f"the gateway took {shop.peak_rss_mb:.0f} MB of {RSS_MAX_MB:.0f}")
    if outcome.logged_mb > LOG_MAX_MB:
        faults.append(f"it logged {outcome.logged_mb:.1f} MB")
    show("fell" if faults else "held", outcome, shop)
    for fault in faults:
        print(f"      {fault}", flush=True)
    return not faults


def show(word: str, outcome: Outcome, shop: AttackedShop) -> None:
    """Print an outcome's figures in one line."""
    cards = f"{outcome.share:.0%} of {outcome.due} cards in time"
    took = f"withdrawals ≤ {outcome.slowest_s:.2f} s, RSS {shop.peak_rss_mb:.0f} MB, log {outcome.logged_mb:.2f} MB"
    print(f"{word}  {outcome.name}: {cards}, {took}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
