"""The demo, as a person would run it: a process of its own, held to what it counts."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

ETALAGE = [sys.executable, "-m", "gateway"]


def test_every_offer_of_the_demo_is_acknowledged_and_followed_by_receipts() -> None:
    command = [*ETALAGE, "demo", "--minutes", "0.75", "--no-browser", "--json", "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    told = json.loads(done.stdout)
    assert told["shoppers_with_offers"] >= 20
    assert told["offers_announced"] >= 20
    assert told["offers_acknowledged"] == told["offers_announced"]
    assert told["offers_at_the_backend"] == told["offers_announced"] - told["staff_calls"]
    assert told["receipts"]["delivered"] == told["offers_at_the_backend"]
    assert told["receipts"]["shown"] > 0
    assert told["refused_messages"] == 0
    assert told["strangers_dropped"] > 0
    heard = told["strangers_dropped"] + told["other_traffic"] + told["sightings"]
    assert told["advertisements_heard"] == heard
    assert done.stderr == ""


def test_the_demo_ends_cleanly_within_three_seconds_of_ctrl_c() -> None:
    command = [*ETALAGE, "demo", "--no-browser", "--port", "0"]
    demo = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert demo.stdout is not None
    assert demo.stderr is not None
    for line in demo.stdout:
        if "Dashboard: http://127.0.0.1:" in line:
            break
    for line in demo.stdout:  # the first line of figures: it lives
        if "heard" in line:
            break
    asked_s = time.monotonic()
    demo.send_signal(signal.SIGINT)
    _, errors = demo.communicate(timeout=30)
    assert time.monotonic() - asked_s < 3.0
    assert demo.returncode == 0
    assert errors == ""
