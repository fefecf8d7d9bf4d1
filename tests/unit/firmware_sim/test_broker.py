"""The embedded broker: on this machine only, on a free port, and gone when we are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from firmware_sim.broker import EmbeddedBroker
from gateway.settings import MqttSettings
from tests.support.mosquitto import listens, wait_for

HOLDER = """
import sys, time
from firmware_sim.broker import EmbeddedBroker
broker = EmbeddedBroker().start()
print(broker.port, flush=True)
time.sleep(60)
"""


def test_it_takes_a_free_port_and_gives_it_back() -> None:
    with EmbeddedBroker() as one, EmbeddedBroker() as other:
        assert one.port != other.port
        assert listens(one.port)
        assert listens(other.port)
    assert not listens(one.port)


def test_it_listens_on_this_machine_only() -> None:
    with EmbeddedBroker() as broker:
        configuration = broker._configuration().read_text(encoding="utf-8")
        sockets = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()
    port = f"{broker.port:04X}"
    local = [line.split()[1] for line in sockets if line.split()[3] == "0A" and line.split()[1].endswith(f":{port}")]
    assert local == [f"0100007F:{port}"]
    assert f"127.0.0.1:{broker.port}" in configuration


def test_it_dies_with_its_parent() -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    port = int(holder.stdout.readline())
    assert listens(port)
    holder.kill()
    holder.wait(10)
    holder.stdout.close()
    assert wait_for(lambda: not listens(port), 10)


def test_settings_that_point_at_it_keep_the_rest() -> None:
    with EmbeddedBroker() as broker:
        settings = broker.settings(MqttSettings(window=4, user="gw-1"))
    assert settings.brokers == (f"mqtt://127.0.0.1:{broker.port}",)
    assert (settings.window, settings.user, settings.protocol) == (4, None, "3.1.1")


def test_a_port_that_is_taken_is_an_error() -> None:
    with EmbeddedBroker() as broker, pytest.raises((OSError, RuntimeError)):
        EmbeddedBroker(broker.port).start()


def test_stopping_twice_is_harmless() -> None:
    broker = EmbeddedBroker().start()
    broker.stop()
    broker.stop()
    assert not listens(broker.port)
