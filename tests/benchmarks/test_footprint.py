"""What a gateway with nothing to do weighs, and how long it takes from start to first page."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from pytest_benchmark.fixture import BenchmarkFixture

from tests.support.mosquitto import free_port, wait_for
from tests.support.supermarket import PLAN_FILE

ROOT = Path(__file__).parents[2]
PLAN = PLAN_FILE
BOOK = ROOT / "rules" / "books" / "supermarket.yaml"


def configuration(folder: Path, dashboard: str) -> Path:
    path = folder / "etalage.toml"
    path.write_text(
        f'[store]\nplan = "{PLAN}"\nrule_book = "{BOOK}"\n[radio]\nadapters = {{}}\n'
        f'[mqtt]\nbrokers = ["mqtt://127.0.0.1:{free_port()}"]\n[dashboard]\n{dashboard}\n'
    )
    return path


def start(folder: Path, dashboard: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "gateway", "run", "--config", str(configuration(folder, dashboard))]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


def resident_mb(process: subprocess.Popen[bytes]) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return round(int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024, 1)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as page:
            return int(page.status) == 200
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0


def test_from_start_to_first_page(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    def first_page() -> tuple[float, float]:
        port = free_port()
        begun_s = time.monotonic()
        process = start(tmp_path, f"port = {port}")
        assert wait_for(lambda: answers(f"http://127.0.0.1:{port}/"), 60)
        took_s = time.monotonic() - begun_s
        weight_mb = resident_mb(process)
        stop(process)
        return took_s, weight_mb

    took_s, weight_mb = benchmark.pedantic(first_page, rounds=1)
    benchmark.extra_info["start_to_first_page_s"] = round(took_s, 2)
    benchmark.extra_info["resident_mb_after_one_page"] = weight_mb
    assert weight_mb < 256  # what deploy/systemd/etalage.service allows


def test_an_idle_gateway_without_a_dashboard(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    def idle() -> float:
        process = start(tmp_path, "enabled = false")
        assert wait_for((tmp_path / "etalage.db").exists, 60)
        settled: list[float] = []

        def weighs_the_same_twice() -> bool:
            settled.append(resident_mb(process))
            return settled[-2:] == [settled[-1]] * 2

        assert wait_for(weighs_the_same_twice, 60, every_s=1.0)
        stop(process)
        return settled[-1]

    weight_mb = benchmark.pedantic(idle, rounds=1)
    benchmark.extra_info["resident_mb_idle"] = weight_mb
    assert weight_mb < 256
