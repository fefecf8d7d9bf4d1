"""`etalage record` on the simulated radio: the shop's own beacons, no addresses, nothing written over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from firmware_sim.bleak_backend import SimulatedAdapter
from gateway.commands import CommandError
from gateway.commands import record as record_module
from gateway.model import Advertisement
from gateway.radio.bleak_source import BleakSource
from gateway.radio.health import ScannerHealth
from gateway.radio.quality import QualityMeter
from gateway.radio.recordings import read_recording
from gateway.radio.scanners import AdapterScanner

UUID = "e2c56db5dffb48d2b060d0f5a71096e0"
OWN = bytes.fromhex("0215" + UUID + "00010002c5")
STRANGER = bytes.fromhex("0215" + "00" * 16 + "00010002c5")


class AirScanner:
    """A scanner on a simulated adapter whose air is never empty while it listens."""

    def __init__(self) -> None:
        self._adapter = SimulatedAdapter()
        self._scanner = AdapterScanner(
            "pi-1", BleakSource("pi-1", "sim", clock=time.time, backend=self._adapter.backend()), QualityMeter(frozenset())
        )
        self.id = "pi-1"

    async def listen(self, hear: Callable[[Advertisement], None]) -> None:
        listening = asyncio.create_task(self._scanner.listen(hear))
        try:
            while True:
                for payload in (OWN, STRANGER, b"", b"\x10\x05\x01"):
                    self._adapter.push(Advertisement(0.0, "", "C0:00:00:00:00:01", -60, payload))
                await asyncio.sleep(0.01)
        finally:
            listening.cancel()

    def health(self) -> ScannerHealth:
        return self._scanner.health()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    monkeypatch.setattr(record_module, "make_scanners", lambda _radio, _clock: [AirScanner()])
    app = typer.Typer()
    app.command()(record_module.record)

    def call(*words: str) -> str:
        result = CliRunner().invoke(app, list(words), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return call


def test_only_the_shops_beacons_are_written_and_no_address(run: Callable[..., str], tmp_path: Path) -> None:
    out = tmp_path / "walk.jsonl.gz"
    said = run(str(out), "--seconds", "1", "--uuid", UUID)
    written = list(read_recording(out))
    assert len(written) > 10
    assert {one.payload for one in written} == {OWN}
    assert {one.address for one in written} == {""}
    assert f"{len(written)} advertisements" in said


def test_everything_is_written_only_when_asked_for(run: Callable[..., str], tmp_path: Path) -> None:
    out = tmp_path / "walk.jsonl"
    run(str(out), "--seconds", "1", "--everything")
    assert {one.payload for one in read_recording(out)} == {OWN, STRANGER}
    assert "C0:00" not in out.read_text()


@pytest.mark.parametrize(("words", "said"), [([], "no beacon uuid"), (["--uuid", "e2c5"], "32 hex digits")])
def test_without_a_uuid_nothing_is_recorded(run: Callable[..., str], tmp_path: Path, words: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        run(str(tmp_path / "walk.jsonl"), *words)
    assert not (tmp_path / "walk.jsonl").exists()


def test_a_recording_that_heard_nothing_of_the_shop_is_an_error_and_leaves_no_file(run: Callable[..., str], tmp_path: Path) -> None:
    out = tmp_path / "walk.jsonl.gz"
    with pytest.raises(CommandError, match="nothing was recorded"):
        run(str(out), "--seconds", "1", "--uuid", "fe" * 16)
    assert not out.exists()


def test_an_existing_file_is_left_alone(run: Callable[..., str], tmp_path: Path) -> None:
    out = tmp_path / "walk.jsonl"
    out.write_text("precious")
    with pytest.raises(CommandError, match="can't be written"):
        run(str(out), "--uuid", UUID)
    assert out.read_text() == "precious"


def test_a_box_without_a_scanner_says_what_to_do(run: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_module, "make_scanners", lambda _radio, _clock: [])
    with pytest.raises(CommandError, match=r"docs/radio\.md"):
        run(str(tmp_path / "walk.jsonl"), "--uuid", UUID)
