"""What deploy/mosquitto installs stands beside the configuration that Debian ships, and beside one that a shop has changed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.mosquitto import HOST, PROGRAM, end, free_port, listens, wait_for

DEPLOY = Path(__file__).parents[2] / "deploy" / "mosquitto"
STOCK = Path(__file__).parent / "stock"
PATIENCE_S = 30.0


@pytest.fixture(scope="module")
def credentials(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates and users, made once."""
    folder = tmp_path_factory.mktemp("credentials") / "etalage"
    for command in (["certificates.sh", HOST], ["users.sh", "gw-1", "backend"]):
        run(folder, *command)
    return folder


def run(folder: Path, script: str, *words: str) -> None:
    """Run one of the scripts on another folder than /etc/mosquitto/etalage."""
    surroundings = {**os.environ, "ETALAGE_MOSQUITTO": str(folder)}
    subprocess.run([DEPLOY / script, *words], env=surroundings, check=True, capture_output=True)


def changed(text: str) -> str:
    """The stock configuration of a shop that said less of it."""
    return text.replace("persistence_location /var/lib/mosquitto/\n", "")


@pytest.mark.parametrize("altered", [False, True], ids=["as shipped", "changed by the shop"])
@pytest.mark.parametrize("release", ["debian-12", "debian-13"])
def test_mosquitto_starts_with_tls_and_starts_again_after_a_second_installation(
    release: str, altered: bool, credentials: Path, tmp_path: Path
) -> None:
    etc, store, port = tmp_path / "etc", tmp_path / "store", free_port()
    (etc / "conf.d").mkdir(parents=True)
    store.mkdir()
    subprocess.run(["cp", "-r", credentials, etc / "etalage"], check=True)
    text = (STOCK / f"mosquitto-{release}.conf").read_text(encoding="utf-8")
    text = (changed(text) if altered else text).replace("/etc/mosquitto/conf.d", str(etc / "conf.d"))
    (etc / "mosquitto.conf").write_text(text + ("user root\n" if os.geteuid() == 0 else ""), encoding="utf-8")
    for _ in range(2):
        run(etc / "etalage", "install.sh", "demo-chain", "demo")
        assert starts(etc, store, port)


def starts(etc: Path, store: Path, port: int) -> bool:
    """Whether Mosquitto listens with this configuration; only its port and where it writes are others than on a real box."""
    for file in (etc / "mosquitto.conf", etc / "conf.d" / "etalage.conf"):
        moved = (
            file.read_text(encoding="utf-8")
            .replace("/var/lib/mosquitto/", f"{store}/")
            .replace("listener 8883", f"listener {port}")
        )
        moved = moved.replace("/var/log/mosquitto/", f"{store}/").replace("/run/mosquitto/", f"{store}/")
        file.write_text(moved, encoding="utf-8")
    with (store / "said").open("wb") as said:
        process = subprocess.Popen([PROGRAM, "-c", str(etc / "mosquitto.conf")], stdout=said, stderr=said)
    try:
        assert wait_for(lambda: listens(port) or process.poll() is not None, PATIENCE_S)
        assert process.poll() is None, (store / "said").read_text()
        return listens(port)
    finally:
        end(process)
