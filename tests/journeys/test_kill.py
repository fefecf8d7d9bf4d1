"""The gateway and its broker are killed with −9 under load, and every promise is kept: the short version of `make torture`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SEED = os.environ.get("ETALAGE_SEED", "20261121")


@pytest.mark.parametrize(("broker", "gateway_kills", "broker_kills"), [("mosquitto", 6, 2), ("embedded", 3, 1)])
def test_promises_survive_kills(broker: str, gateway_kills: int, broker_kills: int) -> None:
    """Another seed: ETALAGE_SEED. On failure pytest shows the seed and each broken promise."""
    command = [sys.executable, "-m", "tests.journeys.torture", "--broker", broker, "--seed", SEED]
    command += ["--gateway-kills", str(gateway_kills), "--broker-kills", str(broker_kills)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    print(run.stdout, run.stderr)
    assert run.returncode == 0
    assert " 0 faults" in run.stdout
    promised = int(run.stdout.splitlines()[-1].split(" promises")[0])
    assert promised > 20
