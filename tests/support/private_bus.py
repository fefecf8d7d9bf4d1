"""A D-Bus of our own for tests: a real dbus-daemon that nobody else is on."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

_CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>custom</type><listen>unix:path={socket}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>"""
STOP_TIMEOUT_S = 5.0


@contextlib.contextmanager
def private_bus() -> Iterator[str]:
    """Runs a dbus-daemon and makes it this process's system bus; yields its address. Needs Debian's package dbus."""
    with tempfile.TemporaryDirectory(prefix="etalage-bus-") as folder:
        configuration = Path(folder, "bus.conf")
        configuration.write_text(_CONFIGURATION.format(socket=Path(folder, "bus")), encoding="utf-8")
        command = ["dbus-daemon", f"--config-file={configuration}", "--nofork", "--print-address=1"]
        daemon = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert daemon.stdout is not None
        before = os.environ.get("DBUS_SYSTEM_BUS_ADDRESS")
        try:
            address = daemon.stdout.readline().strip()
            os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = address
            yield address
        finally:
            if before is None:
                os.environ.pop("DBUS_SYSTEM_BUS_ADDRESS", None)
            else:
                os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = before
            daemon.terminate()
            daemon.wait(STOP_TIMEOUT_S)
            daemon.stdout.close()
