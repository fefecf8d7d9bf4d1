"""The radio guest: built once, booted once per Debian, measured; and the table of goals printed at the end.

pytest tests/radio                                 both Debians, about 20 minutes on two cores
ETALAGE_GUESTS=bookworm pytest tests/radio         one of them
ETALAGE_JUNK_S=600 pytest tests/radio              ten minutes of junk in place of half a one
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[2]
GUEST = PROJECT / "firmware_sim" / "guest"
SUITES = os.environ.get("ETALAGE_GUESTS", "bookworm trixie").split()
JUNK_S = int(os.environ.get("ETALAGE_JUNK_S", "30"))
CAUSES = ("bluetoothd", "replug", "power", "deaf", "hang")
BUILD_LIMIT_S, BOOT_LIMIT_S, MODE_LIMIT_S = 900, 120, 480

Results = dict[tuple[str, str], dict[str, Any]]
"""(mode, part) → what the probe measured."""
MEASURED: dict[str, Results] = {}


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Half an hour of emulation runs only when this folder is asked for by name."""
    asked = [Path(argument.split("::")[0]).resolve() for argument in config.invocation_params.args if not argument.startswith("-")]
    here = Path(__file__).parent.resolve()
    return None if any(path == here or here in path.parents for path in asked) else True


def measured(suite: str) -> Results:
    """Builds the guest where need be, boots it with the project's code, and reads the probe's results off its serial line."""
    built = PROJECT / ".cache" / "guest" / suite
    environment = {**os.environ, "PYTHON": sys.executable}
    subprocess.run(["bash", str(GUEST / "build.sh"), suite, str(built)], check=True, env=environment, timeout=BUILD_LIMIT_S)
    parts = [*CAUSES, f"junk{JUNK_S}"]
    limit_s = BOOT_LIMIT_S + 2 * (MODE_LIMIT_S + JUNK_S)
    # What is compared is measured side by side; and plain bleak, which has no time-outs, before anything is disturbed.
    boots = (["mgmt", "share", "bleak", "share", "active", "passive"], ["mgmt", *parts, "bleak", *parts])
    serial = built / "serial.log"
    with serial.open("w", encoding="utf-8") as log:
        for words in boots:
            command = ["bash", str(GUEST / "run.sh"), str(built), str(limit_s), *words]
            subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, timeout=limit_s + 30, check=False)
    results: Results = {}
    for line in serial.read_text(encoding="utf-8", errors="replace").splitlines():
        _, found, text = line.partition("RESULT ")
        if found:
            result = json.loads(text)
            results[result["mode"], result["part"]] = result
        elif "GUEST kernel" in line:
            results["guest", "guest"] = {"words": line.partition("GUEST ")[2]}
    return results


@pytest.fixture(scope="session", params=SUITES)
def results(request: pytest.FixtureRequest) -> Results:
    """One Debian's measurements."""
    if request.param not in MEASURED:
        MEASURED[request.param] = measured(request.param)
    return MEASURED[request.param]


def cpu_s(result: dict[str, Any]) -> float:
    """CPU of everything that takes part in hearing, in seconds per advertisement heard, in the emulated processor's measure."""
    return float(sum(result["cpu_s"].values()) / max(result["heard"], 1))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for suite, results in MEASURED.items():
        terminalreporter.section(f"radio, {suite}: {results.get(('guest', 'guest'), {}).get('words', 'no guest')}")
        for line in table(results):
            terminalreporter.write_line(line)


def table(results: Results) -> list[str]:
    """The goals and what was measured, as they stand in docs/radio.md."""
    lines = ["| | goal | management socket | bleak pair |", "|---|---|---|---|"]

    def row(name: str, goal: str, part: str, words: Any) -> None:
        cells = [words(results[mode, part]) if (mode, part) in results else "not measured" for mode in ("mgmt", "bleak")]
        lines.append(f"| {name} | {goal} | {' | '.join(cells)} |")

    def heard(one: dict[str, Any]) -> str:
        return f"{100 * one['heard'] / max(one['to_kernel'], 1):.1f} % ({one['heard']} of {one['to_kernel']})"

    row("heard / reached the kernel, 10 beacons at 5 Hz", "99.5 %; 95 %", "share", heard)
    row("listens, share of the time", "100 %", "share", lambda one: f"{100 * one['listens']:.0f} %")
    for mode in ("active", "passive"):
        cell = _of_air(results[mode, "share"]) if (mode, "share") in results else "not measured"
        lines.append(f"| the same by plain bleak, {mode} | | | {cell} |")
    row("CPU per advertisement, emulated", "at most a third", "share", lambda one: f"{1000 * cpu_s(one):.1f} ms")
    for cause in CAUSES:
        row(f"heard again after the end of: {cause}", "20 s", cause, _again)
    row(
        "junk", "no beacon lost, memory flat", f"junk{JUNK_S}",
        lambda one: f"{one['heard']} of {one['on_air']} beside {one['junk_per_s']}/s, {one['memory_growth_kb'] / 1024:+.1f} MB",
    )  # fmt: skip
    return lines


def _of_air(one: dict[str, Any]) -> str:
    """Plain bleak has the chip drop what it reported before: what it misses never reaches the kernel."""
    return f"{100 * one['heard'] / max(one['on_air'], 1):.1f} % ({one['heard']} of {one['on_air']} on the air)"


def _again(one: dict[str, Any]) -> str:
    noticed, again = (("never" if one[key] is None else f"{one[key]:.1f} s") for key in ("noticed_s", "again_s"))
    return f"{again} (noticed: {noticed})"
