"""What the box itself tells: files of the kernel's, programs, sockets. A thing that isn't there is an answer too."""

from __future__ import annotations

import shutil
import subprocess
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

from gateway.doctor.judging import Adapter
from gateway.radio.hci import CAP_NET_ADMIN

SYS = Path("/sys")
BLUETOOTHD = ("/usr/libexec/bluetooth/bluetoothd", "/usr/lib/bluetooth/bluetoothd")
PATIENCE_S = 5.0
"""For a program or a page on this very box."""


def adapters(sys: Path = SYS) -> list[Adapter]:
    """Return the Bluetooth adapters that the kernel knows."""
    found = []
    for folder in sorted((sys / "class/bluetooth").glob("hci*")):
        if ":" in folder.name:  # a connection, not an adapter
            continue
        switches = [_word(switch / kind) for switch in folder.glob("rfkill*") for kind in ("soft", "hard")]
        found.append(Adapter(folder.name, _word(folder / "address").lower(), "1" in switches))
    return found


def gateway_may_manage() -> bool | None:
    """Tell whether the running service has CAP_NET_ADMIN; None where it doesn't run."""
    pid = _said("systemctl", "show", "etalage.service", "--property=MainPID", "--value")
    if pid in ("", "0"):
        return None
    lines = _text(Path("/proc") / pid / "status").splitlines()
    effective = next((line.split()[1] for line in lines if line.startswith("CapEff:")), "0")
    return bool(int(effective, 16) >> CAP_NET_ADMIN & 1)


def bluez_version() -> str:
    """Return what bluetoothd says of its version; empty where there is none."""
    program = next((path for path in BLUETOOTHD if Path(path).exists()), None)
    return _said(program, "--version") if program else ""


def free_mb(folder: Path) -> int:
    """Return the free space of a folder's disk, in MB (10⁶ bytes). Raises OSError."""
    return shutil.disk_usage(folder).free // 1_000_000


def file_system_errors(sys: Path = SYS) -> int:
    """Return how many errors the ext4 file systems of this box have noted."""
    counts = [_word(path) for path in (sys / "fs/ext4").glob("*/errors_count")]
    return sum(int(count) for count in counts if count.isdigit())


def life_used(sys: Path = SYS) -> float | None:
    """Return the worst share of its rated writes that an eMMC has had, 0 to 1; None where no disk says it (SD cards don't)."""
    shares = []
    for path in (sys / "block").glob("mmcblk*/device/life_time"):
        for word in _word(path).split():
            with suppress(ValueError):
                shares.append(min(int(word, 16), 10) / 10)  # JEDEC: 0x01 is up to 10 %, 0x0a up to 100 %, 0x0b beyond
    return max(shares, default=None)


def page_answers(port: int) -> bool:
    """Tell whether a dashboard answers on this box's loopback; any answer counts."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=PATIENCE_S):  # a fixed scheme and host
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def _said(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def _word(path: Path) -> str:
    return _text(path).strip()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
