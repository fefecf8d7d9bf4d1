"""The kernel's Bluetooth sockets, as far as the standard library doesn't know them."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import socket
import struct
from pathlib import Path

from gateway.radio.sources import AdapterAbsentError, SourceError

AF_BLUETOOTH, BTPROTO_HCI = 31, 1
"""Numbers of the kernel's, not of `socket`: a Python built without BlueZ's headers has no names for them."""
HCI_DEV_NONE, HCI_CHANNEL_CONTROL = 0xFFFF, 3
HCIDEVRESET = 0x400448CB
SO_RCVBUFFORCE = 33
RECEIVE_BUFFER_BYTES = 1 << 20
"""Holds more than a second of the fullest air (750 advertisements of about 1 KB as the kernel counts them)."""
CAP_NET_ADMIN = 12


def management_socket() -> socket.socket:
    """Open a non-blocking socket on the kernel's Bluetooth management channel. Raises SourceError."""
    try:
        opened = socket.socket(AF_BLUETOOTH, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, BTPROTO_HCI)
    except OSError as error:
        raise SourceError(f"this kernel has no Bluetooth sockets here ({error.strerror})") from error
    address = struct.pack("<HHH", AF_BLUETOOTH, HCI_DEV_NONE, HCI_CHANNEL_CONTROL)
    libc = ctypes.CDLL(None, use_errno=True)
    # socket.bind() has no way to name a channel before Python 3.14.
    if libc.bind(opened.fileno(), address, len(address)):
        opened.close()
        raise SourceError(f"the Bluetooth management channel can't be opened ({os.strerror(ctypes.get_errno())})")
    if may_manage():
        opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES)
    return opened


def management_fault() -> str | None:
    """Return why this process can't use the management socket; None when it can."""
    if not may_manage():
        return "this process has no CAP_NET_ADMIN"
    try:
        management_socket().close()
    except SourceError as error:
        return str(error)
    return None


def may_manage() -> bool:
    """Tell whether this process has CAP_NET_ADMIN; False where there is no such thing."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    effective = next((line.split()[1] for line in status.splitlines() if line.startswith("CapEff:")), "0")
    return bool(int(effective, 16) >> CAP_NET_ADMIN & 1)


def reset_controller(index: int) -> None:
    """Reset the controller of hci<index>. Blocks up to some seconds. Raises SourceError, AdapterAbsentError."""
    try:
        with socket.socket(AF_BLUETOOTH, socket.SOCK_RAW | socket.SOCK_CLOEXEC, BTPROTO_HCI) as raw:
            fcntl.ioctl(raw.fileno(), HCIDEVRESET, index)
    except PermissionError as error:
        raise SourceError(f"hci{index} may not be reset by this process; give it CAP_NET_ADMIN") from error
    except OSError as error:
        if error.errno == errno.ENODEV:
            raise AdapterAbsentError(f"there is no adapter hci{index}") from error
        raise SourceError(f"hci{index} can't be reset ({error.strerror})") from error
