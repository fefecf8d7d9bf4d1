"""Trying a broker before it is used: the name, the port, the certificate, the password, and which of them is wrong."""

from __future__ import annotations

import secrets
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

WITHIN_S = 5.0
"""For each step: a broker in the same shop answers in milliseconds."""


@dataclass(frozen=True, slots=True)
class ProbeStep:
    """One step on the way to a broker."""

    name: str
    """name, port, certificate or password."""
    well: bool
    detail: str = ""
    """Why not, for a technician; of a certificate that holds, its last day."""


def probe(host: str, port: int, *, tls: bool, user: str = "", password: str = "", ca_file: str | None = None) -> list[ProbeStep]:
    """Return the steps up to the first that fails; blocks for some seconds at most, so call it in a thread."""
    return list(_steps(_Wanted(host, port, tls, user, password, ca_file)))


def is_there(host: str, port: int) -> bool:
    """Tell whether anything takes connections there."""
    with suppress(OSError), socket.create_connection((host, port), WITHIN_S):
        return True
    return False


@dataclass(frozen=True, slots=True)
class _Wanted:
    host: str
    port: int
    tls: bool
    user: str
    password: str
    ca_file: str | None


def _steps(wanted: _Wanted) -> Iterator[ProbeStep]:
    try:
        socket.getaddrinfo(wanted.host, wanted.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        yield ProbeStep("name", False, str(error))
        return
    yield ProbeStep("name", True)
    if not is_there(wanted.host, wanted.port):
        yield ProbeStep("port", False, f"{wanted.host}:{wanted.port}")
        return
    yield ProbeStep("port", True)
    if wanted.tls:
        step = _certificate(wanted)
        yield step
        if not step.well:
            return
    yield _signed_in(wanted)


def _certificate(wanted: _Wanted) -> ProbeStep:
    try:
        context = ssl.create_default_context(cafile=wanted.ca_file)
        with (
            socket.create_connection((wanted.host, wanted.port), WITHIN_S) as plain,
            context.wrap_socket(plain, server_hostname=wanted.host) as secure,
        ):
            return ProbeStep("certificate", True, str((secure.getpeercert() or {}).get("notAfter", "")))
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        return ProbeStep("certificate", False, getattr(error, "verify_message", "") or str(error))


def _signed_in(wanted: _Wanted) -> ProbeStep:
    """Connect as nobody in particular and leave again; MQTT 3.1.1 is known to every broker."""
    answered, told = threading.Event(), [""]

    def on_connect(_client: Client, _data: Any, _flags: object, reason: ReasonCode, _properties: object) -> None:
        told[0] = str(reason) if reason.is_failure else ""
        answered.set()

    client = Client(
        CallbackAPIVersion.VERSION2, client_id=f"etalage-test-{secrets.token_hex(4)}", protocol=MQTTProtocolVersion.MQTTv311
    )
    client.on_connect = on_connect
    if wanted.user:
        client.username_pw_set(wanted.user, wanted.password or None)
    if wanted.tls:
        client.tls_set_context(ssl.create_default_context(cafile=wanted.ca_file))
    try:
        client.connect(wanted.host, wanted.port)
        client.loop_start()
        if not answered.wait(WITHIN_S):
            return ProbeStep("password", False, "no answer")
        return ProbeStep("password", not told[0], told[0])
    except (OSError, ValueError) as error:
        return ProbeStep("password", False, str(error))
    finally:
        client.disconnect()
        client.loop_stop()
