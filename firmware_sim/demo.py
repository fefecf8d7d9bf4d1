"""`etalage demo`: a simulated supermarket on this machine, from radio to phone, around the real gateway.

Broker, scanners under the real bleak, gateway, store-app backend and dashboard all run here; nothing is fetched from anywhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import json as json_
import logging
import signal
import tempfile
import time
import webbrowser
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import structlog
import typer

from firmware_sim.apart import WorldApart
from firmware_sim.backend import Backend
from firmware_sim.bleak_backend import SimulatedAdapter
from firmware_sim.broker import EmbeddedBroker
from firmware_sim.newcomers import change_hands
from firmware_sim.people import let_in
from firmware_sim.phone import create_phone, serving
from firmware_sim.summary import DemoSummary
from gateway.app import Gateway, GatewayFailed, run_and_renew
from gateway.dashboard import DashboardError
from gateway.radio.bleak_source import BleakSource
from gateway.radio.quality import QualityMeter
from gateway.radio.scanners import AdapterScanner
from gateway.safe_error import safe_error
from gateway.settings import DashboardSettings, MqttSettings, Settings, StorageSettings, StoreSettings
from gateway.supervisor import Part, PartDied, Supervisor, Task, Thread
from gateway.zones.plan import load_plan
from gateway.zones.plan_in_force import plan_folder

PLAN = Path(__file__).parent / "shops" / "supermarket" / "plan.yaml"
BOOK = "supermarket.yaml"
CHAIN, STORE = "demo-chain", "demo"
STRANGERS = 60
"""People who only walk by, with radios of their own: more than opted in, as in any shop."""
ROTATING = 0.5
"""The share of shoppers whose phones change their beacon id every quarter of an hour; the others carry tags."""
AWAY_S = (20.0, 40.0)
"""How long a shopper stays away between two visits: short, so that there is always something to see."""
IN_HAND = "s-1"
"""The shopper whose phone is a page in the browser: nothing acts by chance for them."""
BROKER_PORT = 1883
"""The port in the examples of the docs; where it is taken the demo says which it has."""
NAP_S = 0.002
"""Packets closer together than this are put on the air at once."""
LAST_WORDS_S = 15.0
"""How long the end of a timed demo waits for what is still under way."""


def demo(
    minutes: Annotated[float | None, typer.Option(min=0.05, help="End by itself after so long; otherwise at Ctrl-C.")] = None,
    shoppers: Annotated[int, typer.Option(min=1, max=500, help="How many opted-in shoppers walk about.")] = 40,
    seed: Annotated[int, typer.Option(help="The same seed walks the same ways.")] = 1,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The dashboard's port; a free one when it is taken.")] = 8080,
    browser: Annotated[bool, typer.Option(help="Open the dashboard in a browser.")] = True,
    json: Annotated[bool, typer.Option("--json", help="Print only the counts at the end, as JSON.")] = False,
) -> None:
    """A simulated shop with everything in it, on this machine."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    summary = DemoSummary(quiet=json)
    counts: dict[str, object] = {}
    died: list[str] = []
    try:
        counts = asyncio.run(_run(minutes, shoppers, seed, port, summary, browser=browser and not json, phone=not json))
    except* Exception as deaths:
        died = [str(death) if isinstance(death, PartDied | GatewayFailed) else safe_error(death) for death in _each(deaths)]
    if died:
        typer.echo(f"etalage: {died[0]}", err=True)
        raise typer.Exit(1)
    if json:
        typer.echo(json_.dumps(counts, indent=2))


def _each(deaths: BaseExceptionGroup[Exception]) -> Iterator[Exception]:
    for death in deaths.exceptions:
        if isinstance(death, BaseExceptionGroup):
            yield from _each(death)
        else:
            yield death


async def _run(
    minutes: float | None, shoppers: int, seed: int, port: int, summary: DemoSummary, *, browser: bool, phone: bool
) -> dict[str, object]:
    """Set it all up, and let it live; the counts."""
    stop = asyncio.Event()
    for signal_ in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_, stop.set)
    plan = load_plan(PLAN)
    people = {"shoppers": shoppers, "seed": seed, "strangers": STRANGERS, "away_s": AWAY_S, "rotating": ROTATING, "store": STORE}
    adapters = {scanner.id: SimulatedAdapter() for scanner in plan.scanners}
    with (
        tempfile.TemporaryDirectory(prefix="etalage-demo-") as folder,
        _broker() as broker,
        WorldApart(PLAN, people | {"start_s": time.time()}) as world,
    ):
        settings = _settings(Path(folder), broker, port)
        summary.ways_in, summary.token = await asyncio.to_thread(let_in, settings.storage, time.time())
        summary.broker = broker.url
        gateway = _gateway(settings, adapters)
        backend = Backend(broker.url, CHAIN, STORE, seed=seed, on_card=summary.arrived).start()
        summary.watch(gateway, backend)
        identities = await world.identities()
        try:
            async with _phone(backend, identities, summary) if phone else contextlib.nullcontext():
                others = {name: identity for name, identity in identities.items() if name != IN_HAND}
                for number, (shopper, identity) in enumerate(identities.items()):
                    backend.opt_in(shopper, identity, language="en" if number % 4 == 3 else "nl")
                parts: list[Part] = [
                    # At a terminal Ctrl-C reaches the broker too: its death is then none.
                    Thread("broker", lambda: None if stop.is_set() else broker.failure),
                    Thread("store app's backend", lambda: backend.failure),
                    Task("simulated world", partial(_walk, world, adapters, summary)),
                    Task("newcomers", partial(change_hands, backend, others)),
                ]
                return await _live(gateway, parts, summary, stop, minutes, browser)
        finally:
            await asyncio.to_thread(backend.stop)


async def _live(
    gateway: Gateway,
    parts: Sequence[Part],
    summary: DemoSummary,
    stop: asyncio.Event,
    minutes: float | None,
    browser: bool,
) -> dict[str, object]:
    """Let it all live until its time is over or somebody ends it; the counts. Raises PartDied in a group."""
    ended, over = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run_and_renew(gateway, ended, summary.follow), name="gateway")
        tasks.create_task(summary.show(ended), name="summary")
        tasks.create_task(_end(stop, minutes, over), name="end")
        if browser and gateway.listener is not None:
            tasks.create_task(asyncio.to_thread(webbrowser.open, gateway.listener.url), name="browser")
        await Supervisor(parts, notify=lambda _state: None).run(over)
        if not stop.is_set():
            await summary.last_words(LAST_WORDS_S)
        counts = summary.counts()
        ended.set()
    return counts


async def _end(stop: asyncio.Event, minutes: float | None, over: asyncio.Event) -> None:
    """Set `over` when somebody ends the demo, or when its time is up."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), None if minutes is None else minutes * 60)
    over.set()


def _broker() -> EmbeddedBroker:
    """Return a broker that is started, on the docs' own port where that is free. Raises what the broker does."""
    try:
        return EmbeddedBroker(BROKER_PORT).start()
    except (OSError, RuntimeError):
        return EmbeddedBroker().start()


def _settings(folder: Path, broker: EmbeddedBroker, port: int) -> Settings:
    from rules import books  # the examples that come with the engine

    return Settings(
        store=StoreSettings(chain=CHAIN, store=STORE, rule_book=Path(books.__path__[0]) / BOOK),
        mqtt=broker.settings(MqttSettings()),
        storage=StorageSettings(path=folder / "etalage.db", free_space_min_mb=0),
        dashboard=DashboardSettings(port=port),
    )


def _gateway(settings: Settings, adapters: dict[str, SimulatedAdapter]) -> Gateway:
    """The real gateway, with simulated adapters under the real bleak in place of this machine's."""
    plan_folder(settings).put_to_work(load_plan(PLAN), "demo", time.time())  # as if drawn in the dashboard: it can be changed there
    scanners = [
        AdapterScanner(
            scanner, BleakSource(scanner, "simulated", clock=time.time, backend=adapter.backend()), QualityMeter(frozenset())
        )
        for scanner, adapter in adapters.items()
    ]
    try:
        return Gateway(settings, scanners=scanners)
    except DashboardError:
        free = settings.dashboard.model_copy(update={"port": 0})
        return Gateway(settings.model_copy(update={"dashboard": free}), scanners=scanners)


@contextlib.asynccontextmanager
async def _phone(backend: Backend, identities: Mapping[str, dict[str, object]], summary: DemoSummary) -> AsyncIterator[None]:
    """One shopper's phone as a page for a person's hand while the block runs."""
    async with serving(create_phone(backend, IN_HAND, identities[IN_HAND])) as summary.phone:
        yield


async def _walk(world: WorldApart, adapters: dict[str, SimulatedAdapter], summary: DemoSummary) -> None:
    """Put every packet on the air at its own time; a machine that is too slow for that has a slower world, not a burst."""
    begun_s = time.monotonic() - world.start_s
    ahead = asyncio.create_task(world.step())
    while True:
        heard, until_s, summary.inside = await ahead
        ahead = asyncio.create_task(world.step())
        begun_s = max(begun_s, time.monotonic() - until_s)
        for advertisement in heard:
            early_s = begun_s + advertisement.at_s - time.monotonic()
            if early_s > NAP_S:
                await asyncio.sleep(early_s)
            adapters[advertisement.scanner].push(advertisement)
        await asyncio.sleep(begun_s + until_s - time.monotonic())
