"""The scanner around any source: it counts, recovers, reports, and survives; and which scanners a box gets."""

from __future__ import annotations

import ast
import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import fields
from typing import Any

import pytest
import structlog

from gateway.model import Advertisement
from gateway.radio import bluez, mgmt_source
from gateway.radio import scanners as scanners_module
from gateway.radio.health import REASONS, WORDS, words_in
from gateway.radio.quality import QualityMeter
from gateway.radio.scanners import AdapterScanner, make_scanners
from gateway.radio.sources import AdapterAbsentError, SourceError
from gateway.radio.watchdog import ScannerState
from gateway.settings import RadioSettings
from rules.texts import Language

NL, EN = Language.NL, Language.EN


class Box:
    """A scanner that listens, with its clock in our hands."""

    def __init__(self, source: Any, clock: Any) -> None:
        self.source, self.clock = source, clock
        self.heard: list[Advertisement] = []
        self.scanner = AdapterScanner("pi-1", source, QualityMeter(frozenset()), monotonic=clock)

    async def pass_time(self, seconds: float, *, per_tick: int = 0) -> None:
        for _ in range(round(seconds / scanners_module.TICK_S)):
            self.source.say(count=per_tick)
            self.clock.now_s += scanners_module.TICK_S
            await asyncio.sleep(0.003)


@pytest.fixture
def listen(source: Any, clock: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Box], Awaitable[None]]], None]:
    """Runs a story with a listening scanner whose ticks come as fast as the loop turns."""
    real_sleep = asyncio.sleep

    async def hasty(seconds: float) -> None:
        await real_sleep(0.001 if seconds == scanners_module.TICK_S else seconds)

    monkeypatch.setattr("gateway.radio.scanners.asyncio.sleep", hasty)

    def run(story: Callable[[Box], Awaitable[None]]) -> None:
        async def told() -> None:
            box = Box(source, clock)
            task = asyncio.create_task(box.scanner.listen(box.heard.append))
            await box.pass_time(1)
            await story(box)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            assert not source.listening

        asyncio.run(told())

    return run


def test_every_advertisement_is_handed_on_and_counted(listen: Any) -> None:
    async def story(box: Box) -> None:
        await box.pass_time(10, per_tick=5)
        health = box.scanner.health()
        assert len(box.heard) == health.heard == 100
        assert (health.state, health.kind, health.restarts) == (ScannerState.HEARING, "fake", 1)
        assert health.adverts_per_s == pytest.approx(8.5, abs=2.0)
        assert health.trustworthy

    listen(story)


def test_silence_leads_to_recovery_steps_and_shows_in_the_health(listen: Any) -> None:
    async def story(box: Box) -> None:
        await box.pass_time(30, per_tick=5)
        box.source.done.clear()
        await box.pass_time(25)
        done = [step for step in box.source.done if step not in ("stop", "start")]
        health = box.scanner.health()
        assert done[:2] == ["power_cycle", "reset"]
        assert (health.state, health.reason, health.trustworthy) == (ScannerState.DEAF, "silence", False)
        assert health.silent_s == pytest.approx(25, abs=2)
        await box.pass_time(1, per_tick=5)
        assert box.scanner.health().recoveries == 1

    listen(story)


@pytest.mark.parametrize("fault", [SourceError("BlueZ is busy"), OSError("no"), AssertionError(), KeyError("x"), TimeoutError()])
def test_whatever_a_start_raises_the_scanner_goes_on(listen: Any, fault: Exception) -> None:
    async def story(box: Box) -> None:
        await box.pass_time(5, per_tick=1)
        box.source.raises, box.source.broken = fault, "it broke"
        await box.pass_time(20)
        health = box.scanner.health()
        assert health.failures >= 3
        assert health.reason
        box.source.raises = None
        await box.pass_time(10, per_tick=1)
        assert box.scanner.health().state is ScannerState.HEARING

    listen(story)


def test_an_adapter_that_comes_later_is_taken_without_a_restart(listen: Any) -> None:
    async def story(box: Box) -> None:
        box.source.raises, box.source.broken = AdapterAbsentError("no adapter hci0"), "the adapter was unplugged"
        await box.pass_time(30)
        assert box.scanner.health().state is ScannerState.ABSENT
        assert "Bluetooth stick" in words_in(EN, box.scanner.health())
        box.source.raises = None
        await box.pass_time(6, per_tick=1)
        assert box.scanner.health().state is ScannerState.HEARING

    listen(story)


def test_a_box_without_adapters_in_its_settings_has_no_scanners() -> None:
    assert make_scanners(RadioSettings(adapters={}), time.time) == []


@pytest.mark.parametrize(("platform", "said"), [("darwin", "macOS hides iBeacon payloads"), ("win32", "no BlueZ")])
def test_where_beacons_cannot_be_heard_one_clear_line_says_so(platform: str, said: str) -> None:
    with structlog.testing.capture_logs() as lines:
        assert make_scanners(RadioSettings(), time.time, platform=platform) == []
    assert len(lines) == 1
    assert lines[0]["log_level"] == "warning"
    assert said in lines[0]["event"]


@pytest.mark.parametrize(("fault", "kind"), [(None, "mgmt"), ("this process has no CAP_NET_ADMIN", "bleak pair")])
def test_the_management_socket_is_preferred_where_the_process_may(
    monkeypatch: pytest.MonkeyPatch, fault: str | None, kind: str
) -> None:
    monkeypatch.setattr(scanners_module, "management_fault", lambda: fault)
    radio = RadioSettings(adapters={"pi-1": "hci0", "pi-2": "00:AA:01:00:00:02"})
    scanners = make_scanners(radio, time.time, platform="linux")
    assert [(scanner.id, scanner.health().kind) for scanner in scanners] == [("pi-1", kind), ("pi-2", kind)]


def test_the_choice_can_be_made_in_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanners_module, "management_fault", lambda: None)
    (scanner,) = make_scanners(RadioSettings(source="bleak"), time.time, platform="linux")
    assert scanner.health().kind == "bleak pair"


def test_every_state_has_its_sentence() -> None:
    assert {f"scanner.{state}" for state in ScannerState} <= set(WORDS)


def test_health_never_names_an_address_or_a_beacon(source: Any, clock: Any) -> None:
    health = AdapterScanner("pi-1", source, QualityMeter(frozenset()), monotonic=clock).health()
    assert not {field.name for field in fields(health)} & {"address", "beacon", "payload", "uuid"}


def test_the_sources_own_reasons_are_said_in_dutch_too() -> None:
    given = {
        node.value.value
        for module in (mgmt_source, bluez)
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Assign) and "broken" in ast.unparse(node.targets[0]) and isinstance(node.value, ast.Constant)
    } - {None}
    said = {
        node.args[0].value
        for node in ast.walk(ast.parse(inspect.getsource(bluez)))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "lost" and isinstance(node.args[0], ast.Constant)
    }
    assert len(given) >= 4
    assert len(said) == 3
    assert given | said <= set(REASONS)


def test_who_was_deaf_and_hears_again_says_how_often_and_why(listen: Any) -> None:
    async def story(box: Box) -> None:
        await box.pass_time(5, per_tick=1)
        assert "Recoveries" not in words_in(EN, box.scanner.health())
        box.source.broken = "bluetoothd went away"
        await box.pass_time(1)
        box.source.broken = None
        await box.pass_time(10, per_tick=1)
        assert words_in(EN, box.scanner.health()).endswith("Recoveries since the start: 1; the last after: bluetoothd went away.")
        assert words_in(NL, box.scanner.health()).endswith("Herstellingen sinds de start: 1; de laatste na: bluetoothd is weg.")

    listen(story)
