"""Telling systemd how the service is (sd_notify): one datagram to the socket it names. Nothing happens where there is
no systemd.

The watchdog's sign of life is tied to the air: a process that runs but has gone deaf for good is restarted by systemd
as well.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable

from gateway.radio.health import ScannerHealth
from gateway.radio.watchdog import HEAVY_BACK_OFF_S, ScannerState

DEAF_TOO_LONG_S = sum(HEAVY_BACK_OFF_S[:3])
"""7 minutes: every recovery step was tried, and each heavy one once more. Only a new process is left to try."""


def sd_notify(state: str) -> bool:
    """Send `READY=1`, `WATCHDOG=1`, `STATUS=…` or `STOPPING=1`; False where no service manager listens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
        try:
            out.sendto(state.encode(), "\0" + address[1:] if address[0] == "@" else address)
        except OSError:
            return False
    return True


def alive(scanners: Iterable[ScannerHealth]) -> bool:
    """Tell whether `WATCHDOG=1` may be sent: False when a scanner that used to hear has been deaf for too long and none of the
    others hears.

    A scanner that never heard anything since the start is no reason to restart again: the shop may be empty. An absent
    adapter isn't one either: no new process brings it back.
    """
    states = list(scanners)
    if any(one.state is ScannerState.HEARING for one in states):
        return True
    return not any(
        one.state in (ScannerState.DEAF, ScannerState.RECOVERING) and (one.silent_s or 0.0) > DEAF_TOO_LONG_S for one in states
    )
