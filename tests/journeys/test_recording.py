"""A real recording in the air's place drives the whole gateway, and its offers arrive at a real Mosquitto."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from tests.support.mosquitto import Mosquitto, wait_for

RECORDINGS = Path(__file__).parents[1] / "accuracy" / "recordings"
ETALAGE = [sys.executable, "-m", "gateway"]
BOOK = """
book: anywhere
timezone: Europe/Amsterdam
salt: recordings
control_share: 0
silence: 0
quiet: []
attention: {capacity: 1000, refill_per_day: 1000, dismissal_cost: 0, engagement_refill: 0}
offers:
  - id: you-are-here
    kind: content
    at: {event: enter}
    per_visit: 20
    content: {nl: {title: U bent hier, body: Fijn.}, en: {title: You are here, body: Good.}}
"""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "mosquitto") as broker:
        yield broker


@pytest.fixture
def offers(broker: Mosquitto) -> Iterator[list[dict[str, object]]]:
    arrived: list[dict[str, object]] = []
    subscribed = threading.Event()
    client = Client(CallbackAPIVersion.VERSION2)

    def subscribe() -> None:
        client.subscribe("etalage/v1/chain/store/offers", 1)

    client.on_connect = lambda *_: subscribe()
    client.on_subscribe = lambda *_: subscribed.set()
    client.on_message = lambda _client, _data, message: arrived.append(json.loads(message.payload))
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    assert subscribed.wait(10)
    yield arrived
    client.disconnect()
    client.loop_stop()


def configuration(folder: Path, plan: Path, optins: Path, broker: str) -> Path:
    (folder / "book.yaml").write_text(BOOK)
    path = folder / "etalage.toml"
    path.write_text(
        f'[store]\nchain = "chain"\nstore = "store"\nplan = "{plan}"\noptins = "{optins}"\nrule_book = "book.yaml"\n'
        f'[mqtt]\nbrokers = ["{broker}"]\n[dashboard]\nport = 0\n'
    )
    return path


@pytest.mark.parametrize(
    "recording",
    [
        "tetam/trk_zigzagging_with_rotation.jsonl.gz",
        "sal_rb/car_sensor_1_measurement_1.jsonl.gz",
        "kolakowski_flat/calibration.jsonl.gz",
    ],
)
def test_a_real_recording_becomes_offers_at_a_real_mosquitto(
    recording: str, broker: Mosquitto, offers: list[dict[str, object]], tmp_path: Path
) -> None:
    folder = (RECORDINGS / recording).parent
    config = configuration(tmp_path, folder / "plan.yaml", folder / "optins.yaml", broker.url)
    command = [*ETALAGE, "run", "--config", str(config), "--recording", str(RECORDINGS / recording), "--speed", "60"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    assert "malformed_lines=0" in done.stderr
    assert wait_for(lambda: offers, 5)
    assert {offer["data"]["shopper"] for offer in offers} == {"s-1"}  # type: ignore[index]  # JSON
    zones = {offer["data"]["zone"] for offer in offers}  # type: ignore[index]
    assert len(zones - {None}) >= 2


def test_a_broker_that_is_not_there_does_not_stop_the_start_and_sigterm_ends_it(tmp_path: Path) -> None:
    folder = RECORDINGS / "tetam"
    config = configuration(tmp_path, folder / "plan.yaml", folder / "optins.yaml", "mqtt://127.0.0.1:1")
    recording = folder / "trk_zigzagging_with_rotation.jsonl.gz"
    log = tmp_path / "log"
    with log.open("w") as out:
        command = [*ETALAGE, "run", "--config", str(config), "--recording", str(recording)]
        gateway = subprocess.Popen(command, stderr=out)
    assert wait_for(lambda: "dashboard" in log.read_text(), 30)
    gateway.send_signal(signal.SIGTERM)
    assert gateway.wait(15) == 0
    assert "Traceback" not in log.read_text()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("[mqtt]\nport = 3\n", "mqtt.port: no such setting"),
        ('[store]\nplan = "nowhere.yaml"\n', "nowhere.yaml: can't be read"),
        ('[store]\nplan = "broken.yaml"\n', "broken.yaml"),
        ('[store]\nplan = "plan.yaml"\nrule_book = "bad.yaml"\n', "bad.yaml"),
        ('[store]\nplan = "plan.yaml"\n[storage]\npath = "no/such/folder/e.db"\n', "doesn't exist; make it"),
    ],
)
def test_a_bad_configuration_stops_the_start_with_a_clear_line(change: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("store: x\nzones: [{id: a}]\nscanners: [{id: s, zone: b}]\n")
    (tmp_path / "plan.yaml").write_text("store: x\nzones: [{id: a}]\nscanners: [{id: s, zone: a}]\n")
    (tmp_path / "bad.yaml").write_text("book: x\noffers: [{id: a, kind: vuocher}]\n")
    (tmp_path / "etalage.toml").write_text(change)
    command = [*ETALAGE, "run", "--config", str(tmp_path / "etalage.toml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert all(line.strip() for line in done.stderr.strip().splitlines())
