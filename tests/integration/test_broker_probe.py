"""Trying a broker before it is used, on a real Mosquitto: the first step that fails is named."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.mqtt.probe import probe
from tests.support.mosquitto import HOST, Mosquitto, free_port


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker that knows one name with one password."""
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(passwords), "etalage", "geheim"], check=True)
    passwords.chmod(0o644)
    with Mosquitto(tmp_path / "broker", ["allow_anonymous false", f"password_file {passwords}"]) as broker:
        yield broker


def test_the_right_password_gets_through_all_steps(broker: Mosquitto) -> None:
    steps = probe(HOST, broker.port, tls=False, user="etalage", password="geheim")
    assert [(step.name, step.well) for step in steps] == [("name", True), ("port", True), ("password", True)]


@pytest.mark.parametrize(("user", "password"), [("etalage", "fout"), ("", "")])
def test_a_wrong_password_is_told_from_a_wrong_address(broker: Mosquitto, user: str, password: str) -> None:
    last = probe(HOST, broker.port, tls=False, user=user, password=password)[-1]
    assert (last.name, last.well) == ("password", False)
    assert last.detail


def test_a_broker_without_tls_has_no_certificate_to_trust(broker: Mosquitto) -> None:
    last = probe(HOST, broker.port, tls=True)[-1]
    assert (last.name, last.well) == ("certificate", False)


def test_nobody_at_the_port_and_no_such_name_are_told_apart() -> None:
    assert [(step.name, step.well) for step in probe(HOST, free_port(), tls=False)] == [("name", True), ("port", False)]
    assert [(step.name, step.well) for step in probe("a..b", 1883, tls=False)] == [("name", False)]
