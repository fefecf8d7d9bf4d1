"""The demo's own words: what goes on, once a second in a terminal, and the counts at the end."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from firmware_sim.backend import Backend, Card
from gateway.app import Gateway
from gateway.storage import outbox
from gateway.storage.users import Role

PLAIN_EVERY_S = 10.0
"""Where the output is no terminal, a line this often is enough."""
CARDS_SHOWN = 8
TOPICS = "etalage/v1/demo-chain/demo"


class DemoSummary:
    """Watches a demo. `arrived` is called from the backend's thread, all else in the loop's."""

    def __init__(self, quiet: bool) -> None:
        self._console = Console(stderr=quiet, quiet=quiet)
        self._began_s = time.monotonic()
        self._first_page_s: float | None = None
        self._delays_ms: list[float] = []
        self._latest: deque[str] = deque(maxlen=CARDS_SHOWN)
        self._shoppers: set[str] = set()
        self.phone: str | None = None
        """Where the page of the phone in one's hand is; None: there is none."""
        self.ways_in: dict[Role, list[str]] = {}
        """Paths of the dashboard that let one in as somebody of a role, each once."""
        self.token = ""
        """An administrator's, for programs."""
        self.broker = ""
        """The broker's address."""
        self.inside = 0
        """Opted-in people who are in the simulated shop."""

    def watch(self, gateway: Gateway, backend: Backend) -> None:
        """Keep an eye on these."""
        self._gateway, self._backend = gateway, backend

    def follow(self, gateway: Gateway) -> None:
        """Go on with the gateway that took over, after another plan was put to work."""
        self._gateway = gateway

    def arrived(self, shopper: str, card: Card) -> None:
        """An offer reached the store app's backend. Its delay is the software's own: from the move's moment to here."""
        self._delays_ms.append((card.arrived_s - card.promised_s) * 1000)
        self._shoppers.add(shopper)
        self._latest.append(f"{shopper:>5}  {card.data.get('zone') or '':<12} {card.data['content']['title']}")

    async def show(self, ended: asyncio.Event) -> None:
        """Tell what goes on until it has ended."""
        address = self._gateway.listener.url if self._gateway.listener else "off"
        self._console.print(f"\n  Etalage demo: a simulated supermarket.  Dashboard: [bold]{address}[/]   Ctrl-C ends.\n")
        for role, paths in self.ways_in.items():
            self._console.print(f"  Come in as {role.value:<10} [bold]{address}{paths[0]}[/]", soft_wrap=True)
        if self.phone is not None:
            self._console.print(f"\n  The phone of a shopper, in your hand.  Phone: [bold]{self.phone}[/]\n")
        self._console.print(f"  Broker: {self.broker}, topics below {TOPICS}.", highlight=False)
        if not self.broker.endswith(":1883"):
            self._console.print("  Port 1883 is taken here: put this one in its place in the examples of the docs.")
        self._console.print(
            f'  A book of your own: TOKEN={self.token}, and docs/rules.md, "In the demo".\n', soft_wrap=True, highlight=False
        )
        if not self._console.is_terminal:
            await self._each(PLAIN_EVERY_S, ended, lambda: self._console.print(self._line()))
            return
        with Live(console=self._console, refresh_per_second=4, transient=False) as live:
            await self._each(1.0, ended, lambda: live.update(self._panel()))

    async def last_words(self, patience_s: float) -> None:
        """Wait until every offer is acknowledged and has a receipt that the ledger took, or until patience ends."""
        until_s = time.monotonic() + patience_s
        while time.monotonic() < until_s and not self._all_told():  # noqa: ASYNC110  # four threads and a broker set no event
            await asyncio.sleep(0.1)

    def _all_told(self) -> bool:
        told = self.counts()
        announced = told["offers_announced"] - told["staff_calls"]
        receipted = told["receipts"].get("delivered", 0)
        return bool(
            announced == told["offers_at_the_backend"] == receipted and told["offers_acknowledged"] == told["offers_announced"]
        )

    def counts(self) -> dict[str, Any]:
        """Return what happened, in whole numbers; delays in milliseconds."""
        health, ledger = self._gateway.view.health(), self._gateway.ledger.counts
        with self._gateway.store.read() as connection:
            awaiting_receipt = outbox.awaiting_receipt(connection)
        # An announcement leaves the outbox when a receipt proves that it arrived, a call to staff when the broker has it.
        arrived = ledger["receipt_delivered"] + self._backend.counts["staff"]
        return {
            "minutes": round((time.monotonic() - self._began_s) / 60, 2),
            "advertisements_heard": health.counts.advertisements,
            "strangers_dropped": health.counts.strangers,
            "other_traffic": health.counts.noise,
            "sightings": self._gateway.line.counts.sightings,
            "moves": health.counts.moves,
            "decisions": health.counts.decisions,
            "offers_announced": ledger["promised"],
            "offers_acknowledged": arrived + awaiting_receipt,
            "staff_calls": self._backend.counts["staff"],
            "offers_at_the_backend": len(self._backend.cards),
            "shoppers_with_offers": len(self._shoppers),
            "receipts": {
                name.removeprefix("receipt_"): count for name, count in sorted(ledger.items()) if name.startswith("receipt_")
            },
            "refused_messages": self._backend.counts["refused"],
            "delay_ms": self._delays(),
        }

    def _delays(self) -> dict[str, float]:
        delays = sorted(self._delays_ms)
        if len(delays) < 2:
            return {}
        cuts = statistics.quantiles(delays, n=100, method="inclusive")
        return {"p50": round(cuts[49], 1), "p99": round(cuts[98], 1), "max": round(delays[-1], 1)}

    async def _each(self, period_s: float, ended: asyncio.Event, tell: Callable[[], None]) -> None:
        while not ended.is_set():
            tell()
            try:
                await asyncio.wait_for(ended.wait(), period_s)
            except TimeoutError:
                continue

    def _line(self) -> str:
        told = self.counts()
        receipts = sum(told["receipts"].values())
        return (
            f"  heard {told['advertisements_heard']:,}  strangers {told['strangers_dropped']:,}  moves {told['moves']:,}  "
            f"offers {told['offers_announced']} to {told['shoppers_with_offers']} shoppers  receipts {receipts}"
        )

    def _panel(self) -> Group:
        told, frame = self.counts(), self._gateway.view.frame()
        table = Table.grid(padding=(0, 3))
        table.add_column(justify="right", style="bold")
        table.add_column()
        here = sum(zone.count for zone in frame.zones) + frame.unplaced
        receipts = "  ".join(f"{name} {count}" for name, count in told["receipts"].items())
        delay = told["delay_ms"]
        for figure, words in (
            (f"{here}", f"opted-in shoppers in the shop ({self.inside} in truth)"),
            (f"{told['advertisements_heard']:,}", f"advertisements; {told['strangers_dropped']:,} of strangers, dropped"),
            (f"{told['moves']:,}", "moves from zone to zone"),
            (f"{told['offers_announced']}", f"offers to {told['shoppers_with_offers']} shoppers"),
            (f"{sum(told['receipts'].values())}", f"receipts   {receipts}"),
            (f"{delay.get('p99', 0):.0f} ms", "from a move to the backend, 99th percentile"),
        ):
            table.add_row(figure, words)
        latest = Text("\n".join(self._latest), style="dim")
        return Group(table, Text(), latest)
