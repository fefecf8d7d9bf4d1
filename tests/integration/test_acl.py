"""The access list in deploy/, on a real Mosquitto with TLS: each role tries what it must not."""

from __future__ import annotations

import os
import re
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import pytest

from gateway.mqtt.broker_selector import Endpoint
from gateway.mqtt.credentials import Credentials, read_credentials
from gateway.mqtt.home_assistant import Discovery
from gateway.mqtt.link import Acked, Arrived, Down, Link, LinkError, SessionRole, Subscribed, Up
from gateway.mqtt.topics import GatewayIdentity
from gateway.settings import MqttSettings, SettingsError
from tests.support.mosquitto import HOST, Mosquitto, free_port

BOX = GatewayIdentity("demo-chain", "demo", "gw-1")
DEPLOY = Path(__file__).parents[2] / "deploy" / "mosquitto"
PREFIX = "etalage/v1/demo-chain/demo/"
ANSWERS = {"replies", "replies/app", "replies/till-1", "replies/till-2"}
MAY_WRITE = {
    "gw-1": {"optins/told", "offers", "offers/withdrawn", "offers/redeemed", "staff", "sync/request", *ANSWERS}
    | {"gateways/gw-1/status", "zones/wine/occupancy"},
    "backend": {"optins", "profiles", "receipts", "purchases/app", "sync/pages/gw-1", "sync/pages/gw-2", "sightings/app"},
    "scanner-2": {"sightings/scanner-2"},
    "till-1": {"redemptions/till-1", "purchases/till-1"},
    "home-assistant": set[str](),
}
MAY_READ = {
    "gw-1": {
        "optins",
        "profiles",
        "receipts",
        "redemptions/till-1",
        "purchases/till-1",
        "purchases/app",
        "sync/pages/gw-1",
        "sightings/app",
        "sightings/scanner-2",
    },
    "backend": {"optins/told", "offers", "offers/withdrawn", "offers/redeemed", "staff", "sync/request", *ANSWERS}
    | {"gateways/gw-1/status", "zones/wine/occupancy"},
    "scanner-2": set[str](),
    "till-1": {"replies/till-1"},
    "home-assistant": {"gateways/gw-1/status", "zones/wine/occupancy"},
}
NOBODYS = {
    "gateways/gw-2/status",
    "sightings/scanner-3",
    "redemptions/till-2",
    "purchases/till-2",
    "redemptions/scanner-2",
    "elsewhere",
}
TOPICS = sorted(NOBODYS.union(*MAY_WRITE.values()))


HOME_ASSISTANT_LINES = re.compile(r"^# ((?:user|topic) .*)$", re.MULTILINE)
"""As the file says: where Home Assistant is used they are uncommented."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Mosquitto, Path]]:
    """The broker of a shop, set up by the scripts in deploy/ and nothing else."""
    folder = tmp_path_factory.mktemp("mosquitto")
    surroundings = {**os.environ, "ETALAGE_MOSQUITTO": str(folder)}
    for command in (["certificates.sh", HOST], ["users.sh", *MAY_WRITE], ["install.sh", "demo-chain", "demo"]):
        subprocess.run([DEPLOY / command[0], *command[1:]], env=surroundings, check=True, capture_output=True, cwd=DEPLOY)
    rights = folder / "acl"
    rights.write_text(HOME_ASSISTANT_LINES.sub(r"\1", rights.read_text(encoding="utf-8")), encoding="utf-8")
    port = free_port()
    lines = (DEPLOY / "mosquitto.conf").read_text(encoding="utf-8").replace("/etc/mosquitto/etalage", str(folder)).splitlines()
    kept = [line for line in lines if not line.startswith(("listener", "log_dest"))]
    # The same file but for the port, and for the broker's own listener of the harness, which is the one with TLS here.
    broker = Mosquitto(folder / "broker", kept, port)
    with broker:
        yield broker, folder


def connect(shop: tuple[Mosquitto, Path], user: str | None, password: str | None = None) -> tuple[Link, SimpleQueue[Any]]:
    broker, folder = shop
    events: SimpleQueue[Any] = SimpleQueue()
    if user is not None and password is None:
        password = (folder / "secrets" / user).read_text(encoding="utf-8").strip()
    credentials = Credentials(user, password, ssl.create_default_context(cafile=str(folder / "ca.crt")))
    link = Link(Endpoint(HOST, broker.port, True, "5"), SessionRole(f"test-{user}"), credentials, 30, events)
    link.open()
    return link, events


def test_nobody_comes_in_without_a_user_or_with_a_wrong_password(shop: tuple[Mosquitto, Path]) -> None:
    for user, password in ((None, None), ("gw-1", "guess"), ("nobody", "guess"), ("", "")):
        link, events = connect(shop, user, password)
        answer = events.get(timeout=10)
        link.close()
        assert isinstance(answer, Down)
        assert "not authorized" in answer.reason.lower()


def test_nobody_comes_in_without_tls(shop: tuple[Mosquitto, Path]) -> None:
    events: SimpleQueue[Any] = SimpleQueue()
    link = Link(
        Endpoint(HOST, shop[0].port, False, "5"),
        SessionRole("test-plain"),
        Credentials("gw-1", "x", ssl.create_default_context()),
        30,
        events,
    )
    link.open()
    answer = events.get(timeout=10)
    link.close()
    assert isinstance(answer, Down)


@pytest.mark.parametrize("user", sorted(MAY_WRITE))
def test_each_role_writes_what_the_contract_gives_it_and_nothing_else(shop: tuple[Mosquitto, Path], user: str) -> None:
    link, events = connect(shop, user)
    assert isinstance(events.get(timeout=10), Up)
    numbers = {link.publish(PREFIX + topic, "{}"): topic for topic in TOPICS}
    answers = [events.get(timeout=10) for _ in TOPICS]
    link.close()
    assert all(isinstance(answer, Acked) for answer in answers)
    assert {numbers[answer.mid] for answer in answers if not answer.failure} == MAY_WRITE[user]
    assert {answer.failure for answer in answers if answer.failure} == {"Not authorized"}


@pytest.mark.parametrize("user", sorted(MAY_READ))
def test_each_role_reads_what_the_contract_gives_it_and_nothing_else(shop: tuple[Mosquitto, Path], user: str) -> None:
    """Mosquitto may accept a subscription and then bring nothing: what counts is what arrives."""
    reader, arrivals = connect(shop, user)
    assert isinstance(arrivals.get(timeout=10), Up)
    reader.subscribe([f"{PREFIX}#", *(PREFIX + topic for topic in TOPICS)])
    writers = {name: connect(shop, name) for name in MAY_WRITE if name != user}
    for name, (writer, events) in writers.items():
        assert isinstance(events.get(timeout=10), Up)
        for topic in sorted(MAY_WRITE[name]):
            writer.publish(PREFIX + topic, "{}")
        for _ in MAY_WRITE[name]:
            assert isinstance(events.get(timeout=10), Acked)
        writer.close()
    heard = {message.topic.removeprefix(PREFIX) for message in _rest(arrivals) if isinstance(message, Arrived)}
    reader.close()
    assert heard == MAY_READ[user] & set().union(*(MAY_WRITE[name] for name in writers))


def test_home_assistant_hears_what_the_gateway_tells_it_and_nobody_else_may_tell_it(shop: tuple[Mosquitto, Path]) -> None:
    assistant, arrivals = connect(shop, "home-assistant")
    assert isinstance(arrivals.get(timeout=10), Up)
    assistant.subscribe(["homeassistant/#"])
    told = [notice for notice in Discovery(BOX, {"wine": "Wijn"}, True).notices() if notice.body]
    answers = []
    for user in ("gw-1", "backend"):
        writer, events = connect(shop, user)
        assert isinstance(events.get(timeout=10), Up)
        for notice in told:
            writer.publish(notice.topic, notice.body, retain=notice.retain)
        answers.append({bool(events.get(timeout=10).failure) for _ in told})
        writer.close()
    heard = [message for message in _rest(arrivals) if isinstance(message, Arrived)]
    assistant.close()
    assert answers == [{False}, {True}]
    assert {(message.topic, message.body.decode()) for message in heard} == {(notice.topic, notice.body) for notice in told}


def _rest(events: SimpleQueue[Any]) -> list[Any]:
    found: list[Any] = []
    while True:
        try:
            found.append(events.get(timeout=0.5))
        except Empty:
            return [event for event in found if not isinstance(event, Subscribed)]


def test_a_broker_with_another_certificate_is_not_trusted(shop: tuple[Mosquitto, Path]) -> None:
    link = Link(
        Endpoint(HOST, shop[0].port, True, "5"),
        SessionRole("t"),
        Credentials("gw-1", "x", ssl.create_default_context()),
        30,
        SimpleQueue(),
    )
    with pytest.raises(LinkError, match="certificate verify failed"):
        link.open()


def test_a_password_file_that_others_can_read_stops_the_start(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("hunter2-and-then-some\n", encoding="utf-8")
    secret.chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600") as caught:
        read_credentials(MqttSettings(user="gw-1", password_file=secret))
    assert "hunter2" not in str(caught.value)
    secret.chmod(0o600)
    credentials = read_credentials(MqttSettings(user="gw-1", password_file=secret))
    assert credentials.password == "hunter2-and-then-some"
    assert "hunter2" not in repr(credentials)
