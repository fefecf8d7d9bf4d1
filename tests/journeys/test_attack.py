"""A running gateway is attacked while honest shoppers come and go: the short version of `make attack`."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SEED = os.environ.get("ETALAGE_SEED", "20261127")


@pytest.mark.parametrize("attack", ["hostile response topics", "host rebinding"])
def test_an_attack_keeps_no_card_and_no_withdrawal_from_honest_shoppers(attack: str) -> None:
    """Another seed: ETALAGE_SEED. On failure pytest shows the seed, the figures and what fell."""
    command = [sys.executable, "-m", "tests.attack", "--short", "--seconds", "2", "--seed", SEED, "--only", attack]
    run = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    print(run.stdout, run.stderr)
    assert run.returncode == 0
    assert f"held  {attack}" in run.stdout
