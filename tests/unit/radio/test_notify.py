"""What systemd is told, and when it is no longer told that all is well."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.radio.health import ScannerHealth
from gateway.radio.notify import DEAF_TOO_LONG_S, alive, sd_notify
from gateway.radio.watchdog import ScannerState

HEARING = ScannerHealth(
    scanner="pi-1", kind="mgmt", state=ScannerState.HEARING, adverts_per_s=50, heard=1, other=0, malformed=0, restarts=1,
    power_cycles=0, resets=0, failures=0, recoveries=0, reason="", silent_s=0.1, next_step_in_s=None,
)  # fmt: skip
DEAF = replace(HEARING, state=ScannerState.DEAF, silent_s=DEAF_TOO_LONG_S + 1)


def test_a_message_reaches_the_socket_that_systemd_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        assert sd_notify("WATCHDOG=1")
        assert systemd.recv(100) == b"WATCHDOG=1"


def test_an_abstract_socket_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind("\0etalage-test-notify")
        monkeypatch.setenv("NOTIFY_SOCKET", "@etalage-test-notify")
        assert sd_notify("READY=1")
        assert systemd.recv(100) == b"READY=1"


@pytest.mark.parametrize("address", ["", "relative", "/nowhere/at/all"])
def test_without_a_service_manager_nothing_happens(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    assert not sd_notify("READY=1")


def test_one_hearing_scanner_is_enough() -> None:
    assert alive([DEAF, HEARING])


def test_a_scanner_deaf_for_good_asks_for_a_new_process() -> None:
    assert not alive([DEAF])
    assert not alive([replace(DEAF, state=ScannerState.RECOVERING)])
    assert alive([replace(DEAF, silent_s=DEAF_TOO_LONG_S - 1)])


@pytest.mark.parametrize("state", [ScannerState.QUIET, ScannerState.ABSENT])
def test_a_quiet_shop_or_a_missing_stick_is_no_reason_to_restart(state: ScannerState) -> None:
    assert alive([replace(DEAF, state=state)])


def test_a_new_process_that_never_heard_anything_is_not_restarted_again() -> None:
    assert alive([replace(DEAF, silent_s=None)])


def test_a_box_without_ears_is_alive() -> None:
    assert alive([])
