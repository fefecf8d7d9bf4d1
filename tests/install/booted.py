"""A Debian that boots: its tree made once and kept, copied for each run, started by systemd-nspawn as a whole system."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from deploy.deb.wheels import cache

SUITES = {12: "bookworm", 13: "trixie"}
INSIDE = (
    "systemd,systemd-sysv,udev,dbus,init-system-helpers,python3,curl,iproute2,openssl,adduser,mosquitto,mosquitto-clients,bluez"
)
MEMORY = Path("/dev/shm")
"""A tree of 6,000 small files that lives for a minute is kept off the disk."""
BUILD_LIMIT_S, BOOT_LIMIT_S = 1200, 600
UNIT = """[Unit]
After=mosquitto.service dbus.service
[Service]
Type=oneshot
ExecStart=/bin/sh /test/guest.sh
StandardOutput=append:/test/log
StandardError=inherit
ExecStopPost=/bin/systemctl poweroff --no-block
"""


def tree(debian: int) -> Path:
    """Return the packed tree of a Debian release, made by mmdebstrap where it isn't there yet."""
    packed = cache() / f"debian-{debian}.tar"
    if not packed.exists():
        packed.parent.mkdir(parents=True, exist_ok=True)
        partial = packed.with_suffix(".partial.tar")
        command = ["mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", f"--include={INSIDE}", SUITES[debian], str(partial)]
        subprocess.run(command, check=True, timeout=BUILD_LIMIT_S)
        partial.rename(packed)
    return packed


def boot(debian: int, script: Path, files: dict[str, Path]) -> dict[str, str]:
    """Boot a Debian with `files` in /test, run `script` there as root, and return what it said: step to result."""
    with tempfile.TemporaryDirectory(prefix="etalage-install-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
        root = Path(folder) / "root"
        root.mkdir()
        subprocess.run(["tar", "-C", str(root), "-xf", str(tree(debian))], check=True, timeout=BUILD_LIMIT_S)
        (root / "test").mkdir()
        for name, source in {**files, "guest.sh": script}.items():
            shutil.copy(source, root / "test" / name)
        units = root / "etc/systemd/system"
        (units / "etalage-test.service").write_text(UNIT)
        (units / "multi-user.target.wants").mkdir(exist_ok=True)
        (units / "multi-user.target.wants/etalage-test.service").symlink_to("../etalage-test.service")
        command = ["systemd-nspawn", "-q", "-D", str(root), "--boot", "--register=no", "--keep-unit", "--private-network"]
        quiet = {**os.environ, "SYSTEMD_LOG_LEVEL": "warning"}
        subprocess.run(
            [*command, "--console=pipe"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=quiet,
            timeout=BOOT_LIMIT_S,
            check=False,
        )
        log = (root / "test/log").read_text(encoding="utf-8", errors="replace")
    print(log)  # pytest shows it when something is wrong
    said = (line.split(" ", 2) for line in log.splitlines() if line.startswith("RESULT "))
    return {words[1]: words[2].strip() if len(words) > 2 else "" for words in said}
