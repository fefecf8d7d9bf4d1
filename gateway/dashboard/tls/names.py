"""The names and addresses by which others on the shop's network reach this box."""

from __future__ import annotations

import fcntl
import ipaddress
import socket
import struct
from contextlib import suppress

SIOCGIFADDR = 0x8915
"""The ioctl that gives an interface's IPv4 address (netdevice(7))."""
PROBES = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
"""Addresses of documentation networks (RFC 5737, 3849): asking the kernel how it would get there sends nothing."""


def box_addresses() -> list[str]:
    """Return this box's own addresses on its networks, without loopback and link-local ones."""
    found = {*_of_interfaces(), *_of_routes()}
    return sorted(address for address in found if _is_of_use(address))


def box_names() -> list[str]:
    """Return this box's host name, and that under .local, by which multicast DNS finds it."""
    name = socket.gethostname().partition(".")[0].lower()
    return [name, f"{name}.local"]


def _of_interfaces() -> list[str]:
    found = []
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for _index, name in socket.if_nameindex():
            with suppress(OSError):  # an interface without an IPv4 address
                answer = fcntl.ioctl(any_socket.fileno(), SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
                found.append(socket.inet_ntoa(answer[20:24]))
    return found


def _of_routes() -> list[str]:
    """Return the addresses that packets for elsewhere would leave from: also IPv6, which the ioctl doesn't know."""
    found = []
    for family, target in PROBES:
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((target, 9))
            found.append(str(probe.getsockname()[0]))
    return found


def _is_of_use(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    return not (parsed.is_loopback or parsed.is_link_local or parsed.is_unspecified)
